"""What every limiter learns from the provider's answers."""

from datetime import timedelta

import pytest

from orchestrator.limits.burst import with_reserve
from orchestrator.limits.limit import BlockedBy, News, QuotaLimit, RateLimit, Refusal
from tests.limits.conftest import DAILY, HELD_BACK, MINUTES, time_for

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def test_news_of_less_lowers_what_is_there(desk, full):
    full(MINUTES, DAILY)

    desk.limiter.observe("team", [MINUTES, DAILY], News(remaining={"rate": 4, "quota": 7}))

    assert desk.all_of([MINUTES]) == 0
    assert desk.all_of([DAILY]) == 7


def test_news_of_more_raises_nothing(desk, full):
    full(MINUTES, DAILY)
    desk.takes([MINUTES, DAILY], 12)

    desk.limiter.observe("team", [MINUTES, DAILY], News(remaining={"rate": 560, "quota": 99}))

    assert desk.all_of([MINUTES]) == 3
    assert desk.all_of([DAILY]) == 88


def test_what_is_left_of_a_window_lasts_until_its_reset(desk, clock, full):
    full(MINUTES)

    desk.limiter.observe("team", [MINUTES], News(remaining={"rate": HELD_BACK + 5}, resets_in={"rate": MINUTE}))
    before = desk.all_of([MINUTES])
    clock.passes(MINUTE + SECOND / 10)

    assert before == 0
    assert desk.all_of([MINUTES]) == 5


def test_at_a_known_reset_the_quota_is_whole_again(desk, clock, full):
    full(DAILY)
    desk.limiter.observe("team", [DAILY], News(remaining={"quota": 5}, resets_in={"quota": MINUTE}))

    before = desk.all_of([DAILY])
    clock.passes(MINUTE + SECOND)

    assert before == 5
    assert desk.all_of([DAILY]) == 100


def test_news_of_a_later_known_reset_tells_of_a_new_window_and_may_raise(desk, full):
    full(DAILY)
    desk.limiter.observe("team", [DAILY], News(remaining={"quota": 0}, resets_in={"quota": MINUTE}))

    desk.limiter.observe("team", [DAILY], News(remaining={"quota": 90}, resets_in={"quota": timedelta(hours=24)}))

    assert desk.all_of([DAILY]) == 90


def test_a_reset_told_twice_with_a_little_difference_is_one_reset(desk, full):
    full(DAILY)
    desk.limiter.observe("team", [DAILY], News(remaining={"quota": 50}, resets_in={"quota": MINUTE}))
    desk.limiter.acquire("team", [DAILY], grant_id="7:3:1", want=10)
    desk.limiter.observe("team", [DAILY], News(remaining={"quota": 90}, resets_in={"quota": MINUTE + SECOND}))

    desk.limiter.release("team", [DAILY], grant_id="7:3:1", unused=10)

    assert desk.all_of([DAILY]) == 50


def test_an_answer_that_was_overtaken_is_not_believed(desk, clock, full):
    full(DAILY)
    clock.passes(10 * SECOND)
    desk.limiter.observe("team", [DAILY], News(remaining={"quota": 60}, sent_ago=SECOND))

    desk.limiter.observe("team", [DAILY], News(remaining={"quota": 3}, sent_ago=5 * SECOND))

    assert desk.all_of([DAILY]) == 60


def test_a_limit_that_is_less_than_we_thought_is_obeyed(desk, clock, full):
    full(MINUTES, DAILY)
    desk.limiter.observe("team", [MINUTES, DAILY], News(limits={"rate": 300, "quota": 40}))
    desk.all_of([MINUTES])

    clock.passes(time_for(8))

    assert desk.all_of([MINUTES]) == 4
    assert desk.all_of([DAILY]) == 40


def test_a_limit_that_is_more_than_we_were_told_to_use_changes_nothing(desk, full):
    full(DAILY)

    desk.limiter.observe("team", [DAILY], News(limits={"quota": 15_000}))

    assert desk.all_of([DAILY]) == 100


def test_a_reserve_is_left_to_others_even_when_they_have_used_the_rest(desk, full):
    (kept,) = with_reserve([QuotaLimit(name="quota", amount=100)], 0.2)
    full(kept)

    desk.limiter.observe("team", [kept], News(remaining={"quota": 30}))

    assert desk.all_of([kept]) == 10


def test_a_refusal_by_the_provider_halves_the_rate(desk, clock, full):
    full(MINUTES)
    desk.limiter.observe("team", [MINUTES], News(refused=True, retry_after=SECOND))

    clock.passes(time_for(10))

    assert desk.all_of([MINUTES]) == 5


def test_the_rate_heals_by_a_twentieth_each_quiet_minute(desk, clock, full):
    full(MINUTES)
    desk.limiter.observe("team", [MINUTES], News(refused=True, retry_after=SECOND))

    clock.passes(5 * MINUTE)
    desk.all_of([MINUTES])
    clock.passes(time_for(8))
    after_five = desk.all_of([MINUTES])
    clock.passes(5 * MINUTE)
    desk.all_of([MINUTES])
    clock.passes(time_for(8))

    assert after_five == 6
    assert desk.all_of([MINUTES]) == 8


def test_refusals_of_one_incident_halve_once(desk, clock, full):
    full(MINUTES)
    clock.passes(10 * SECOND)

    for _ in range(8):
        desk.limiter.observe("team", [MINUTES], News(refused=True, retry_after=SECOND, sent_ago=2 * SECOND))
        desk.limiter.observe("team", [MINUTES], News(refused=True, retry_after=SECOND))
    clock.passes(time_for(10))

    assert desk.all_of([MINUTES]) == 5


def test_a_refusal_after_the_pause_halves_again(desk, clock, full):
    full(MINUTES)
    for _ in range(2):
        desk.limiter.observe("team", [MINUTES], News(refused=True, retry_after=SECOND))
        clock.passes(2 * SECOND)

    desk.all_of([MINUTES])
    clock.passes(time_for(12))

    assert desk.all_of([MINUTES]) == 3


def test_a_refusal_without_a_date_closes_the_gate_until_the_next_window_with_jitter(desk, clock, full):
    per_minute = RateLimit(name="rate", amount=600, window=MINUTE)
    full(per_minute)
    to_next = 60 - clock.now().second

    desk.limiter.observe("team", [per_minute], News(refused=True))
    answer = desk.asks([per_minute], 1)

    assert isinstance(answer, Refusal)
    assert answer.blocked_by is BlockedBy.GATE
    assert to_next - 0.1 <= answer.wait.total_seconds() <= to_next + 1.1


def test_a_refusal_that_names_the_reset_closes_the_gate_until_then(desk, full):
    full(MINUTES)

    desk.limiter.observe("team", [MINUTES], News(refused=True, remaining={"rate": 0}, resets_in={"rate": 40 * SECOND}))
    answer = desk.asks([MINUTES], 1)

    assert answer.wait.total_seconds() == pytest.approx(40.5, abs=0.7)


def test_a_refusal_leaves_nothing_in_a_bucket_that_was_too_full(desk, clock, full):
    full(MINUTES)

    desk.limiter.observe("team", [MINUTES], News(refused=True, retry_after=SECOND))
    clock.passes(SECOND + SECOND / 10)

    assert desk.all_of([MINUTES]) == 0


def test_news_of_a_budget_that_nobody_seeded_is_dropped(desk):
    desk.limiter.observe("team", [MINUTES], News(remaining={"rate": 4}, refused=True))

    desk.limiter.settle("team", [MINUTES], extra=3)

    assert type(desk.asks([MINUTES], 1)).__name__ == "Unseeded"
