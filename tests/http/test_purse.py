"""What a turn may spend, and what it gives back."""

import time
from datetime import timedelta
from threading import Thread

import pytest

from orchestrator.http.purse import Purse
from orchestrator.job.errors import Throttled
from orchestrator.job.status import WaitReason
from orchestrator.limits.limit import (
    ConcurrencyLimit,
    QuotaLimit,
    Refusal,
    Seed,
)
from tests.http.kit import FAST, a_lender
from tests.http.witness import PER_MINUTE, SPACED, Evening, Witness, spend_all


def test_ten_calls_cost_one_trip(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter), "7:3")
    purse.spend()

    for _ in range(19):
        purse.spend()

    assert limiter.grants == ["7:3:0", "7:3:1"]
    assert purse.take_calls() == 20


def test_a_purse_for_a_call_or_two_takes_its_tokens_one_by_one(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter, batch=1), "7:3")

    purse.spend()
    purse.spend()

    assert (len(limiter.grants), limiter.taken) == (2, 2)


def test_what_is_left_over_goes_back(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter), "7:3")
    for _ in range(3):
        purse.spend()

    purse.close()

    assert (limiter.taken, limiter.given_back) == (10, 7)


def test_a_lost_answer_is_asked_for_again_under_the_same_id(limiter: Witness) -> None:
    limiter.lost_answers = 1
    purse = Purse(a_lender(limiter=limiter), "7:3")

    with pytest.raises(Throttled) as caught:
        purse.spend()
    purse.spend()

    assert caught.value.reason is WaitReason.LIMITER_DOWN
    assert limiter.grants == ["7:3:0", "7:3:0"]
    assert purse.take_calls() == 1


def test_no_call_is_made_without_a_limiter(limiter: Witness) -> None:
    limiter.is_down = True
    purse = Purse(a_lender(limiter=limiter), "7:3")

    with pytest.raises(Throttled) as caught:
        purse.spend()

    assert timedelta(seconds=1) <= caught.value.pause <= timedelta(seconds=2)
    assert purse.take_calls() == 0
    assert purse.take_fixes().blocked_for is None


def test_closing_never_raises_and_ends_the_spending(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter), "7:3")
    purse.spend()
    limiter.is_down = True

    purse.close()

    with pytest.raises(Throttled) as caught:
        purse.spend()
    assert caught.value.reason is WaitReason.TURN


def test_a_limiter_that_knows_nothing_is_told_what_sql_knows(limiter: Witness) -> None:
    limiter.forget()
    quota = QuotaLimit(name="daily", amount=100)
    lender = a_lender(limiter=limiter, limits=(quota,), seed=lambda: Seed(quota_used={"daily": 95}))
    purse = Purse(lender, "7:3")

    for _ in range(5):
        purse.spend()
    with pytest.raises(Throttled) as caught:
        purse.spend()

    assert caught.value.reason is WaitReason.QUOTA
    assert caught.value.limit == "daily"


def test_a_short_wait_is_waited_in_place(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter, limits=(SPACED,)), "7:3")

    started = time.monotonic()
    for _ in range(5):
        purse.spend()

    assert time.monotonic() - started >= 3 / 50
    assert purse.take_calls() == 5


def test_a_long_wait_ends_the_turn_and_blocks_the_budget(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter, limits=(PER_MINUTE,)), "7:3")

    with pytest.raises(Throttled) as caught:
        spend_all(purse)

    fixes = purse.take_fixes()
    assert caught.value.reason is WaitReason.RATE
    assert (fixes.blocked_for, fixes.blocked_by) == (caught.value.pause, "rate")
    assert purse.take_fixes().blocked_for is None


def test_tokens_are_never_used_on_another_day(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter), "7:3", Evening())
    purse.spend()

    purse.spend()

    assert limiter.grants == ["7:3:0", "7:3:1"]
    assert limiter.given_back == 0


def test_a_dear_call_takes_what_it_costs(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter), "7:3")
    purse.spend()

    purse.spend(cost=30)
    purse.close()

    assert limiter.taken - limiter.given_back == 31


def test_slots_are_refused_without_blocking_anybody() -> None:
    lender = a_lender(limits=(FAST, ConcurrencyLimit(name="calls", amount=2)))
    purse = Purse(lender, "7:3")
    purse.spend()

    with purse.slot(timedelta(seconds=5)), purse.slot(timedelta(seconds=5)), pytest.raises(Throttled) as caught:
        purse.slot(timedelta(seconds=5)).__enter__()

    assert caught.value.reason is WaitReason.CONCURRENCY
    assert purse.take_fixes().blocked_for is None
    with purse.slot(timedelta(seconds=5)):
        pass


def test_two_threads_share_one_purse(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter), "7:3")
    threads = [Thread(target=spend_all, args=[purse]) for _ in range(4)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    purse.close()
    assert purse.take_calls() == 4000
    assert limiter.taken - limiter.given_back == 4000


def test_a_settlement_that_did_not_get_through_is_made_up_for(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter), "7:3")
    limiter.is_down = True
    purse.settle(charged=1, true_cost=3)
    limiter.is_down = False

    purse.settle(charged=1, true_cost=8)

    assert limiter.settled == [9]


def test_a_limiter_that_forgets_all_the_time_is_as_good_as_down(limiter: Witness) -> None:
    limiter.forget()
    limiter.seed = lambda *_: None  # type: ignore[method-assign]
    purse = Purse(a_lender(limiter=limiter), "7:3")

    with pytest.raises(Throttled) as caught:
        purse.spend()

    assert caught.value.reason is WaitReason.LIMITER_DOWN


def test_a_refusal_of_the_gate_blocks_the_budget(limiter: Witness) -> None:
    limiter.forget()
    lender = a_lender(limiter=limiter, seed=lambda: Seed(gate_for=timedelta(seconds=30)))
    purse = Purse(lender, "7:3")

    with pytest.raises(Throttled) as caught:
        purse.spend()

    assert caught.value.reason is WaitReason.GATE
    assert isinstance(limiter.acquire("b1", (FAST,), grant_id="x", want=1), Refusal)
    assert purse.take_fixes().blocked_by == "gate"
