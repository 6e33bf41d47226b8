"""Moves of a whole job, side by side with its turns; what they mean at the vendor is in tests/lifecycle."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from orchestrator.job.commit import Commit, Finished, Moved, Stopped, Wait
from orchestrator.job.errors import Conflict, Fenced, Missing
from orchestrator.job.record import Job
from orchestrator.job.status import JobOutcome, JobStatus, StopReason
from orchestrator.job.step import StepKind, Successor
from orchestrator.store.engine import Database, StoreBusy
from orchestrator.store.store import Store
from orchestrator.store.tables import jobs, steps
from tests.conftest import TimeTold
from tests.store.given import a_connection, a_job, a_tenant

REJECTED = Stopped(reason=StopReason.REJECTED, message="never")
THROTTLED = Stopped(reason=StopReason.API_LIMIT, message="tomorrow", restart_in=timedelta(hours=1))
FINISHED = Finished(outcome=JobOutcome.SUCCEEDED, message="done")


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


@pytest.fixture
def tenant(store: Store) -> int:
    return a_tenant(store.database)


@pytest.fixture
def job(store: Store, tenant: int) -> int:
    """A job with eight fetch steps."""
    first = tuple(Successor(kind=StepKind.FETCH, partition=n) for n in range(8))
    return a_job(store.database, a_connection(store.database, tenant), first_steps=first)


def steps_of(store: Store, job: int) -> list[dict[str, Any]]:
    with store.database.read() as connection:
        query = select(steps).where(steps.c.job_id == job).order_by(steps.c.id)
        return [dict(row) for row in connection.execute(query).mappings()]


def states(store: Store, job: int) -> Counter[str]:
    return Counter(step["state"] for step in steps_of(store, job))


def ends(store: Store, job: int, outcome: Any, number: int = 0) -> None:
    """Let one of the job's steps end like that."""
    claim = store.claims.claim(steps_of(store, job)[number]["id"], "worker")
    assert claim is not None
    store.commits.commit(claim.lease, Commit(outcome=outcome))


def moves(store: Store, tenant: int, job: int) -> dict[str, Callable[[], Job]]:
    control = store.control
    return {
        "cancel": lambda: control.cancel(tenant, job),
        "pause": lambda: control.pause(tenant, job),
        "resume": lambda: control.resume(tenant, job),
        "restart": lambda: control.restart(tenant, job),
    }


@pytest.mark.parametrize(
    ("outcome", "allowed"),
    [
        (Wait.nothing(), {"cancel", "pause"}),
        (REJECTED, {"restart"}),
        (THROTTLED, {"cancel", "pause", "restart"}),
        (FINISHED, set()),
    ],
    ids=["running", "aborted", "throttled", "completed"],
)
@pytest.mark.parametrize("move", ["cancel", "pause", "resume", "restart"])
def test_each_move_is_possible_in_its_own_statuses_alone(
    store: Store, tenant: int, job: int, outcome: Any, allowed: set[str], move: str
) -> None:
    ends(store, job, outcome)
    status = store.jobs.by_id(job).status

    if move in allowed:
        moves(store, tenant, job)[move]()
        return

    with pytest.raises(Conflict):
        moves(store, tenant, job)[move]()
    assert store.jobs.by_id(job).status is status


@pytest.mark.parametrize("move", ["cancel", "pause", "resume", "restart"])
def test_a_job_of_somebody_else_looks_like_none(store: Store, job: int, move: str) -> None:
    stranger = a_tenant(store.database, "stranger")

    with pytest.raises(Missing):
        moves(store, stranger, job)[move]()


def test_a_cancel_repeated_is_the_same_cancel(store: Store, tenant: int, job: int) -> None:
    statuses = [store.control.cancel(tenant, job).status for _ in range(3)]

    assert statuses == [JobStatus.CANCELED] * 3
    moved = [event for event in store.events.list(job) if event.data.get("to") == JobStatus.CANCELED]
    assert len(moved) == 1


def test_of_many_restarts_at_once_one_happens(store: Store, tenant: int, job: int) -> None:
    ends(store, job, REJECTED)

    def restart(_: int) -> bool:
        try:
            store.control.restart(tenant, job)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        restarted = list(pool.map(restart, range(8)))

    assert restarted.count(True) == 1
    assert store.jobs.by_id(job).restarts == 1


def test_a_restart_counts_the_open_steps_again_and_forgives_failures(store: Store, tenant: int, job: int) -> None:
    ends(store, job, Moved())
    ends(store, job, REJECTED, number=1)
    with store.database.write() as connection:
        connection.execute(jobs.update().values(open_steps=99))
        connection.execute(steps.update().values(failures=7, attempt=4))

    again = store.control.restart(tenant, job)

    assert (again.open_steps, again.stop_reason, again.completed_at) == (7, None, None)
    assert states(store, job) == {"done": 1, "ready": 7}
    assert {(step["failures"], step["attempt"]) for step in steps_of(store, job) if step["state"] == "ready"} == {
        (0, 0)
    }


def test_a_restart_with_nothing_left_to_do_only_finishes(store: Store, tenant: int, job: int) -> None:
    for number in range(7):
        ends(store, job, Moved(), number)
    ends(store, job, REJECTED, number=7)
    with store.database.write() as connection:
        connection.execute(steps.update().values(state="done"))

    store.control.restart(tenant, job)

    finish = steps_of(store, job)[-1]
    assert (finish["kind"], finish["state"]) == ("finish", "ready")
    assert store.sweeps.running_without_steps() == []


def test_a_throttled_job_comes_up_when_its_time_has_come_unless_it_shall_not(
    store: Store, tenant: int, time_told: TimeTold
) -> None:
    connection = a_connection(store.database, tenant)
    by_itself, by_hand = (a_job(store.database, connection, auto_restart=auto) for auto in (True, False))
    for each in (by_itself, by_hand):
        ends(store, each, THROTTLED)

    too_early = store.sweeps.throttled_and_due()
    time_told.passes(timedelta(hours=1, seconds=1))

    assert too_early == []
    assert store.sweeps.throttled_and_due() == [by_itself]


def test_moves_and_turns_side_by_side_never_deadlock_and_never_leave_a_step_behind(
    store: Store, tenant: int, job: int
) -> None:
    def act(seed: int) -> Counter[str]:
        random, happened = Random(seed), Counter[str]()
        for _ in range(25):
            what = random.choice(["pause", "resume", "restart", "turn", "turn", "turn", "take", "renew", "stop"])
            try:
                happened[what] += 1
                one_act(store, tenant, job, what, random)
            except (Conflict, Fenced):
                happened["refused"] += 1
            except StoreBusy:
                happened["busy"] += 1
                assert what not in ("pause", "resume", "restart")
        return happened

    with ThreadPoolExecutor(6) as pool:
        happened = sum(pool.map(act, range(6)), Counter[str]())

    assert happened["turn"] > 20
    assert store.sweeps.forgotten_steps() == store.sweeps.ready_under_stopped_jobs() == []
    assert store.jobs.by_id(job).open_steps == len(steps_of(store, job)) - states(store, job)["done"]


def one_act(store: Store, tenant: int, job: int, what: str, random: Random) -> None:
    """Let one thing happen to a random step of the job, or to all of it."""
    if what in ("pause", "resume", "restart"):
        moves(store, tenant, job)[what]()
        return
    step = random.choice(steps_of(store, job))
    if what == "take":
        store.hints.take(step["budget_id"], room=5)
    elif what == "renew":
        store.claims.renew({(each["id"], each["lease_epoch"]) for each in steps_of(store, job)})
    elif (claim := store.claims.claim(step["id"], "worker")) is not None:
        more = [Successor(kind=StepKind.POLL, vendor_seq=random.randrange(9))]
        store.commits.commit(claim.lease, Commit(calls=2, successors=more))
        store.commits.commit(claim.lease, Commit(outcome=REJECTED if what == "stop" else Wait.nothing()))
