"""Hints on their way: how many are published, where to, and what happens when they are lost."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from celery import Celery

from orchestrator.dispatch import Dispatch, make_celery, queue_of
from orchestrator.job.record import Job
from orchestrator.job.status import JobStatus
from orchestrator.job.step import StepKind, Successor
from orchestrator.store.connections import Connection
from orchestrator.store.store import Store
from tests.lifecycle.workshop import Workshop, people
from tests.servers import eventually, free_port
from tests.store.given import a_connection, a_job, a_tenant

QUEUES = [queue_of("salesloft"), queue_of("rest")]
SLOTS = 2


@pytest.fixture
def celery() -> Iterator[Celery]:
    """A Celery app on a broker in memory, with empty queues."""
    app = make_celery("memory://")
    for queue in QUEUES:
        messages(app, queue)
    yield app
    app.close()


def messages(celery: Celery, queue: str = QUEUES[0]) -> list[Any]:
    """Take all messages out of a queue."""
    taken = []
    with celery.connection_for_read() as connection, connection.SimpleQueue(queue) as waiting:
        while waiting.qsize():
            message = waiting.get(block=False)
            message.ack()
            taken.append(message)
    return taken


def steps_in(taken: list[Any]) -> list[int]:
    return [message.payload[0][0] for message in taken]


def a_crowd(store: Store, name: str = "sl", steps: int = 20) -> Connection:
    """Add a connection with a budget of its own, and a job with many due polls."""
    connection = a_connection(store.database, a_tenant(store.database), name)
    a_job(
        store.database, connection, first_steps=tuple(Successor(kind=StepKind.POLL, partition=n) for n in range(steps))
    )
    return connection


def serve(store: Store) -> None:
    store.workers.beat("worker-1", QUEUES, SLOTS)


def test_a_hint_goes_to_its_provider_s_queue_under_the_name_of_its_kind(workshop: Workshop, celery: Celery) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(3))

    published = Dispatch(workshop.store, celery).tick()

    (message,) = messages(celery)
    assert published == 1
    assert message.headers["task"] == "bulk.split"
    assert steps_in([message]) == [workshop.step_of(job, "split")["id"]]
    assert message.headers["argsrepr"] == f"job {job.id} · person"


def test_no_more_is_published_than_two_hints_a_slot(workshop: Workshop, celery: Celery) -> None:
    a_crowd(workshop.store)
    serve(workshop.store)
    dispatch = Dispatch(workshop.store, celery)

    published = [dispatch.tick() for _ in range(3)]

    assert published == [2 * SLOTS, 0, 0]


def test_several_budgets_of_a_provider_share_the_room_of_their_queue(workshop: Workshop, celery: Celery) -> None:
    for name in ("one", "two", "three"):
        a_crowd(workshop.store, name)
    serve(workshop.store)

    published = Dispatch(workshop.store, celery).tick()

    assert published == len(messages(celery)) == 2 * SLOTS


def test_a_queue_that_was_emptied_is_filled_again_before_the_second_is_over(workshop: Workshop, celery: Celery) -> None:
    budget = a_crowd(workshop.store).budget_id
    serve(workshop.store)
    dispatch = Dispatch(workshop.store, celery)
    dispatch.budget(budget)
    messages(celery)

    def another_turn_ends() -> bool:
        dispatch.budget(budget)
        return len(messages(celery)) == 2 * SLOTS

    eventually(another_turn_ends, within=0.9)


def test_a_few_hints_wait_for_the_first_worker_to_show_itself(workshop: Workshop, celery: Celery) -> None:
    a_crowd(workshop.store)

    published = Dispatch(workshop.store, celery).tick()

    assert published == 8


def test_a_lost_hint_is_given_again_by_a_tick_within_three_seconds(workshop: Workshop, celery: Celery) -> None:
    a_crowd(workshop.store, steps=3)
    Dispatch(workshop.store, celery).tick()
    lost = steps_in(messages(celery))

    at_once = Dispatch(workshop.store, celery).tick()
    workshop.passes(timedelta(seconds=2.1))
    Dispatch(workshop.store, celery).tick()

    assert at_once == 0
    assert steps_in(messages(celery)) == lost


def test_a_hint_that_waits_in_its_queue_is_not_given_again(workshop: Workshop, celery: Celery) -> None:
    a_crowd(workshop.store, steps=3)
    Dispatch(workshop.store, celery).tick()

    workshop.passes(timedelta(seconds=5))
    again = Dispatch(workshop.store, celery).tick()

    assert again == 0
    assert len(messages(celery)) == 3


def test_a_dead_broker_costs_little_and_loses_nothing(workshop: Workshop, celery: Celery) -> None:
    crowd = a_crowd(workshop.store, steps=3)
    dead = Dispatch(workshop.store, make_celery(f"redis://127.0.0.1:{free_port()}/0"))

    began = time.monotonic()
    dead.budget(crowd.budget_id)
    dead.budget(crowd.budget_id)
    took = time.monotonic() - began
    workshop.passes(timedelta(seconds=3))

    assert took < 2
    assert Dispatch(workshop.store, celery).tick() == 3


def test_a_whole_job_lives_by_hints_alone(workshop: Workshop, celery: Celery) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(30, bad=2))
    serve(workshop.store)

    done = runs_by_hints(workshop, job, Dispatch(workshop.store, celery), celery)

    assert (done.status, done.counts.accepted, done.counts.refused) == (JobStatus.COMPLETED, 28, 2)


def runs_by_hints(workshop: Workshop, job: Job, dispatch: Dispatch, celery: Celery) -> Job:
    """Take the turns that messages ask for, each twice, until the job has ended."""
    for _ in range(60):
        for step_id in 2 * steps_in(messages(celery)):
            workshop.turns.take_turn(step_id)
        if (now := workshop.job(job)).status is JobStatus.COMPLETED:
            return now
        if not dispatch.tick():
            workshop.passes(timedelta(seconds=1))
    raise AssertionError(workshop.steps_of(job))
