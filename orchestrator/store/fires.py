"""What the times of a schedule make, once however many beats there are.

The claim is the schedule's own row: whoever moves `next_fire_at` on from where it was seen settles those times, and in
the same transaction writes their fires, their jobs, and what is told of them. Everybody else's UPDATE hits no row.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, delete, exists, func, select, update

from orchestrator.clock import from_micros, to_micros
from orchestrator.job.errors import Conflict
from orchestrator.job.record import Job
from orchestrator.job.schedule import FireState, Overlap
from orchestrator.job.status import JobOutcome, JobStatus
from orchestrator.store.engine import Database
from orchestrator.store.reading import PAGE, many, one
from orchestrator.store.records import Row, job_of
from orchestrator.store.retention import ENDED
from orchestrator.store.schedules import Schedule, schedule_of
from orchestrator.store.tables import jobs, outbox, schedule_fires, schedules
from orchestrator.store.telling import default_url, write_notification

Submit = Callable[[Connection], int]  # submits a job in the transaction of its fire; whatever it raises undoes it all
Cancel = Callable[[Connection, int], None]  # cancels a job in that transaction
LONGEST_QUEUE = 100  # fires of one schedule; more jobs than that have no hope of catching up


@dataclass(frozen=True, kw_only=True)
class Fire:
    """A time of a schedule, and what came of it. `missed`: how many times this line stands for."""

    fire_at: datetime
    state: FireState
    job_id: int | None
    by_hand: bool
    missed: int
    message: str | None


@dataclass(frozen=True, kw_only=True)
class Times:
    """Times that have come: those that fire, those that were missed, and the one after them."""

    fires: Sequence[datetime]
    missed: Sequence[datetime]
    next_at: datetime
    refusal: str | None = None  # why no job can be submitted


class Fires:
    """The fires of all schedules."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def settle(self, schedule: Schedule, times: Times, submit: Submit, cancel: Cancel) -> Sequence[FireState] | None:
        """Let the times fire as the schedule's rules want it, all or none; None: somebody else was faster."""
        seen = to_micros(schedule.next_fire_at)
        mine = (schedules.c.id == schedule.id, schedules.c.enabled, schedules.c.next_fire_at == seen)
        claim = update(schedules).where(*mine).values(next_fire_at=to_micros(times.next_at))
        with self._database.write() as connection:
            if connection.execute(claim).rowcount != 1:
                return None
            settling = _Settling(connection, self._database, schedule, submit, cancel)
            settling.miss(times.missed)
            return [state for at in times.fires if (state := settling.fire(at, times)) is not None]

    def start_now(self, schedule: Schedule, submit: Submit) -> int:
        """Submit a job at once, by hand, and note it; return its id."""
        with self._database.write() as connection:
            settling = _Settling(connection, self._database, schedule, submit, _cancel_nothing)
            started = settling.start(self._now(connection), by_hand=True)
        if started is None:
            raise Conflict("the schedule was started at this very moment", "Look at its fires.")
        return started

    def waiting(self, size: int = PAGE) -> Sequence[tuple[Schedule, datetime]]:
        """Return the schedules of which a queued fire may start now, each with its earliest one."""
        earliest = (
            select(schedule_fires.c.schedule_id, func.min(schedule_fires.c.fire_at).label("fire_at"))
            .where(schedule_fires.c.state == FireState.QUEUED)
            .group_by(schedule_fires.c.schedule_id)
            .subquery()
        )
        query = select(schedules, earliest.c.fire_at).join(earliest, earliest.c.schedule_id == schedules.c.id)
        free = query.where(schedules.c.enabled, ~_at_work(schedules.c.id)).order_by(earliest.c.fire_at).limit(size)
        return [(schedule_of(row), from_micros(row["fire_at"])) for row in many(self._database, free)]

    def start_queued(self, schedule: Schedule, at: datetime, submit: Submit, refusal: str | None = None) -> bool:
        """Start a queued fire, if nothing of its schedule runs; False: somebody else was faster."""
        lock = select(schedules.c.id).where(schedules.c.id == schedule.id).with_for_update()
        with self._database.write() as connection:
            connection.execute(lock)
            if connection.execute(select(_at_work(schedule.id))).scalar():
                return False
            settling = _Settling(connection, self._database, schedule, submit, _cancel_nothing)
            return settling.take_from_queue(at, refusal)

    def of_schedule(self, schedule_id: int, size: int = PAGE) -> Sequence[Fire]:
        """Return the latest fires, newest first."""
        query = select(schedule_fires).where(schedule_fires.c.schedule_id == schedule_id)
        rows = many(self._database, query.order_by(schedule_fires.c.fire_at.desc()).limit(size))
        return [_fire_of(row) for row in rows]

    def latest_job(self, schedule_id: int) -> Job | None:
        """Return the job that the schedule started last, if there is one yet."""
        query = select(jobs).where(jobs.c.schedule_id == schedule_id).order_by(jobs.c.id.desc()).limit(1)
        row = one(self._database, query)
        return None if row is None else job_of(row)

    def forget(self, kept: timedelta) -> None:
        """Forget fires, and notifications of schedules, that are older than `kept`; what is queued stays."""
        before = self._database.after(-kept)
        old = and_(schedule_fires.c.created_at < before, schedule_fires.c.state != FireState.QUEUED)
        with self._database.write() as connection:
            connection.execute(delete(schedule_fires).where(old))
            connection.execute(delete(outbox).where(outbox.c.job_id.is_(None), outbox.c.created_at < before))

    def _now(self, connection: Connection) -> datetime:
        return from_micros(connection.execute(select(self._database.now)).scalar_one())


def last_good_job(connection: Connection, schedule_id: int) -> int | None:
    """Return the schedule's latest job that a next one may go on from: COMPLETED, and not FAILED."""
    good = (jobs.c.status == JobStatus.COMPLETED, jobs.c.outcome != JobOutcome.FAILED)
    query = select(jobs.c.id).where(jobs.c.schedule_id == schedule_id, *good).order_by(jobs.c.id.desc()).limit(1)
    return connection.execute(query).scalar_one_or_none()


class _Settling:
    """One transaction over the times of one schedule."""

    def __init__(
        self, connection: Connection, database: Database, schedule: Schedule, submit: Submit, cancel: Cancel
    ) -> None:
        self._connection = connection
        self._database = database
        self._schedule = schedule
        self._submit = submit
        self._cancel = cancel

    def miss(self, times: Sequence[datetime]) -> None:
        """Note times that nobody saw as one line, and tell of them."""
        if not times:
            return
        message = f"nothing ran from {times[0].isoformat()} to {times[-1].isoformat()}"
        if self._note(times[-1], FireState.MISSED, missed=len(times), message=message):
            more = {"missed": len(times), "from": times[0], "to": times[-1]}
            self._tell(FireState.MISSED, times[-1], message, more)

    def fire(self, at: datetime, times: Times) -> FireState | None:
        """Let one time fire by the schedule's rules; return what came of it, None if it has fired before."""
        if self._has_fired(at):
            return None
        if times.refusal is not None:
            return self._drop(at, FireState.REFUSED, times.refusal)
        if self._schedule.overlap is Overlap.CANCEL and len(times.fires) == 1:
            self._cancel_running()
        elif self._is_busy():
            return self._hold_back(at, caught_up=len(times.fires) > 1)
        return None if self.start(at) is None else FireState.STARTED

    def start(self, at: datetime, *, by_hand: bool = False) -> int | None:
        """Note a time and submit its job; return the job's id, None if the time has fired before."""
        if not self._note(at, FireState.STARTED, by_hand=by_hand):
            return None
        return self._begin(at)

    def _begin(self, at: datetime) -> int:
        job_id = self._submit(self._connection)
        this = (schedule_fires.c.schedule_id == self._schedule.id, schedule_fires.c.fire_at == to_micros(at))
        self._connection.execute(update(schedule_fires).where(*this).values(job_id=job_id))
        return job_id

    def take_from_queue(self, at: datetime, refusal: str | None) -> bool:
        """Let a queued time start, or be refused; False if it is queued no more."""
        this = (schedule_fires.c.schedule_id == self._schedule.id, schedule_fires.c.fire_at == to_micros(at))
        queued = update(schedule_fires).where(*this, schedule_fires.c.state == FireState.QUEUED)
        state = FireState.STARTED if refusal is None else FireState.REFUSED
        if self._connection.execute(queued.values(state=state, message=refusal)).rowcount != 1:
            return False
        if refusal is not None:
            self._tell(state, at, refusal)
            return True
        self._begin(at)
        return True

    def _hold_back(self, at: datetime, *, caught_up: bool) -> FireState | None:
        """Queue a time, or skip it. Those caught up together wait for each other: each was promised a job."""
        queues = caught_up or self._schedule.overlap is Overlap.QUEUE
        if queues and self._queued() < LONGEST_QUEUE:
            return FireState.QUEUED if self._note(at, FireState.QUEUED) else None
        reason = "the queue is full" if queues else "the job before had not ended"
        return self._drop(at, FireState.SKIPPED, reason)

    def _drop(self, at: datetime, state: FireState, reason: str) -> FireState | None:
        if not self._note(at, state, message=reason):
            return None
        self._tell(state, at, reason)
        return state

    def _note(self, at: datetime, state: FireState, **more: Any) -> bool:
        values = {"schedule_id": self._schedule.id, "fire_at": to_micros(at), "state": state}
        statement = self._database.insert(schedule_fires).values(created_at=self._database.now, **values, **more)
        return self._connection.execute(statement.on_conflict_do_nothing()).rowcount == 1

    def _has_fired(self, at: datetime) -> bool:
        this = (schedule_fires.c.schedule_id == self._schedule.id, schedule_fires.c.fire_at == to_micros(at))
        return bool(self._connection.execute(select(exists().where(*this))).scalar())

    def _is_busy(self) -> bool:
        return bool(self._connection.execute(select(_at_work(self._schedule.id))).scalar()) or self._queued() > 0

    def _queued(self) -> int:
        mine = (schedule_fires.c.schedule_id == self._schedule.id, schedule_fires.c.state == FireState.QUEUED)
        return self._connection.execute(select(func.count()).where(*mine)).scalar_one()

    def _cancel_running(self) -> None:
        live = (jobs.c.schedule_id == self._schedule.id, jobs.c.status.not_in(ENDED))
        for job_id in self._connection.execute(select(jobs.c.id).where(*live).order_by(jobs.c.id)).scalars().all():
            self._cancel(self._connection, job_id)

    def _tell(self, state: FireState, at: datetime, message: str, more: Mapping[str, Any] | None = None) -> None:
        """Tell of a time that got no job, if anybody wants to know."""
        url = default_url(self._connection, self._schedule.tenant_id, self._schedule.id)
        if url is None:
            return
        body = {
            "schedule": self._schedule.name,
            "status": state.upper(),
            "message": message,
            **{name: _plain(value) for name, value in {"fireTime": at, **(more or {})}.items()},
        }
        write_notification(
            self._connection, self._database, tenant_id=self._schedule.tenant_id, schedule_id=self._schedule.id,
            url=url, kind=f"schedule.{state}", body=body,
        )  # fmt: skip


def _plain(value: Any) -> Any:
    return to_micros(value) // 1000 if isinstance(value, datetime) else value


def _cancel_nothing(_: Connection, __: int) -> None:
    """A start by hand, or from the queue, takes nobody's place."""


def _at_work(schedule_id: Any) -> Any:
    return exists().where(jobs.c.schedule_id == schedule_id, jobs.c.status.not_in(ENDED))


def _fire_of(row: Row) -> Fire:
    return Fire(
        fire_at=from_micros(row["fire_at"]),
        state=FireState(row["state"]),
        **{name: row[name] for name in ("job_id", "by_hand", "missed", "message")},
    )
