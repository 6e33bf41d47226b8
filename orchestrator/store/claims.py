"""Who may advance a step: claims, heartbeats, and the apiLimit reservations that a lease holds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, case, exists, or_, select, update

from orchestrator.clock import from_micros
from orchestrator.job.errors import Fenced
from orchestrator.job.record import Job
from orchestrator.job.status import Direction, JobStatus
from orchestrator.job.step import Lease, Step, StepKind
from orchestrator.store.engine import Database
from orchestrator.store.records import Row, job_of, micros, step_of
from orchestrator.store.tables import budgets, jobs, steps
from orchestrator.store.tables.steps import READY, SHORT

LEASE = timedelta(seconds=10)  # renewed each 3 s, so two lost heartbeats are survived
IN_LINE = timedelta(minutes=1)  # longer than a turn: a step due for longer was held back by us, not by its vendor
DAY = timedelta(days=1) // timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A step that is ours for a while, with the job it belongs to."""

    lease: Lease
    step: Step
    job: Job
    now: datetime  # the database's clock, when the claim was made
    is_brief: bool = False  # the job has nothing yet and others wait: its first turn ends as soon as it has something


class Claims:
    """Leases on steps."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, step_id: int, owner: str) -> Claim | None:
        """Make the step ours under the next epoch, if it is ready, due and nobody's; None for early, late or double.

        The first claim of a job moves it to STARTED. Raises StoreDown.
        """
        job_id = self._job_if_created(step_id)
        with self._database.write() as connection:
            if job_id is not None:
                self._start(connection, job_id)
            row = self._take(connection, step_id, owner)
            if row is None:
                connection.rollback()
                return None
            job: Row = connection.execute(select(jobs).where(jobs.c.id == row["job_id"])).mappings().one()
            is_brief = _has_nothing_yet(job, row) and others_wait(connection, self._database, row)
        in_line = row["now"] - row["due_at"]
        if in_line > micros(IN_LINE):
            job = self._excuse(row["job_id"], in_line)
        lease = Lease(
            step_id=step_id, job_id=row["job_id"], budget_id=row["budget_id"], epoch=row["lease_epoch"], owner=owner
        )
        now = from_micros(row["now"])
        return Claim(lease=lease, step=step_of(row), job=job_of(job), now=now, is_brief=is_brief)

    def due_polls(self, lease: Lease, connection_id: int, size: int) -> Sequence[int]:
        """Return other poll steps of uploads at a connection that are due, and nobody's; any `size` of them."""
        now = self._database.now
        query = (
            select(steps.c.id)
            .join(jobs, jobs.c.id == steps.c.job_id)
            .where(
                steps.c.budget_id == lease.budget_id,
                READY,
                SHORT,
                steps.c.kind == StepKind.POLL,
                steps.c.connection_id == connection_id,
                steps.c.id != lease.step_id,
                steps.c.due_at <= now,
                or_(steps.c.lease_until.is_(None), steps.c.lease_until < now),
                jobs.c.direction == Direction.UPLOAD,
            )
            .limit(size)
        )
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def _job_if_created(self, step_id: int) -> int | None:
        query = (
            select(jobs.c.id)
            .join(steps, steps.c.job_id == jobs.c.id)
            .where(steps.c.id == step_id, jobs.c.status == JobStatus.CREATED)
        )
        with self._database.read() as connection:
            return connection.execute(query).scalar_one_or_none()

    def _start(self, connection: Connection, job_id: int) -> None:
        now = self._database.now
        connection.execute(
            update(jobs)
            .where(jobs.c.id == job_id, jobs.c.status == JobStatus.CREATED)
            .values(status=JobStatus.STARTED, started_at=now, progress_at=now)
        )

    def _excuse(self, job_id: int, in_line: int) -> Row:
        """Leave the time that a due step waited in line out of its job's time without progress; return the job."""
        later = jobs.c.progress_at + in_line
        excused = case((later > self._database.now, self._database.now), else_=later)
        with self._database.write() as connection:
            statement = update(jobs).where(jobs.c.id == job_id).values(progress_at=excused)
            return connection.execute(statement.returning(jobs)).mappings().one()

    def _take(self, connection: Connection, step_id: int, owner: str) -> Row | None:
        now = self._database.now
        statement = (
            update(steps)
            .where(
                steps.c.id == step_id,
                steps.c.state == "ready",
                steps.c.due_at <= now,
                or_(steps.c.lease_until.is_(None), steps.c.lease_until < now),
            )
            .values(
                lease_epoch=steps.c.lease_epoch + 1,
                lease_owner=owner,
                lease_until=now + micros(LEASE),
                hinted_until=None,
                wait_reason=None,
                attempt=steps.c.attempt + 1,
                api_held=0,  # without refund: whoever held it may have made those calls
            )
            .returning(steps, now.label("now"))
        )
        return connection.execute(statement).mappings().one_or_none()

    def renew(self, held: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
        """Carry the leases of these (step, epoch) pairs on; return those that are still ours.

        A stopped step (pause) keeps its lease, a step that was taken away does not come back.
        """
        wanted = sorted(held)
        if not wanted:
            return set()
        pairs = or_(*(and_(steps.c.id == step, steps.c.lease_epoch == epoch) for step, epoch in wanted))
        with self._database.write() as connection:
            locked = connection.execute(
                select(steps.c.id, steps.c.lease_epoch)
                .where(pairs, steps.c.lease_until.is_not(None))
                .order_by(steps.c.id)
                .with_for_update()
            ).all()
            ids = [row.id for row in locked]
            until = self._database.now + micros(LEASE)
            connection.execute(update(steps).where(steps.c.id.in_(ids)).values(lease_until=until))
        return {(row.id, row.lease_epoch) for row in locked}

    def reserve_calls(self, lease: Lease, wanted: int) -> int:
        """Reserve up to `wanted` calls of today's apiLimit for this lease; 0: it is used up.

        A transaction of its own, so that a call is counted before it is made (I6). Raises Fenced.
        """
        with self._database.write() as connection:
            return reserve(connection, self._database, lease, wanted)

    def calls_may_come_back(self, job_id: int, step_id: int) -> bool:
        """Return whether calls of the job's apiLimit are free, or held by another live step that may give them back.

        One statement: a step that gives back while this is asked is seen either before it has or after.
        """
        now = self._database.now
        held = exists().where(
            steps.c.job_id == job_id, steps.c.id != step_id, steps.c.lease_until > now, steps.c.api_held > 0
        )
        free = or_(jobs.c.api_calls_day != now // DAY, jobs.c.api_calls_today < jobs.c.api_limit)
        with self._database.read() as connection:
            return bool(connection.execute(select(or_(held, free)).where(jobs.c.id == job_id)).scalar())

    def live_leases(self, budget_id: int, within: timedelta = timedelta(0)) -> int:
        """Return how many steps of a budget are leased now, or were until `within` ago."""
        query = select(steps.c.id).where(
            steps.c.budget_id == budget_id, steps.c.lease_until > self._database.now - micros(within)
        )
        with self._database.read() as connection:
            return len(connection.execute(query).all())

    def gate_closed_for(self, budget_id: int) -> timedelta:
        """Return how long the budget's gate stays closed, by the database's clock; zero if it is open."""
        left = budgets.c.gate_until - self._database.now
        with self._database.read() as connection:
            micros_left = connection.execute(select(left).where(budgets.c.id == budget_id)).scalar_one_or_none()
        return timedelta(microseconds=max(0, micros_left or 0))


def others_wait(connection: Connection, database: Database, step: Row) -> bool:
    """Return whether another step of the budget of `step` is due and not leased."""
    free = or_(steps.c.lease_until.is_(None), steps.c.lease_until < database.now)
    # Ordered as the index is: else the planner may read a hundred thousand rows to find that none is due.
    waiting = (
        select(steps.c.id)
        .where(
            steps.c.budget_id == step["budget_id"],
            steps.c.id != step["id"],
            READY,
            steps.c.due_at <= database.now,
            free,
        )
        .order_by(steps.c.due_at)
        .limit(1)
    )
    return connection.execute(waiting).scalar() is not None


def _has_nothing_yet(job: Row, step: Row) -> bool:
    return bool(job["direction"] == Direction.DOWNLOAD and step["kind"] == StepKind.FETCH and job["rows_read"] == 0)


def reserve(connection: Connection, database: Database, lease: Lease, wanted: int) -> int:
    """Reserve calls inside an open transaction that may hold the job's lock already."""
    today = database.now // DAY
    job = connection.execute(
        update(jobs)
        .where(jobs.c.id == lease.job_id)
        .values(
            api_calls_today=case((jobs.c.api_calls_day == today, jobs.c.api_calls_today), else_=0), api_calls_day=today
        )
        .returning(jobs.c.api_limit, jobs.c.api_calls_today, jobs.c.api_calls_day)
    ).one()
    room = wanted if job.api_limit is None else max(0, min(wanted, job.api_limit - job.api_calls_today))
    if room == 0:
        return 0
    # What was held for another day has run out with it; given back today it would be calls above the limit.
    still_held = case((steps.c.api_day == job.api_calls_day, steps.c.api_held), else_=0)
    held = connection.execute(
        update(steps)
        .where(steps.c.id == lease.step_id, steps.c.lease_epoch == lease.epoch)
        .values(api_held=still_held + room, api_day=job.api_calls_day)
    )
    if held.rowcount != 1:
        raise Fenced(lease.step_id, lease.epoch)
    connection.execute(
        update(jobs).where(jobs.c.id == lease.job_id).values(api_calls_today=jobs.c.api_calls_today + room)
    )
    return room
