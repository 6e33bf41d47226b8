"""Jobs: how they are born, and how they are looked at."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, func, insert, select, update

from orchestrator.ceql import Filter
from orchestrator.clock import from_micros, to_micros
from orchestrator.job.chunk import Part, Stream
from orchestrator.job.criteria import Criteria
from orchestrator.job.errors import Missing
from orchestrator.job.record import Job
from orchestrator.job.status import Direction, JobStatus, WaitReason
from orchestrator.job.step import LOCAL, Cursor, StepKind, Successor
from orchestrator.store.births import first_place, insert_steps
from orchestrator.store.control import write_event
from orchestrator.store.engine import Database
from orchestrator.store.job_filters import job_condition
from orchestrator.store.records import Row, job_of, micros
from orchestrator.store.tables import budgets, jobs, parts, steps
from orchestrator.store.telling import THROTTLED_BY, StepTally, remote_ids, tally

A_MOMENT = 1_000_000  # µs

Also = Callable[[Connection, int], None]  # writes something of its own in the transaction that makes the job


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """A job to be born with its first steps."""

    tenant_id: int
    connection_id: int
    budget_id: int
    provider: str
    direction: Direction
    object_name: str
    criteria: Criteria
    request: Mapping[str, Any]  # the body as the user sent it
    first_steps: Sequence[Successor]
    api_limit: int | None
    weight: float
    auto_restart: bool
    give_up_after: timedelta
    native: bool = False
    input_key: str | None = None
    input_bytes: int | None = None
    input_rows_key: str | None = None
    retry_of: int | None = None
    meta: Mapping[str, Any] | None = None
    schedule_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Why nothing moves right now, and until when (None: until somebody does something)."""

    reason: WaitReason
    until: datetime | None


class Jobs:
    """All jobs of all tenants; a job of another tenant looks like one that is not there."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, new: NewJob, also: Also | None = None) -> Job:
        """Store the job and its first steps in one transaction, and what `also` writes with it. Raises StoreDown."""

        def work() -> int:
            with self._database.write() as connection:
                job_id = self.insert(connection, new)
                if also is not None:
                    also(connection, job_id)
                return job_id

        return self.by_id(self._database.retrying(work))

    def insert(self, connection: Connection, new: NewJob) -> int:
        """Store the job inside an open transaction, and return its id."""
        now = self._database.now
        row = (
            connection.execute(
                insert(jobs)
                .values(
                    tenant_id=new.tenant_id, connection_id=new.connection_id, budget_id=new.budget_id,
                    provider=new.provider, direction=new.direction, object_name=new.object_name,
                    criteria=new.criteria.to_json(), request=dict(new.request), status=JobStatus.CREATED,
                    native=new.native, input_key=new.input_key, input_bytes=new.input_bytes,
                    api_limit=new.api_limit, weight=new.weight, auto_restart=new.auto_restart,
                    give_up_after=micros(new.give_up_after), expires_at=_micros_at(new.criteria.expires_at),
                    meta=dict(new.meta or {}),
                    input_rows_key=new.input_rows_key, retry_of=new.retry_of,
                    schedule_id=new.schedule_id, created_at=now, progress_at=now,
                    vtime=first_place(connection, new.budget_id, new.tenant_id),
                )
                .returning(jobs)
            )
            .mappings()
            .one()
        )  # fmt: skip
        counted = insert_steps(connection, self._database, row, new.first_steps)
        connection.execute(update(jobs).where(jobs.c.id == row["id"]).values(open_steps=counted))
        write_event(connection, self._database, row["id"], "job.created", {"direction": new.direction})
        return int(row["id"])

    def by_id(self, job_id: int) -> Job:
        """Return the job, whoever's it is. Raises Missing."""
        return job_of(self._row(jobs.c.id == job_id, job_id))

    def get(self, tenant_id: int, job_id: int) -> Job:
        """Return the tenant's job. Raises Missing."""
        return job_of(self._row(and_(jobs.c.id == job_id, jobs.c.tenant_id == tenant_id), job_id))

    def request_of(self, job_id: int) -> Mapping[str, Any]:
        """Return the body that the user sent. Raises Missing."""
        request: Mapping[str, Any] = self._row(jobs.c.id == job_id, job_id)["request"]
        return request

    def _row(self, where: Any, job_id: int) -> Row:
        with self._database.read() as connection:
            row = connection.execute(select(jobs).where(where)).mappings().one_or_none()
        if row is None:
            raise Missing("job", job_id)
        return row

    def list(
        self,
        tenant_id: int,
        *,
        after: int = 0,
        size: int = 200,
        status: JobStatus | None = None,
        direction: Direction | None = None,
        connection_id: int | None = None,
        object_name: str | None = None,
        where: Filter | None = None,
    ) -> Sequence[Job]:
        """Return up to `size` jobs with ids above `after`, in rising order. Raises BadFilter (see `job_condition`)."""
        wanted = {"status": status, "direction": direction, "connection_id": connection_id, "object_name": object_name}
        query = select(jobs).where(jobs.c.tenant_id == tenant_id, jobs.c.id > after).order_by(jobs.c.id).limit(size)
        for name, value in wanted.items():
            if value is not None:
                query = query.where(jobs.c[name] == value)
        if where is not None:
            query = query.where(job_condition(where))
        with self._database.read() as connection:
            return [job_of(row) for row in connection.execute(query).mappings()]

    def waiting(self, job_id: int) -> Waiting | None:
        """Return why the job does not move right now; None if it moves, or has ended."""
        job = self.by_id(job_id)
        if job.status not in (JobStatus.CREATED, JobStatus.STARTED, JobStatus.RUNNING, JobStatus.THROTTLED):
            return None
        if job.pause_requested:
            return Waiting(reason=WaitReason.PAUSED, until=None)
        if job.status is JobStatus.THROTTLED:
            return Waiting(reason=THROTTLED_BY.get(job.stop_reason, WaitReason.API_LIMIT), until=job.restart_at)
        with self._database.read() as connection:
            return self._waiting_steps(connection, job)

    def _waiting_steps(self, connection: Connection, job: Job) -> Waiting | None:
        now = self._database.now
        at_work = (steps.c.lease_until > now) | (steps.c.hinted_until > now)
        ready = connection.execute(
            select(steps.c.kind, steps.c.due_at, steps.c.wait_reason, at_work.label("at_work"), now.label("now"))
            .where(steps.c.job_id == job.id, steps.c.state == "ready")
            .order_by(steps.c.due_at)
        ).all()
        if not ready or any(row.at_work for row in ready):
            return None
        budget = connection.execute(select(budgets).where(budgets.c.id == job.budget_id)).one()
        first = ready[0]
        # A step that met the obstacle itself knows best what it was; the budget's own time is a moment later.
        if (budget.blocked_until or 0) > max(first.now, first.due_at + A_MOMENT) and first.kind not in LOCAL:
            blocked = budget.blocked_by if budget.blocked_by in set(WaitReason) else WaitReason.RATE
            return Waiting(reason=WaitReason(blocked), until=from_micros(budget.blocked_until))
        if first.due_at <= first.now or first.wait_reason is None:
            return None
        return Waiting(reason=WaitReason(first.wait_reason), until=from_micros(first.due_at))

    def steps_of(self, job_id: int) -> StepTally:
        """Count the steps of a job."""
        with self._database.read() as connection:
            return tally(connection, job_id)

    def resume_cursor(self, job_id: int) -> Cursor | None:
        """Return where a later job goes on after this one's `limit`; None: the list cannot be taken up in between."""
        query = select(steps.c.cursor).where(steps.c.job_id == job_id, steps.c.kind == StepKind.FETCH)
        with self._database.read() as connection:
            cursors = connection.execute(query).scalars().all()
        resume: Cursor | None = cursors[0].get("resume") if len(cursors) == 1 else None
        return resume

    def due_steps(self, job_id: int) -> Sequence[int]:
        """Return the job's steps that are due now, in their fair order."""
        query = select(steps.c.id).where(
            steps.c.job_id == job_id, steps.c.state == "ready", steps.c.due_at <= self._database.now
        )
        with self._database.read() as connection:
            return list(connection.execute(query.order_by(steps.c.vtime, steps.c.id)).scalars())

    def vendor_ids(self, job_id: int) -> Sequence[str]:
        """Return the ids of the job's vendor jobs, in the order they were planned."""
        with self._database.read() as connection:
            return remote_ids(connection, job_id)

    def settled_parts(self, job_id: int, stream: Stream = Stream.RECORDS) -> Sequence[Part]:
        """Return the parts whose row numbers can no longer change, in order.

        All parts of finished partitions from the first on, and those of the next one up to its last commit.
        """
        with self._database.read() as connection:
            open_partition = connection.execute(
                select(func.min(steps.c.partition)).where(
                    steps.c.job_id == job_id, steps.c.kind == StepKind.FETCH, steps.c.state != "done"
                )
            ).scalar_one()
            query = select(parts).where(parts.c.job_id == job_id, parts.c.stream == stream)
            if open_partition is not None and stream is Stream.RECORDS:
                query = query.where(parts.c.partition <= open_partition)
            rows = connection.execute(query.order_by(parts.c.partition, parts.c.seq)).mappings()
            return [Part(**{name: row[name] for name in Part.__dataclass_fields__}) for row in rows]


def _micros_at(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)
