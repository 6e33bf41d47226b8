"""Worker processes are known by their heartbeats."""

from datetime import timedelta

import pytest

from orchestrator.store.workers import Workers


@pytest.fixture
def workers(database) -> Workers:
    return Workers(database)


def test_slots_of_a_queue_are_those_of_the_processes_that_serve_it(workers):
    workers.beat("a", ["p.salesloft", "p.rest"], 16)
    workers.beat("b", ["p.salesloft"], 8)

    slots = [workers.live(queue) for queue in ("p.salesloft", "p.rest", "control")]

    assert slots == [24, 16, 0]


def test_a_process_not_seen_for_15_seconds_does_not_count(workers, time_told):
    workers.beat("a", ["control"], 4)
    time_told.passes(timedelta(seconds=14))
    soon = workers.live("control")
    time_told.passes(timedelta(seconds=2))

    later = workers.live("control")

    assert (soon, later) == (4, 0)


def test_a_heartbeat_says_what_the_process_does_now(workers, time_told):
    workers.beat("a", ["control"], 4)
    time_told.passes(timedelta(seconds=14))
    workers.beat("a", ["notify"], 2)
    time_told.passes(timedelta(seconds=14))

    alive = workers.alive()

    assert [(each.queues, each.slots) for each in alive] == [(["notify"], 2)]


def test_a_process_that_ends_says_so(workers):
    workers.beat("a", ["control"], 4)

    workers.leave("a")

    assert workers.alive() == []


def test_processes_of_yesterday_are_forgotten(workers, time_told):
    workers.beat("old", ["control"], 4)
    time_told.passes(timedelta(days=1))
    workers.beat("new", ["control"], 4)

    assert workers.sweep() == 1
    assert [each.id for each in workers.alive()] == ["new"]
