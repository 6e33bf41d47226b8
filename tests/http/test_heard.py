"""What a turn learns of its limits on the way."""

import time
from datetime import timedelta

from orchestrator.http.purse import Purse
from orchestrator.limits.limit import (
    News,
)
from tests.http.kit import a_lender
from tests.http.witness import PER_MINUTE, Witness


def test_a_falling_count_is_told_at_most_twice_a_second(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter, limits=(PER_MINUTE,)), "7:3")

    for left in range(500, 400, -10):
        purse.learn(News(remaining={"rate": left}), time.monotonic())

    assert len(limiter.told) == 1
    assert purse.take_fixes().learned == {"rate": {"remaining": 410}}


def test_our_own_calls_are_no_news(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter, limits=(PER_MINUTE,)), "7:3")
    purse.spend()
    purse.learn(News(remaining={"rate": 599}), time.monotonic())
    told = len(limiter.told)

    purse.spend()
    purse.learn(News(remaining={"rate": 598}), time.monotonic())

    assert len(limiter.told) == told


def test_an_answer_that_was_overtaken_is_old_news(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter), "7:3")
    now = time.monotonic()
    purse.learn(News(remaining={"rate": 300}), now)

    purse.learn(News(remaining={"rate": 5}), now - 1)

    assert purse.take_fixes().learned == {"rate": {"remaining": 300}}


def test_a_refusal_is_heeded_however_late_it_comes(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter), "7:3")
    now = time.monotonic()
    purse.learn(News(remaining={"rate": 300}), now)

    pause = purse.learn(News(refused=True, retry_after=timedelta(seconds=4)), now - 1)

    assert pause == timedelta(seconds=4)
    assert limiter.told[-1].refused
    assert purse.take_fixes().gate_for == pause


def test_a_refusal_without_a_date_waits_for_the_window_that_is_used_up(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter), "7:3")
    resets = {"rate": timedelta(seconds=8), "daily": timedelta(hours=5)}

    pause = purse.learn(News(refused=True, remaining={"rate": 0, "daily": 900}, resets_in=resets), time.monotonic())

    assert pause == timedelta(seconds=8)


def test_failures_and_answers_are_kept_until_the_checkpoint() -> None:
    purse = Purse(a_lender(), "7:3")
    purse.saw_answer()
    purse.saw_failure()

    first, second = purse.take_fixes(), purse.take_fixes()

    assert (first.answered, first.failed) == (True, True)
    assert (second.answered, second.failed) == (False, False)
