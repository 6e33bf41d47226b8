"""What every limiter shows of its limits."""

from datetime import timedelta

import pytest

from orchestrator.limits.burst import with_reserve
from orchestrator.limits.limit import BlockedBy, ConcurrencyLimit, News, Seed
from tests.limits.conftest import DAILY, MINUTES

SLOTS = ConcurrencyLimit(name="slots", amount=4)
ALL = [MINUTES, DAILY, SLOTS]


def test_an_unknown_budget_shows_nothing(desk):
    assert list(desk.limiter.look("team", ALL)) == []


def test_a_full_budget_shows_what_is_there(desk, full):
    full(*ALL)

    rate, quota, slots = desk.limiter.look("team", ALL)

    assert (rate.kind, rate.available, rate.used) == (BlockedBy.RATE, 15, 0)
    assert (quota.kind, quota.available, quota.used) == (BlockedBy.QUOTA, 100, 0)
    assert (slots.kind, slots.available, slots.used, slots.resets_in) == (BlockedBy.CONCURRENCY, 4, 0, None)


def test_what_was_taken_is_shown_as_used(desk, full):
    full(*ALL)
    desk.takes(ALL, 10)
    desk.limiter.enter("team", ALL, slot_id="a", ttl=timedelta(seconds=30))

    rate, quota, slots = desk.limiter.look("team", ALL)

    assert (rate.available, rate.used) == (pytest.approx(5, abs=0.2), pytest.approx(10, abs=0.2))
    assert rate.resets_in.total_seconds() == pytest.approx(10 / 0.95, abs=0.2)
    assert (quota.available, quota.used) == (90, 10)
    assert (slots.available, slots.used) == (3, 1)


def test_a_look_changes_nothing(desk, full):
    full(*ALL)

    for _ in range(20):
        desk.limiter.look("team", ALL)

    assert desk.takes(ALL, 10) == 10


def test_debt_is_shown(desk, full):
    full(MINUTES)
    desk.takes([MINUTES], 40, least=40)

    (rate,) = desk.limiter.look("team", [MINUTES])

    assert rate.available == pytest.approx(-25, abs=0.2)


def test_a_refusal_shows_a_closed_gate_and_half_the_rate(desk, full):
    full(MINUTES)
    desk.limiter.observe("team", [MINUTES], News(refused=True, retry_after=timedelta(seconds=30)))

    (rate,) = desk.limiter.look("team", [MINUTES])

    assert rate.gate_for.total_seconds() == pytest.approx(30, abs=0.5)
    assert rate.share == 0.5


def test_a_claim_shows_the_share_in_force_and_survives_in_the_seed(desk, clock):
    desk.limiter.seed("team", [MINUTES], Seed(claimed={"rate": 150}))
    clock.passes(timedelta(minutes=2))

    (rate,) = desk.limiter.look("team", [MINUTES])

    assert rate.share == 0.25


def test_a_reserve_is_told_apart(desk, full):
    reserved = with_reserve([MINUTES], 0.5)
    full(*reserved)

    (rate,) = desk.limiter.look("team", reserved)

    assert (rate.amount, rate.published) == (300, 600)
