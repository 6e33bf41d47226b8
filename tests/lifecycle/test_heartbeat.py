"""The heartbeat of a process: which leases it carries on, for how long, and how a turn learns that it lost its own."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from orchestrator.job.step import Lease
from orchestrator.lifecycle.heartbeat import Heartbeat
from orchestrator.store.engine import StoreDown
from tests.servers import eventually

LONG = timedelta(seconds=60)
Pairs = set[tuple[int, int]]


def a_lease(step_id: int = 1, epoch: int = 1) -> Lease:
    return Lease(step_id=step_id, job_id=1, budget_id=1, epoch=epoch, owner="worker")


def renewing(asked: list[Pairs], gone: Pairs | None = None) -> Callable[[Pairs], Pairs]:
    """Note what is asked for, and renew everything but what is gone."""

    def renew(held: Pairs) -> Pairs:
        asked.append(held)
        return held - (gone or set())

    return renew


def test_all_running_turns_are_carried_on_together_and_ended_ones_no_more() -> None:
    asked: list[Pairs] = []
    heartbeat = Heartbeat(renewing(asked))
    pulses = [heartbeat.begin(a_lease(n), LONG, time.monotonic()) for n in (1, 2)]

    heartbeat.beat()
    heartbeat.end(pulses[0])
    heartbeat.beat()

    assert asked == [{(1, 1), (2, 1)}, {(2, 1)}]


def test_a_turn_whose_lease_is_gone_is_told_so() -> None:
    heartbeat = Heartbeat(renewing([], gone={(1, 1)}))
    lost, kept = (heartbeat.begin(a_lease(n), LONG, time.monotonic()) for n in (1, 2))

    heartbeat.beat()

    assert (lost.lost, lost.is_fresh()) == (True, False)
    assert (kept.lost, kept.is_fresh()) == (False, True)


def test_a_turn_that_hangs_is_not_carried_on_beyond_its_end() -> None:
    asked: list[Pairs] = []
    heartbeat = Heartbeat(renewing(asked))
    heartbeat.begin(a_lease(), timedelta(0), time.monotonic())

    heartbeat.beat()

    assert asked == [set()]


def test_a_proof_counts_from_before_it_was_asked_for() -> None:
    heartbeat = Heartbeat(renewing([]))

    slow_claim = heartbeat.begin(a_lease(), LONG, time.monotonic() - 7)

    assert not slow_claim.is_fresh()
    heartbeat.beat()
    assert slow_claim.is_fresh()


def test_a_beat_that_fails_proves_nothing() -> None:
    def down(_: Pairs) -> Pairs:
        raise StoreDown("gone")

    heartbeat = Heartbeat(down)
    pulse = heartbeat.begin(a_lease(), LONG, time.monotonic() - 5)

    with pytest.raises(StoreDown):
        heartbeat.beat()

    assert not pulse.lost
    pulse.proved_at -= 2
    assert not pulse.is_fresh()


def failing_once(beats: list[int]) -> Callable[[Pairs], Pairs]:
    """Fail at the first beat."""

    def renew(held: Pairs) -> Pairs:
        beats.append(1)
        if len(beats) == 1:
            raise StoreDown("for a moment")
        return held

    return renew


def test_a_heart_goes_on_beating_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    beats: list[int] = []
    monkeypatch.setattr("orchestrator.lifecycle.heartbeat.BEAT", timedelta(milliseconds=5))
    heartbeat = Heartbeat(failing_once(beats))

    heartbeat.start()

    eventually(lambda: len(beats) > 2)
    heartbeat.stop()
