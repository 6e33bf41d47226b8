"""What every limiter promises, whatever keeps its tokens."""

from datetime import timedelta

import pytest

from orchestrator.limits import burst
from orchestrator.limits.limit import BlockedBy, Grant, News, QuotaLimit, RateLimit, Refusal, Seed, Unseeded
from tests.limits.conftest import DAILY, MINUTES, time_for

SECOND = timedelta(seconds=1)


def test_a_budget_that_was_never_seeded_grants_nothing(desk):
    answer = desk.asks([MINUTES], 1)

    assert answer == Unseeded()


def test_a_seeded_budget_starts_with_empty_buckets(desk):
    desk.limiter.seed("team", [MINUTES], Seed())

    answer = desk.asks([MINUTES], 1)

    assert isinstance(answer, Refusal)
    assert (answer.blocked_by, answer.limit) == (BlockedBy.RATE, "rate")


def test_a_budget_is_seeded_only_once(desk, full):
    full(DAILY, seed=Seed(quota_used={"quota": 95}))

    desk.limiter.seed("team", [DAILY], Seed(quota_used={"quota": 0}))

    assert desk.all_of([DAILY]) == 5


def test_tokens_come_back_with_time(desk, clock, full):
    full(MINUTES)
    desk.all_of([MINUTES])

    clock.passes(time_for(4))

    assert desk.all_of([MINUTES]) == 4


def test_a_full_bucket_holds_its_burst_and_no_more(desk, clock, full):
    full(MINUTES)

    clock.passes(timedelta(hours=5))

    assert desk.all_of([MINUTES]) == burst.burst(MINUTES) == 15


def test_a_grant_is_partial_where_less_is_there_than_wanted(desk, clock, full):
    full(MINUTES)
    desk.all_of([MINUTES])
    clock.passes(time_for(3))

    taken = desk.takes([MINUTES], 10, least=2)

    assert taken == 3


def test_a_refused_acquire_spends_nothing(desk, clock, full):
    full(MINUTES, DAILY)
    desk.all_of([MINUTES])
    clock.passes(time_for(3))

    refused = [desk.takes([MINUTES, DAILY], 10, least=5) for _ in range(4)]

    assert refused == [0, 0, 0, 0]
    assert desk.all_of([MINUTES]) == 3
    assert desk.all_of([DAILY]) == 100


def test_all_limits_give_or_none_does(desk, full):
    scarce = QuotaLimit(name="scarce", amount=2)
    full(MINUTES, scarce)
    desk.all_of([scarce])

    answer = desk.asks([MINUTES, scarce], 1)

    assert isinstance(answer, Refusal)
    assert (answer.blocked_by, answer.limit) == (BlockedBy.QUOTA, "scarce")
    assert desk.all_of([MINUTES]) == 15


def test_the_scarcest_limit_sets_the_size_of_a_grant(desk, full):
    scarce = QuotaLimit(name="scarce", amount=4)
    full(MINUTES, scarce)

    taken = desk.takes([MINUTES, scarce], 10)

    assert taken == 4
    assert desk.all_of([MINUTES]) == 11


def test_a_refusal_names_the_moment_at_which_asking_again_succeeds(desk, clock, full):
    full(MINUTES)
    desk.all_of([MINUTES])

    answer = desk.asks([MINUTES], 5, least=5)
    clock.passes(answer.wait - 20 * timedelta(milliseconds=1))
    too_early = desk.takes([MINUTES], 5, least=5)
    clock.passes(20 * timedelta(milliseconds=1))

    assert too_early == 0
    assert desk.takes([MINUTES], 5, least=5) == 5


def test_who_wants_many_is_woken_for_half_a_second_of_rate(desk, full):
    fast = RateLimit(name="fast", amount=60_000, window=timedelta(seconds=60))
    desk.limiter.seed("team", [fast], Seed())

    answer = desk.asks([fast], 2000)

    assert answer.wait.total_seconds() == pytest.approx(0.5, abs=0.01)


def test_asking_again_under_the_same_grant_id_returns_the_same_grant(desk, clock, full):
    full(MINUTES)
    first = desk.limiter.acquire("team", [MINUTES], grant_id="7:3:1", want=6)
    clock.passes(SECOND)

    again = desk.limiter.acquire("team", [MINUTES], grant_id="7:3:1", want=6)

    assert isinstance(first, Grant)
    assert (again.id, again.tokens) == (first.id, 6)
    assert again.use_by < first.use_by
    assert desk.all_of([MINUTES]) == 9


def test_a_lost_grant_is_told_again_even_behind_a_closed_gate(desk, full):
    full(MINUTES)
    desk.limiter.acquire("team", [MINUTES], grant_id="7:3:1", want=6)
    desk.limiter.observe("team", [MINUTES], News(retry_after=SECOND))

    again = desk.limiter.acquire("team", [MINUTES], grant_id="7:3:1", want=6)

    assert again.tokens == 6


def test_unused_tokens_go_back(desk, full):
    full(MINUTES, DAILY)
    desk.limiter.acquire("team", [MINUTES, DAILY], grant_id="7:3:1", want=10)

    desk.limiter.release("team", [MINUTES, DAILY], grant_id="7:3:1", unused=4)

    assert desk.all_of([MINUTES]) == 9
    assert desk.all_of([DAILY]) == 94


def test_giving_back_twice_gives_back_once(desk, full):
    full(MINUTES)
    desk.limiter.acquire("team", [MINUTES], grant_id="7:3:1", want=10)

    for _ in range(3):
        desk.limiter.release("team", [MINUTES], grant_id="7:3:1", unused=4)

    assert desk.all_of([MINUTES]) == 9


def test_nobody_gives_back_more_than_was_granted(desk, full):
    full(MINUTES)
    desk.all_of([MINUTES])
    desk.limiter.settle("team", [MINUTES], extra=-5)
    desk.limiter.acquire("team", [MINUTES], grant_id="7:3:1", want=5)

    desk.limiter.release("team", [MINUTES], grant_id="7:3:1", unused=500)

    assert desk.all_of([MINUTES]) == 5


def test_giving_back_a_grant_that_nobody_knows_is_harmless(desk, full):
    full(MINUTES)

    desk.limiter.release("team", [MINUTES], grant_id="9:9:9", unused=4)

    assert desk.all_of([MINUTES]) == 15


def test_giving_back_under_other_limits_gives_back_where_they_are_the_same(desk, full):
    full(MINUTES, DAILY)
    desk.limiter.acquire("team", [MINUTES], grant_id="7:3:1", want=10)

    desk.limiter.release("team", [DAILY, MINUTES], grant_id="7:3:1", unused=10)

    assert desk.all_of([MINUTES]) == 15
    assert desk.all_of([DAILY]) == 100


def test_a_call_dearer_than_the_burst_is_granted_when_the_bucket_is_full_and_makes_debt(desk, clock, full):
    full(MINUTES)
    cost = 3 * burst.burst(MINUTES)

    taken = desk.takes([MINUTES], cost, least=cost)
    clock.passes(time_for(30))
    in_debt = desk.takes([MINUTES], 1)
    clock.passes(time_for(5))

    assert (taken, in_debt) == (45, 0)
    assert desk.all_of([MINUTES]) == 5


def test_a_call_dearer_than_the_burst_waits_until_the_bucket_is_full(desk, clock, full):
    full(MINUTES)
    desk.takes([MINUTES], 5)

    answer = desk.asks([MINUTES], 45, least=45)
    clock.passes(answer.wait)

    assert answer.wait.total_seconds() == pytest.approx(5 / 0.95, abs=0.01)
    assert desk.takes([MINUTES], 45, least=45) == 45


def test_a_settled_extra_is_charged_and_may_make_debt(desk, clock, full):
    full(MINUTES, DAILY)
    desk.limiter.settle("team", [MINUTES, DAILY], extra=17)

    now = desk.takes([MINUTES], 1)
    clock.passes(time_for(3))

    assert now == 0
    assert desk.all_of([MINUTES]) == 1


def test_a_settled_credit_comes_back_but_never_above_the_burst(desk, full):
    full(MINUTES)
    desk.takes([MINUTES], 5)

    desk.limiter.settle("team", [MINUTES], extra=-3)
    after_credit = desk.all_of([MINUTES])
    desk.limiter.settle("team", [MINUTES], extra=-1000)

    assert after_credit == 13
    assert desk.all_of([MINUTES]) == 15


def test_units_that_others_hold_are_left_room_for(desk, full):
    full(MINUTES)

    answer = desk.limiter.acquire("team", [MINUTES], grant_id="7:3:1", want=10, held_by_others=11)

    assert answer.tokens == 4


def test_losing_everything_grants_nothing_until_seeded_and_then_starts_empty(desk, clock, full):
    full(MINUTES, DAILY)
    desk.forget()

    lost = desk.asks([MINUTES, DAILY], 1)
    desk.limiter.seed("team", [MINUTES, DAILY], Seed(quota_used={"quota": 98}))
    at_once = desk.takes([MINUTES, DAILY], 1)
    clock.passes(time_for(10))

    assert lost == Unseeded()
    assert at_once == 0
    assert desk.takes([MINUTES, DAILY], 5) == 2


def test_a_limit_that_is_new_to_a_budget_starts_empty_and_fills(desk, clock, full):
    full(MINUTES)
    added = RateLimit(name="added", amount=600, window=timedelta(minutes=10))

    first = desk.takes([MINUTES, added], 1)
    clock.passes(time_for(2))

    assert first == 0
    assert desk.takes([MINUTES, added], 5) == 2


def test_limits_of_different_kinds_may_share_a_name(desk, full):
    same = QuotaLimit(name="rate", amount=20)
    full(MINUTES, same)

    taken = desk.takes([MINUTES, same], 10)

    assert taken == 10
    assert desk.all_of([same]) == 10


def test_budgets_do_not_touch_each_other(desk, clock, full):
    full(MINUTES)
    desk.limiter.seed("other", [MINUTES], Seed())
    clock.passes(60 * SECOND)

    desk.all_of([MINUTES])
    other = desk.limiter.acquire("other", [MINUTES], grant_id="7:1:1", want=10)

    assert other.tokens == 10
