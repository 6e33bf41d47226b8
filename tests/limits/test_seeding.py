"""What is told to a limiter that has to be told: sums over the ledger's hours, and claims in our own windows."""

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.clock import to_micros
from orchestrator.limits.burst import largest_burst, with_reserve
from orchestrator.limits.fitted import fitted
from orchestrator.limits.limit import News, QuotaLimit, RateLimit
from orchestrator.limits.seeding import counts_until, used, used_as_told
from orchestrator.limits.shape import limits_of

HOUR = timedelta(hours=1)
NOW = datetime(2026, 5, 4, 10, 20, tzinfo=UTC)
ROLLING = QuotaLimit(name="quota", amount=100)
BERLIN = QuotaLimit(name="quota", amount=100, timezone="Europe/Berlin")


def hour(day: int, at: int) -> datetime:
    return datetime(2026, 5, day, at, tzinfo=UTC)


HOURS = {hour(3, 9): 1, hour(3, 10): 2, hour(3, 21): 4, hour(3, 22): 8, hour(4, 10): 16}


def test_a_rolling_quota_counts_all_hours_that_touch_the_last_day() -> None:
    assert used(ROLLING, HOURS, NOW) == 2 + 4 + 8 + 16
    assert counts_until(ROLLING, HOURS, NOW) == timedelta(minutes=40)


def test_it_is_counted_anew_when_its_oldest_use_is_over() -> None:
    later = NOW + (counts_until(ROLLING, HOURS, NOW) or HOUR)

    assert used(ROLLING, HOURS, later) == 4 + 8 + 16
    assert counts_until(ROLLING, HOURS, later) == 11 * HOUR


def test_one_that_was_not_used_is_looked_at_again_in_a_day() -> None:
    assert used(ROLLING, {}, NOW) == 0
    assert counts_until(ROLLING, {}, NOW) == 24 * HOUR


def test_a_calendar_day_counts_from_its_own_midnight() -> None:
    assert used(BERLIN, HOURS, NOW) == 8 + 16
    assert counts_until(BERLIN, HOURS, NOW) is None


@pytest.mark.parametrize(("ago", "expected"), [(timedelta(minutes=5), 70), (timedelta(hours=2), 0)])
def test_the_vendors_word_of_the_last_hour_counts_too(ago: timedelta, expected: int) -> None:
    assert used_as_told(ROLLING, {"remaining": 30, "at": to_micros(NOW - ago)}, NOW) == expected


def test_the_vendors_word_is_about_the_whole_quota_and_ours_about_our_share() -> None:
    (ours,) = with_reserve([ROLLING], 0.2)
    assert isinstance(ours, QuotaLimit)

    assert used_as_told(ours, {"remaining": 30, "at": to_micros(NOW)}, NOW) == 70
    assert used_as_told(ours, {}, NOW) == 0


def test_a_claim_for_another_window_is_told_in_ours() -> None:
    minute = RateLimit(name="rate", amount=600, window=timedelta(minutes=1))
    news = News(limits={"rate": 50, "quota": 7}, windows={"rate": timedelta(seconds=10)})

    assert fitted(news, [minute]).limits == {"rate": 300, "quota": 7}


def test_a_claim_without_a_window_is_taken_as_ours() -> None:
    news = News(limits={"rate": 50})

    assert fitted(news, []) is news


def test_the_first_limit_of_a_kind_is_the_one_that_headers_speak_of() -> None:
    kinds = [{"kind": "rate", "amount": 10, "seconds": 1}, {"kind": "rate", "amount": 99, "seconds": 60}]

    assert [limit.name for limit in limits_of(kinds)] == ["rate", "rate2"]


@pytest.mark.parametrize(("amount", "seconds", "most"), [(600, 60, 29), (100, 10, 4), (10, 60, 1), (1000, 1, 20)])
def test_a_burst_is_what_the_window_bears_beside_our_rate(amount: int, seconds: int, most: int) -> None:
    limit = RateLimit(name="rate", amount=amount, window=timedelta(seconds=seconds))

    assert largest_burst(limit) == most
