"""What a turn hands to its commits of what it was told: nonsense, units, latency, squeezes."""

import time
from datetime import timedelta

import pytest

from orchestrator.http.purse import Purse
from orchestrator.job.errors import Throttled
from orchestrator.job.status import WaitReason
from orchestrator.limits.limit import ConcurrencyLimit, News, QuotaLimit, Seed
from orchestrator.sandbox.faults import Fault, Match
from orchestrator.sandbox.server import Running
from tests.http.kit import FAST, a_lender, a_turn
from tests.http.witness import PER_MINUTE, Witness

DAILY = QuotaLimit(name="daily", amount=100)


@pytest.mark.parametrize("header", ["soon", "-5", "NaN", "1e400", "9" * 70, "Mon, 99 Foo 2026"])
def test_a_retry_after_that_cannot_be_read_is_counted_and_the_refusal_heeded(sandbox: Running, header: str) -> None:
    sandbox.world.order(Fault(status=429, retry_after=header), Match(), times=1)

    with a_turn(sandbox.url) as turn, pytest.raises(Throttled) as caught:
        turn.client.get("/rest/items")

    fixes = turn.purse.take_fixes()
    assert fixes.nonsense == {"retry-after": 1}
    assert caught.value.pause >= timedelta(seconds=10)


@pytest.mark.parametrize(("header", "pause"), [("86400", 3600), ("7", 7), ("Mon, 01 Jan 2001 00:00:00 GMT", 15)])
def test_a_retry_after_is_capped_and_a_past_one_says_nothing(sandbox: Running, header: str, pause: int) -> None:
    sandbox.world.order(Fault(status=429, retry_after=header), Match(), times=1)

    with a_turn(sandbox.url) as turn, pytest.raises(Throttled) as caught:
        turn.client.get("/rest/items")

    assert pause <= caught.value.pause.total_seconds() <= pause * 1.21
    assert turn.purse.take_fixes().nonsense == {}


def test_a_header_of_ten_megabytes_is_no_answer_and_breaks_nothing(sandbox: Running) -> None:
    huge = {"x-ratelimit-remaining": "1" * 10_000_000}
    sandbox.world.order(Fault(status=429, headers=huge), Match(), times=1)

    with a_turn(sandbox.url) as turn:
        with pytest.raises(Exception, match=r"no usable answer|pause"):
            turn.client.get("/rest/items")
        answer = turn.client.get("/rest/items")

    assert answer.status_code == 200


def test_nonsense_is_counted_by_header(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter), "7:3")

    for _ in range(3):
        purse.learn(News(nonsense=("ratelimit",)), time.monotonic())

    assert purse.take_fixes().nonsense == {"ratelimit": 3}
    assert purse.take_fixes().nonsense == {}


def test_units_are_what_the_provider_says_they_cost(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter, limits=(FAST, DAILY)), "7:3")

    purse.spend(3)
    purse.settle(3, 30)
    purse.spend(1)

    assert purse.uncounted == 31
    assert purse.take_units() == 31
    assert purse.take_units() == 0


def test_a_call_that_was_never_made_is_no_unit(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter), "7:3")

    purse.spend(8)
    purse.unspend(8)

    assert purse.take_units() == 0


def test_parts_of_a_unit_are_kept_for_the_next_commit(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter), "7:3")

    purse.spend(1)
    purse.settle(1, 0.5)
    first = purse.take_units()
    purse.spend(1)

    assert (first, purse.take_units()) == (1, 1)


def test_what_can_wait_comes_with_the_end_of_the_turn(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter, limits=(PER_MINUTE,)), "7:3")
    purse.learn(News(remaining={"rate": 300}, heard_from={"rate": "x"}), time.monotonic())
    purse.took(timedelta(seconds=2))
    purse.took(timedelta(seconds=4))

    checkpoint, end = purse.take_fixes(ending=False), purse.take_fixes()

    assert (checkpoint.learned, checkpoint.latency, checkpoint.worked) == (None, None, None)
    assert end.learned == {"rate": {"remaining": 300, "header": "x"}}
    assert end.latency == timedelta(seconds=3)
    assert end.worked is not None


def test_a_squeeze_at_a_checkpoint_is_told_at_the_end(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter), "7:3")
    purse.saw_failure()
    purse.take_fixes(ending=False)

    assert purse.take_fixes().squeezed


def test_a_full_house_is_a_squeeze(limiter: Witness) -> None:
    limits = (FAST, ConcurrencyLimit(name="calls", amount=1))
    limiter.forget()
    limiter.seed("b1", limits, Seed(slots_taken=1))
    purse = Purse(a_lender(limiter=limiter, limits=limits), "7:3")

    with pytest.raises(Throttled) as caught, purse.slot(timedelta(seconds=5)):
        pass

    assert caught.value.reason is WaitReason.CONCURRENCY
    assert purse.take_fixes().squeezed


def test_a_closed_gate_is_no_full_house(limiter: Witness) -> None:
    limits = (FAST, ConcurrencyLimit(name="calls", amount=1))
    limiter.forget()
    limiter.seed("b1", limits, Seed(gate_for=timedelta(seconds=20)))
    purse = Purse(a_lender(limiter=limiter, limits=limits), "7:3")

    with pytest.raises(Throttled) as caught, purse.slot(timedelta(seconds=5)):
        pass

    assert caught.value.reason is WaitReason.GATE
    assert not purse.take_fixes().squeezed


def test_a_claim_of_another_window_reaches_the_limiter_in_ours(limiter: Witness) -> None:
    ten = {"rate": timedelta(seconds=10)}
    purse = Purse(a_lender(limiter=limiter, limits=(PER_MINUTE,)), "7:3")

    purse.learn(News(limits={"rate": 50}, windows=ten), time.monotonic())

    assert limiter.told[-1].limits == {"rate": 300}


def test_a_short_quota_holds_the_budget_back_and_a_long_one_lets_each_job_be_told(limiter: Witness) -> None:
    limits = (QuotaLimit(name="daily", amount=1),)
    blocked = []

    for minutes in (1, 60):
        limiter.forget()
        limiter.seed("b1", limits, Seed(quota_used={"daily": 1}, quota_resets_in={"daily": timedelta(minutes=minutes)}))
        purse = Purse(a_lender(limiter=limiter, limits=limits), f"7:{minutes}")
        with pytest.raises(Throttled):
            purse.spend()
        blocked.append(purse.take_fixes().blocked_by)

    assert blocked == ["quota", None]
