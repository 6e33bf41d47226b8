"""In what portions a published limit is used."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.limits import burst
from orchestrator.limits.limit import ConcurrencyLimit, QuotaLimit, RateLimit

SALESLOFT = RateLimit(name="points", amount=600, window=timedelta(minutes=1))
SPACED = RateLimit(name="rate", amount=50, window=timedelta(seconds=1))

amounts = st.floats(min_value=1, max_value=1e6)
windows = st.timedeltas(min_value=timedelta(milliseconds=200), max_value=timedelta(hours=24))
bursts = st.none() | st.integers(min_value=1, max_value=10_000)
limits = st.builds(RateLimit, name=st.just("rate"), amount=amounts, window=windows, burst=bursts)


def test_we_run_at_95_percent_of_a_long_window_and_a_call_below_a_short_one():
    rates = burst.rate(SALESLOFT), burst.rate(SPACED)

    assert rates == pytest.approx((9.5, 49.0))


def test_the_default_burst_is_half_of_what_the_window_leaves():
    assert burst.burst(SALESLOFT) == 15
    assert burst.spare(SALESLOFT) == 15


def test_calls_of_a_short_window_are_spaced_one_by_one():
    assert burst.burst(SPACED) == 1
    assert burst.batch_size([SPACED], cap=1) == 1


@settings(deadline=None)
@given(limit=limits.filter(lambda limit: not burst.is_short(limit)), cap=st.integers(min_value=1, max_value=1000))
def test_burst_and_all_tokens_held_fit_into_what_the_window_leaves(limit, cap):
    cap = min(cap, burst.max_cap([limit], default=1000))

    held = cap * burst.batch_size([limit], cap)

    slack = limit.amount - burst.rate(limit) * limit.window.total_seconds()
    assert burst.burst(limit) + held <= max(2, slack + 1e-3)


@settings(deadline=None)
@given(limit=limits, cap=st.integers(min_value=1, max_value=1000))
def test_a_batch_is_one_to_ten_and_at_most_two_seconds_of_rate(limit, cap):
    batch = burst.batch_size([limit], cap)

    assert 1 <= batch <= max(1, min(10, 2 * burst.rate(limit)))


def test_a_batch_grows_as_fewer_turns_share_the_window():
    batches = [burst.batch_size([SALESLOFT], cap) for cap in (16, 4, 1)]

    assert batches == [1, 3, 10]


def test_no_more_turns_run_than_slots_or_the_window_allow():
    slots = ConcurrencyLimit(name="pages", amount=5)

    assert burst.max_cap([SALESLOFT]) == 15
    assert burst.max_cap([SALESLOFT, slots]) == 5
    assert burst.max_cap([SPACED, QuotaLimit(name="day", amount=3)]) == 16
    assert burst.max_cap([RateLimit(name="slow", amount=4, window=timedelta(minutes=1))]) == 1


def test_tokens_live_for_a_tenth_of_the_shortest_window_and_two_seconds_at_most():
    assert burst.use_by([]) == timedelta(seconds=2)
    assert burst.use_by([SALESLOFT]) == timedelta(seconds=2)
    assert burst.use_by([SALESLOFT, SPACED]) == timedelta(milliseconds=100)


def test_a_burst_of_ones_own_is_obeyed_as_far_as_the_window_allows():
    own = [RateLimit(name="points", amount=600, window=timedelta(minutes=1), burst=each) for each in (10, 25, 400)]

    assert [burst.burst(limit) for limit in own] == [10, 25, 29]


def test_a_reserve_lowers_every_limit_and_remembers_what_is_published():
    rate, quota, slots = burst.with_reserve(
        [SALESLOFT, QuotaLimit(name="day", amount=15_000), ConcurrencyLimit(name="pages", amount=5)], 0.2
    )

    assert (rate.amount, rate.published) == (480, 600)
    assert (quota.amount, quota.published) == (12_000, 15_000)
    assert slots.amount == 4


def test_a_reserve_never_leaves_nothing_of_a_concurrency_limit():
    (slots,) = burst.with_reserve([ConcurrencyLimit(name="pages", amount=1)], 0.95)

    assert slots.amount == 1


@pytest.mark.parametrize("reserve", [-0.1, 0.96, 1])
def test_a_reserve_outside_of_its_bounds_is_refused(reserve):
    with pytest.raises(ValueError, match="between 0 and"):
        burst.with_reserve([SALESLOFT], reserve)


def test_a_short_window_of_few_calls_leaves_room_for_one_that_travels_late():
    few = RateLimit(name="few", amount=10, window=timedelta(seconds=1))
    many = RateLimit(name="many", amount=500, window=timedelta(seconds=1))
    single = RateLimit(name="single", amount=1, window=timedelta(seconds=1))

    rates = [burst.rate(limit) for limit in (few, many, single)]

    assert rates == pytest.approx([9.0, 490.0, 0.25])
