"""What every limiter promises of quotas, slots and the gate."""

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.limits.limit import BlockedBy, ConcurrencyLimit, News, QuotaLimit, RateLimit, Refusal, Seed, Unseeded
from tests.limits.conftest import DAILY, MINUTES

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
PAGES = ConcurrencyLimit(name="pages", amount=2)
CALLS = ConcurrencyLimit(name="calls", amount=3)
BERLIN = QuotaLimit(name="berlin", amount=100, timezone="Europe/Berlin")


def test_a_rolling_quota_is_counted_anew_when_its_oldest_use_is_over(desk, clock, full):
    full(DAILY, seed=Seed(quota_used={"quota": 90}, quota_resets_in={"quota": HOUR}))
    desk.all_of([DAILY])

    before = desk.asks([DAILY], 1)
    clock.passes(before.wait + SECOND)
    over = desk.asks([DAILY], 1)
    desk.ledger = Seed(quota_used={"quota": 70}, quota_resets_in={"quota": 3 * HOUR})

    assert before.blocked_by is BlockedBy.QUOTA
    assert before.wait.total_seconds() == pytest.approx(3540, abs=1)
    assert isinstance(over, Unseeded)
    assert desk.all_of([DAILY]) == 30


def test_a_rolling_quota_is_counted_anew_once(desk, clock, full):
    full(MINUTES, DAILY, seed=Seed(quota_used={"quota": 90}, quota_resets_in={"quota": HOUR}))
    clock.passes(HOUR)
    desk.limiter.seed("team", [MINUTES, DAILY], Seed(quota_used={"quota": 70}))
    desk.takes([MINUTES, DAILY], 10)

    desk.limiter.seed("team", [MINUTES, DAILY], Seed(quota_used={"quota": 70}))

    assert desk.all_of([DAILY]) == 20


def test_news_do_not_begin_a_rolling_window_that_must_be_counted_anew(desk, clock, full):
    full(DAILY, seed=Seed(quota_used={"quota": 90}, quota_resets_in={"quota": HOUR}))
    clock.passes(HOUR)

    desk.limiter.observe("team", [DAILY], News(remaining={"quota": 50}))

    assert isinstance(desk.asks([DAILY], 1), Unseeded)


def test_a_calendar_quota_is_whole_again_at_midnight_of_its_time_zone(desk, clock, full):
    full(BERLIN)
    desk.all_of([BERLIN])

    refusal = desk.asks([BERLIN], 1)
    clock.moves_to(datetime(2031, 5, 6, 21, 59, 58, tzinfo=UTC))
    before = desk.takes([BERLIN], 1)
    clock.moves_to(datetime(2031, 5, 6, 22, 0, 1, tzinfo=UTC))

    assert refusal.wait > 9 * HOUR
    assert before == 0
    assert desk.all_of([BERLIN]) == 100


def test_a_calendar_quota_counts_a_day_of_twenty_three_hours_right(desk, clock, full):
    clock.moves_to(datetime(2031, 3, 29, 23, 30, tzinfo=UTC))
    full(BERLIN)
    desk.all_of([BERLIN])

    refusal = desk.asks([BERLIN], 1)

    assert refusal.wait.total_seconds() == pytest.approx(22.5 * 3600 - 60, abs=1)


def test_tokens_of_a_quota_are_not_to_be_used_in_the_next_window(desk, clock, full):
    full(DAILY, seed=Seed(quota_resets_in={"quota": 61 * SECOND}))

    answer = desk.asks([DAILY], 1)

    assert answer.use_by.total_seconds() == pytest.approx(1, abs=0.1)


def test_tokens_of_an_ended_window_do_not_go_back_into_the_next(desk, clock, full):
    full(DAILY, seed=Seed(quota_resets_in={"quota": 90 * SECOND}))
    desk.limiter.acquire("team", [DAILY], grant_id="7:3:1", want=60)
    clock.passes(31 * SECOND)
    desk.ledger = Seed()
    desk.takes([DAILY], 50)

    desk.limiter.release("team", [DAILY], grant_id="7:3:1", unused=60)

    assert desk.all_of([DAILY]) == 50


def test_a_settled_extra_counts_against_the_quota(desk, full):
    full(DAILY)
    desk.takes([DAILY], 10)

    desk.limiter.settle("team", [DAILY], extra=20)

    assert desk.all_of([DAILY]) == 70


def test_a_seed_tells_what_was_used_and_when_it_comes_back(desk, clock, full):
    full(DAILY, seed=Seed(quota_used={"quota": 100}, quota_resets_in={"quota": 2 * HOUR}))

    used_up = desk.takes([DAILY], 1)
    clock.passes(2 * HOUR)
    desk.ledger = Seed()

    assert used_up == 0
    assert desk.all_of([DAILY]) == 100


def test_tokens_are_to_be_used_within_two_seconds_or_a_tenth_of_the_window(desk, full):
    short = RateLimit(name="short", amount=50, window=SECOND)
    full(MINUTES, short)

    slow, fast = desk.asks([MINUTES], 1), desk.asks([MINUTES, short], 1)

    assert slow.use_by == timedelta(seconds=2)
    assert fast.use_by == timedelta(seconds=0.1)


def test_tokens_are_never_to_be_used_past_the_end_of_the_day(desk, clock, full):
    full(MINUTES)
    clock.moves_to(clock.now().replace(hour=23, minute=59, second=59, microsecond=500_000))

    answer = desk.asks([MINUTES], 1)

    assert answer.use_by <= timedelta(seconds=0.5)


def test_slots_are_given_out_until_none_is_left_and_come_back(desk, full):
    full(PAGES)
    enter = [desk.limiter.enter("team", [PAGES], slot_id=each, ttl=65 * SECOND) for each in ("a", "b", "c")]

    desk.limiter.leave("team", [PAGES], slot_id="a")
    later = desk.limiter.enter("team", [PAGES], slot_id="c", ttl=65 * SECOND)

    assert enter[:2] == [None, None]
    assert isinstance(enter[2], Refusal)
    assert (enter[2].blocked_by, enter[2].limit) == (BlockedBy.CONCURRENCY, "pages")
    assert later is None


def test_who_finds_no_slot_comes_again_within_a_second_and_not_all_at_once(desk, full):
    full(PAGES)
    for each in ("a", "b"):
        desk.limiter.enter("team", [PAGES], slot_id=each, ttl=65 * SECOND)

    waits = [desk.limiter.enter("team", [PAGES], slot_id="c", ttl=65 * SECOND).wait for _ in range(8)]

    assert all(0.2 * SECOND <= wait <= SECOND for wait in waits)
    assert len(set(waits)) > 1


def test_a_slot_expires_by_itself(desk, clock, full):
    full(PAGES)
    for each in ("a", "b"):
        desk.limiter.enter("team", [PAGES], slot_id=each, ttl=65 * SECOND)

    clock.passes(66 * SECOND)

    assert desk.limiter.enter("team", [PAGES], slot_id="c", ttl=65 * SECOND) is None


def test_a_slot_is_taken_in_all_limits_or_in_none(desk, full):
    full(PAGES, CALLS)
    for each in ("a", "b"):
        desk.limiter.enter("team", [PAGES, CALLS], slot_id=each, ttl=65 * SECOND)

    refused = [desk.limiter.enter("team", [CALLS, PAGES], slot_id=f"c{n}", ttl=65 * SECOND) for n in range(3)]

    assert {refusal.limit for refusal in refused} == {"pages"}
    assert desk.limiter.enter("team", [CALLS], slot_id="d", ttl=65 * SECOND) is None


def test_leaving_twice_or_late_makes_no_room_for_more(desk, full):
    full(PAGES)
    for each in ("a", "b"):
        desk.limiter.enter("team", [PAGES], slot_id=each, ttl=65 * SECOND)

    for _ in range(3):
        desk.limiter.leave("team", [PAGES], slot_id="a")
    desk.limiter.leave("team", [PAGES], slot_id="nobody")
    again = [desk.limiter.enter("team", [PAGES], slot_id=each, ttl=65 * SECOND) for each in ("c", "d")]

    assert again[0] is None
    assert isinstance(again[1], Refusal)


def test_entering_twice_with_one_slot_takes_one(desk, full):
    full(PAGES)

    for _ in range(3):
        assert desk.limiter.enter("team", [PAGES], slot_id="a", ttl=65 * SECOND) is None

    assert desk.limiter.enter("team", [PAGES], slot_id="b", ttl=65 * SECOND) is None


def test_slots_that_may_be_in_use_after_a_loss_are_taken_until_they_would_have_expired(desk, clock, full):
    desk.limiter.seed("team", [CALLS], Seed(slots_taken=2, slot_ttl=30 * SECOND))

    at_once = [desk.limiter.enter("team", [CALLS], slot_id=each, ttl=65 * SECOND) for each in ("a", "b")]
    clock.passes(31 * SECOND)
    later = [desk.limiter.enter("team", [CALLS], slot_id=each, ttl=65 * SECOND) for each in ("b", "c")]

    assert at_once[0] is None
    assert isinstance(at_once[1], Refusal)
    assert later == [None, None]


def test_without_a_concurrency_limit_everybody_enters(desk):
    answer = desk.limiter.enter("team", [MINUTES, DAILY], slot_id="a", ttl=SECOND)

    assert answer is None


def test_nobody_enters_a_budget_that_is_not_seeded(desk):
    answer = desk.limiter.enter("team", [PAGES], slot_id="a", ttl=SECOND)

    assert isinstance(answer, Refusal)


def test_a_closed_gate_holds_everybody_back_for_the_whole_pause(desk, clock, full):
    full(MINUTES, PAGES)
    desk.limiter.observe("team", [MINUTES, PAGES], News(retry_after=30 * SECOND))

    clock.passes(29 * SECOND)
    taking = desk.asks([MINUTES], 1)
    entering = desk.limiter.enter("team", [PAGES], slot_id="a", ttl=SECOND)
    clock.passes(SECOND + SECOND / 10)

    assert (taking.blocked_by, taking.limit) == (BlockedBy.GATE, "gate")
    assert taking.wait.total_seconds() == pytest.approx(1, abs=0.1)
    assert entering.blocked_by is BlockedBy.GATE
    assert desk.takes([MINUTES], 1) == 1


def test_a_shorter_pause_does_not_open_a_gate_that_is_closed_for_longer(desk, full):
    full(MINUTES)
    desk.limiter.observe("team", [MINUTES], News(retry_after=30 * SECOND))

    desk.limiter.observe("team", [MINUTES], News(retry_after=2 * SECOND))

    assert desk.asks([MINUTES], 1).wait > 29 * SECOND


def test_a_seed_closes_the_gate_for_as_long_as_it_was_known_to_be_closed(desk, full):
    desk.limiter.seed("team", [MINUTES], Seed(gate_for=90 * SECOND))

    answer = desk.asks([MINUTES], 1)

    assert answer.blocked_by is BlockedBy.GATE
    assert answer.wait.total_seconds() == pytest.approx(90, abs=0.1)
