"""Limits while servers and workers die: judged at a provider that counts, with real processes and a Redis of our own.

The day's turn and deaths at every single moment are told in tests/lifecycle/test_api_limit.py.
"""

from collections.abc import Iterator, Sequence

import pytest

from orchestrator.limits.limit import ConcurrencyLimit, Limit
from tests.bench.limits import days, losses, outages, races, turns
from tests.bench.limits.scene import Scene, a_scene, per_second

pytestmark = pytest.mark.chaos

RATE = 20.0  # a second; in a window of so few a call may be late by 37 ms, and test machines are busy
ONE: Sequence[Limit] = (per_second(RATE),)
WITH_SLOTS: Sequence[Limit] = (ConcurrencyLimit(name="slots", amount=outages.SLOTS), per_second(RATE))


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    """A judge, a Valkey, and two worker processes of four threads."""
    with a_scene(quick=True, processes=2, threads=4) as scene:
        yield scene


def test_a_redis_that_is_flushed_each_second_lets_no_call_too_many_through(scene: Scene) -> None:
    row = outages.flushed(scene, RATE)

    assert row.ok, row.measured


@pytest.mark.parametrize("loses", [False, True], ids=["kept", "lost"])
def test_without_redis_no_call_is_made_and_work_goes_on_within_seconds_of_its_return(scene: Scene, loses: bool) -> None:
    row = outages.restarted(scene, "chaos", ONE, loses=loses)

    assert row.ok, row.measured


def test_slots_that_were_out_when_redis_lost_them_come_back_after_their_time_and_not_before(scene: Scene) -> None:
    row = outages.restarted(scene, "chaos", WITH_SLOTS, loses=True, back_within=outages.AFTER_THE_TTL)

    assert row.ok, row.measured


def test_a_quota_is_not_exceeded_when_redis_forgets_how_much_of_it_is_used(scene: Scene) -> None:
    row = losses.of_a_quota(scene)

    assert row.ok, row.measured


def test_a_gate_stays_closed_when_redis_forgets_it(scene: Scene) -> None:
    row = losses.of_a_gate(scene)

    assert row.ok, row.measured


def test_a_killed_worker_takes_its_tokens_along_and_no_more(scene: Scene) -> None:
    account, task = races.begin(scene, per_second(RATE))

    races.kill_one(scene, task)
    scene.crew.end()

    counted = scene.report(account)
    assert (counted["sliding"], counted["fixed"]) == (0, 0)
    assert len(counted["calls"]) >= 0.85 * RATE * task.seconds


def test_ten_thousand_steps_behind_a_closed_gate_cost_a_handful_of_messages(scene: Scene) -> None:
    row = turns.behind_a_gate(scene)

    assert row.ok, row.measured


def test_killed_workers_and_a_flushed_redis_never_make_a_job_exceed_its_limit(scene: Scene) -> None:
    limited, after = days.a_limited_job(scene, deaths=3)

    assert limited.ok, limited.measured
    assert after.ok, after.measured
