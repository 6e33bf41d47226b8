"""Jobs: how they are born, and how they are looked at."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection as Transaction
from sqlalchemy import select

from orchestrator.job.chunk import Part, Stream
from orchestrator.job.commit import Commit, Fixes, Moved, Outcome, Stopped, Wait
from orchestrator.job.criteria import DownloadCriteria, FileFormat
from orchestrator.job.errors import Missing
from orchestrator.job.status import Direction, JobStatus, StopReason, WaitReason
from orchestrator.job.step import PARTITION_GAP, StepKind, Successor
from orchestrator.store.connections import Connection
from orchestrator.store.engine import Database
from orchestrator.store.jobs import Waiting
from orchestrator.store.store import Store
from orchestrator.store.tables import steps
from tests.conftest import TimeTold
from tests.store.given import a_connection, a_job, a_new_job, a_tenant

MINUTE = timedelta(minutes=1)


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


@pytest.fixture
def connection(store: Store) -> Connection:
    return a_connection(store.database, a_tenant(store.database))


def a_turn(store: Store, job: int, outcome: Outcome | None, number: int = 0, **more: Any) -> None:
    """Let a step of the job take a turn that ends like that."""
    with store.database.read() as reading:
        ids = list(reading.execute(select(steps.c.id).where(steps.c.job_id == job).order_by(steps.c.id)).scalars())
    claim = store.claims.claim(ids[number], "worker")
    assert claim is not None
    store.commits.commit(claim.lease, Commit(outcome=outcome, **more))


def test_a_job_is_born_with_its_first_steps_and_its_criteria(store: Store, connection: Connection) -> None:
    criteria = DownloadCriteria(object_name="Person", format=FileFormat.CSV, limit=7, select_fields=("id", "name"))
    kinds = (Successor(kind=StepKind.CREATE), Successor(kind=StepKind.POLL, due_in=MINUTE))

    job = store.jobs.add(a_new_job(connection, criteria=criteria, first_steps=kinds))

    assert (job.status, job.direction, job.criteria) == (JobStatus.CREATED, Direction.DOWNLOAD, criteria)
    assert job.open_steps == 2
    assert store.jobs.request_of(job.id) == {"objectName": "person"}
    assert [event.name for event in store.events.list(job.id)] == ["job.created"]


def test_what_is_written_with_a_job_is_written_with_it_or_not_at_all(store: Store, connection: Connection) -> None:
    def fails(_: Transaction, job_id: int) -> None:
        raise RuntimeError(job_id)

    with pytest.raises(RuntimeError):
        store.jobs.add(a_new_job(connection), fails)

    assert store.jobs.list(connection.tenant_id) == []


def test_a_job_of_another_tenant_looks_like_none(store: Store, connection: Connection) -> None:
    job = a_job(store.database, connection)
    stranger = a_tenant(store.database, "stranger")

    with pytest.raises(Missing):
        store.jobs.get(stranger, job)

    assert store.jobs.list(stranger) == []
    assert store.jobs.get(connection.tenant_id, job).id == job


def test_jobs_are_listed_in_pages_and_by_what_they_are(store: Store, connection: Connection) -> None:
    made = [a_job(store.database, connection, object_name=name) for name in ("Person", "Account", "Person")]
    tenant = connection.tenant_id
    store.control.cancel(tenant, made[0])

    first = store.jobs.list(tenant, size=2)
    rest = store.jobs.list(tenant, size=2, after=first[-1].id)

    assert [job.id for job in (*first, *rest)] == made
    assert [job.id for job in store.jobs.list(tenant, object_name="Person")] == [made[0], made[2]]
    assert [job.id for job in store.jobs.list(tenant, status=JobStatus.CANCELED)] == [made[0]]
    assert store.jobs.list(tenant, connection_id=connection.id + 1) == []
    assert store.jobs.list(tenant, direction=Direction.UPLOAD) == []


@pytest.mark.parametrize("reason", [WaitReason.RETRY_AFTER, WaitReason.VENDOR_JOB, WaitReason.BACK_OFF])
def test_a_job_tells_what_it_waits_for_and_until_when(store: Store, connection: Connection, reason: WaitReason) -> None:
    job = a_job(store.database, connection)
    a_turn(store, job, Wait(pause=MINUTE, reason=reason))

    waiting = store.jobs.waiting(job)

    assert waiting is not None
    assert waiting.reason is reason
    assert waiting.until is not None
    assert abs(waiting.until - store.database_time() - MINUTE) < timedelta(seconds=5)


def test_a_job_that_is_about_to_move_waits_for_nothing(
    store: Store, connection: Connection, time_told: TimeTold
) -> None:
    job = a_job(store.database, connection)
    new = store.jobs.waiting(job)
    a_turn(store, job, Wait(pause=MINUTE, reason=WaitReason.BACK_OFF))

    time_told.passes(2 * MINUTE)

    assert new is None
    assert store.jobs.waiting(job) is None


def test_a_job_of_a_blocked_budget_tells_so_though_no_step_of_its_own_was_refused(
    store: Store, connection: Connection
) -> None:
    refused, other = a_job(store.database, connection), a_job(store.database, connection)
    blocked = Fixes(blocked_for=MINUTE, blocked_by="quota")
    a_turn(store, refused, Wait(pause=MINUTE, reason=WaitReason.QUOTA), fixes=blocked)

    waiting = store.jobs.waiting(other)

    assert waiting is not None
    assert waiting.reason is WaitReason.QUOTA


def test_a_paused_job_waits_for_somebody(store: Store, connection: Connection) -> None:
    job = a_job(store.database, connection)
    store.control.pause(connection.tenant_id, job)

    assert store.jobs.waiting(job) == Waiting(reason=WaitReason.PAUSED, until=None)


def test_a_throttled_job_waits_for_its_day_and_an_ended_one_for_nothing(store: Store, connection: Connection) -> None:
    throttled, aborted = a_job(store.database, connection), a_job(store.database, connection)
    a_turn(store, throttled, Stopped(reason=StopReason.API_LIMIT, message="tomorrow", restart_in=MINUTE))
    a_turn(store, aborted, Stopped(reason=StopReason.REJECTED, message="never"))

    waiting = store.jobs.waiting(throttled)

    assert waiting == Waiting(reason=WaitReason.API_LIMIT, until=store.jobs.by_id(throttled).restart_at)
    assert store.jobs.waiting(aborted) is None


def test_steps_are_counted_as_far_as_they_are_known(store: Store, connection: Connection) -> None:
    kinds = (Successor(kind=StepKind.FETCH), Successor(kind=StepKind.FETCH, partition=1))
    job = a_job(store.database, connection, first_steps=kinds)
    a_turn(store, job, Moved(successors=[Successor(kind=StepKind.POLL, vendor_seq=1)]))

    tally = store.jobs.steps_of(job)

    assert (tally.done, tally.total) == (1, 3)
    assert tally.phase in (StepKind.FETCH, StepKind.POLL)


def test_a_job_without_any_step_done_has_done_none(store: Store, connection: Connection) -> None:
    tally = store.jobs.steps_of(a_job(store.database, connection))

    assert (tally.done, tally.total, tally.phase) == (0, 1, StepKind.FETCH)


def test_rows_are_settled_up_to_the_first_partition_that_is_still_open(store: Store, connection: Connection) -> None:
    kinds = tuple(Successor(kind=StepKind.FETCH, partition=n * PARTITION_GAP) for n in range(3))
    job = a_job(store.database, connection, first_steps=kinds)
    for number, outcome in enumerate((Moved(), Wait.nothing(), Moved())):
        a_turn(store, job, outcome, number, part=a_part(store, job, number))

    settled = store.jobs.settled_parts(job)

    assert [part.partition for part in settled] == [0, PARTITION_GAP]


def a_part(store: Store, job: int, number: int) -> Part:
    with store.database.read() as reading:
        rows = reading.execute(select(steps).where(steps.c.job_id == job).order_by(steps.c.id)).mappings().all()
    return Part(
        stream=Stream.RECORDS, step_id=rows[number]["id"], seq=0, partition=rows[number]["partition"], epoch=1,
        restart=0, object_key=f"jobs/{job}/{number}", rows=3, bytes=30, crc32=1,
    )  # fmt: skip


def test_ids_of_forgotten_jobs_never_come_back(store: Store, connection: Connection) -> None:
    forgotten = a_job(store.database, connection)
    with store.database.write() as writing:
        for table in ("steps", "events", "jobs"):
            writing.exec_driver_sql(f"DELETE FROM {table}")

    assert a_job(store.database, connection) > forgotten
