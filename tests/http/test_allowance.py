"""The calls of a job with an apiLimit are reserved before they are made."""

import pytest

from orchestrator.http.purse import Purse
from orchestrator.job.errors import ApiLimitUsed, Throttled
from orchestrator.job.status import WaitReason
from tests.http.kit import a_lender
from tests.http.witness import PER_MINUTE, Evening, Witness, spend_all


class Ledger:
    """The calls of a job's apiLimit, as SQL would give them out."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.asked: list[int] = []

    def reserve(self, calls: int) -> int:
        self.asked.append(calls)
        given = min(calls, self.left)
        self.left -= given
        return given


def test_calls_are_reserved_before_they_are_made(limiter: Witness) -> None:
    ledger = Ledger(12)
    purse = Purse(a_lender(limiter=limiter, reserve_calls=ledger.reserve), "7:3")

    with pytest.raises(ApiLimitUsed) as caught:
        spend_all(purse)

    assert ledger.asked[:2] == [10, 10]
    assert purse.take_calls() == 12
    assert caught.value.reason is WaitReason.API_LIMIT
    assert purse.take_fixes().blocked_for is None


def test_a_checkpoint_tops_the_reservation_up_to_the_calls_of_half_a_second() -> None:
    purse = Purse(a_lender(reserve_calls=lambda n: n), "7:3")
    for _ in range(45):
        purse.spend()

    wanted = purse.top_up_wanted()
    purse.topped_up(wanted)

    assert 10 <= wanted <= 45
    assert purse.top_up_wanted() == 0


def test_without_an_api_limit_nothing_is_reserved() -> None:
    purse = Purse(a_lender(), "7:3")

    purse.spend()

    assert purse.top_up_wanted() == 0
    assert purse.take_calls() == 1
    assert purse.take_calls() == 0


def test_a_call_reserved_today_is_not_made_tomorrow(limiter: Witness) -> None:
    ledger = Ledger(100)
    purse = Purse(a_lender(limiter=limiter, reserve_calls=ledger.reserve), "7:3", Evening())
    purse.spend()

    purse.spend()

    assert len(ledger.asked) == 2


def test_a_call_that_the_rate_refuses_is_not_counted(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter, limits=(PER_MINUTE,), reserve_calls=lambda n: n), "7:3")

    with pytest.raises(Throttled):
        spend_all(purse)

    assert purse.take_calls() == limiter.taken
