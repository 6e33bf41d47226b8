"""Moves of a whole job: stop, cancel, pause, resume, restart. A job that must not move has no `ready` step."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from orchestrator.job.chunk import VendorJobState
from orchestrator.job.errors import Conflict, Missing
from orchestrator.job.record import Job
from orchestrator.job.status import JobOutcome, JobStatus, StopReason
from orchestrator.job.step import NOT_COUNTED, StepKind, Successor
from orchestrator.store.births import insert_finish, insert_steps
from orchestrator.store.engine import Database
from orchestrator.store.errors_of_rows import forget_job_errors
from orchestrator.store.records import Row, job_of, micros
from orchestrator.store.tables import events, jobs, steps, vendor_jobs
from orchestrator.store.telling import tell_of_job

RUNS = (JobStatus.STARTED, JobStatus.RUNNING)
GOES_ON = (StopReason.API_LIMIT, StopReason.VENDOR_QUOTA)  # by itself: THROTTLED, not ABORTED
UNRELEASED = (VendorJobState.PLANNED, VendorJobState.INTENT, VendorJobState.OPEN, VendorJobState.FILLED)


def write_event(
    connection: Connection,
    database: Database,
    job_id: int,
    name: str,
    data: Mapping[str, Any],
    step_id: int | None = None,
) -> None:
    """Add a line to the job's timeline."""
    connection.execute(
        insert(events).values(job_id=job_id, step_id=step_id, name=name, data=dict(data), at=database.now)
    )


def take_steps_away(connection: Connection, job_id: int) -> None:
    """Stop the job's steps and fence out whoever runs one, a paused one too; abort steps go on."""
    mine = (steps.c.job_id == job_id, steps.c.state != "done", steps.c.kind != StepKind.ABORT)
    connection.execute(select(steps.c.id).where(*mine).order_by(steps.c.id).with_for_update())  # as heartbeats lock
    connection.execute(
        update(steps)
        .where(*mine)
        .values(state="stopped", lease_epoch=steps.c.lease_epoch + 1, lease_until=None, hinted_until=None)
    )


def stop_job(
    connection: Connection,
    database: Database,
    job_id: int,
    reason: StopReason,
    message: str,
    restart_in: timedelta | None = None,
) -> bool:
    """Move a running job to ABORTED, or to THROTTLED where it goes on by itself; False if it no longer runs."""
    throttled = reason in GOES_ON
    status = JobStatus.THROTTLED if throttled else JobStatus.ABORTED
    pause = restart_in if restart_in is not None else timedelta(hours=1)
    moved = (
        connection.execute(
            update(jobs)
            .where(jobs.c.id == job_id, jobs.c.status.in_(RUNS), ~jobs.c.cancel_requested)
            .values(
                status=status,
                stop_reason=reason,
                status_message=message,
                completed_at=None if throttled else database.now,
                pause_requested=jobs.c.pause_requested if throttled else False,
                restart_at=database.now + micros(pause) if throttled else None,
            )
            .returning(jobs)
        )
        .mappings()
        .one_or_none()
    )
    if moved is None:
        return False
    take_steps_away(connection, job_id)
    write_event(connection, database, job_id, "job.moved", {"to": status, "reason": reason, "message": message})
    tell_of_job(connection, database, moved)
    return True


def complete_job(connection: Connection, database: Database, job_id: int, outcome: JobOutcome, message: str) -> bool:
    """Move a running job to COMPLETED; False if a cancel was faster."""
    moved = (
        connection.execute(
            update(jobs)
            .where(jobs.c.id == job_id, jobs.c.status.in_(RUNS), ~jobs.c.cancel_requested)
            .values(
                status=JobStatus.COMPLETED,
                outcome=outcome,
                status_message=message,
                completed_at=database.now,
                pause_requested=False,
            )
            .returning(jobs)
        )
        .mappings()
        .one_or_none()
    )
    if moved is None:
        return False
    write_event(connection, database, job_id, "job.moved", {"to": JobStatus.COMPLETED, "outcome": outcome})
    tell_of_job(connection, database, moved)
    return True


def cancel_if_nothing_left(connection: Connection, database: Database, job_id: int) -> None:
    """Move a job whose cancellation is pending to CANCELED once none of its abort steps is left to do."""
    left = connection.execute(
        select(func.count()).where(steps.c.job_id == job_id, steps.c.kind == StepKind.ABORT, steps.c.state != "done")
    ).scalar_one()
    if left:
        return
    moved = (
        connection.execute(
            update(jobs)
            .where(jobs.c.id == job_id, jobs.c.status == JobStatus.CANCELLATION_PENDING)
            .values(status=JobStatus.CANCELED, completed_at=database.now)
            .returning(jobs)
        )
        .mappings()
        .one_or_none()
    )
    if moved is not None:
        write_event(connection, database, job_id, "job.moved", {"to": JobStatus.CANCELED})
        tell_of_job(connection, database, moved)


class Control:
    """What a person may do to a whole job. Every method returns the job as it is afterwards."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def _moving(self, tenant_id: int | None, job_id: int, move: Callable[[Connection, Row], None]) -> Job:
        """Carry out a move under the job's lock, again where the database gave up on it in favour of another one."""
        query = select(jobs).where(jobs.c.id == job_id).with_for_update()
        if tenant_id is not None:
            query = query.where(jobs.c.tenant_id == tenant_id)

        def work() -> Job:
            with self._database.write() as connection:
                job = connection.execute(query).mappings().one_or_none()
                if job is None:
                    raise Missing("job", job_id)
                move(connection, job)
                return job_of(connection.execute(select(jobs).where(jobs.c.id == job_id)).mappings().one())

        return self._database.retrying(work)

    def cancel(self, tenant_id: int, job_id: int) -> Job:
        """Stop the job for good; CANCELED at once where the vendor holds nothing that could be aborted.

        Raises Missing, Conflict (COMPLETED or ABORTED).
        """
        return self._moving(tenant_id, job_id, self._cancel)

    def cancel_within(self, connection: Connection, job_id: int) -> None:
        """Stop a job that has not ended, within an open transaction: another one takes its place."""
        job = connection.execute(select(jobs).where(jobs.c.id == job_id).with_for_update()).mappings().one()
        if job["status"] not in (JobStatus.COMPLETED, JobStatus.ABORTED):
            self._cancel(connection, job)

    def _cancel(self, connection: Connection, job: Row) -> None:
        if job["status"] in (JobStatus.COMPLETED, JobStatus.ABORTED):
            raise Conflict(
                f"job {job['id']} is {job['status']}",
                "Only a job that has not ended can be canceled",
                code="job_ended",
            )
        if job["status"] not in (JobStatus.CANCELED, JobStatus.CANCELLATION_PENDING):
            self._begin_cancel(connection, job)

    def _begin_cancel(self, connection: Connection, job: Row) -> None:
        connection.execute(
            update(jobs)
            .where(jobs.c.id == job["id"])
            .values(
                cancel_requested=True,
                pause_requested=False,
                status=JobStatus.CANCELLATION_PENDING,
                restart_at=None,
            )
        )
        connection.execute(
            update(vendor_jobs)
            .where(vendor_jobs.c.job_id == job["id"], vendor_jobs.c.state.in_(UNRELEASED))
            .values(state=VendorJobState.ABANDONED)
        )
        take_steps_away(connection, job["id"])
        write_event(connection, self._database, job["id"], "job.moved", {"to": JobStatus.CANCELLATION_PENDING})
        insert_steps(connection, self._database, job, self._aborts(connection, job["id"]), state="ready")
        cancel_if_nothing_left(connection, self._database, job["id"])

    def _aborts(self, connection: Connection, job_id: int) -> Sequence[Successor]:
        held = connection.execute(
            select(vendor_jobs.c.seq).where(
                vendor_jobs.c.job_id == job_id,
                vendor_jobs.c.remote_id.is_not(None),
                vendor_jobs.c.state.not_in((VendorJobState.DONE, VendorJobState.LOST)),
            )
        ).scalars()
        return [Successor(kind=StepKind.ABORT, vendor_seq=seq) for seq in held]

    def pause(self, tenant_id: int, job_id: int) -> Job:
        """Take no further turn after the checkpoint in hand; everything is kept. Raises Missing, Conflict."""
        return self._moving(tenant_id, job_id, self._pause)

    def _pause(self, connection: Connection, job: Row) -> None:
        if job["status"] not in (JobStatus.CREATED, *RUNS, JobStatus.THROTTLED):
            raise Conflict(f"job {job['id']} is {job['status']}", "There is nothing to pause", code="job_not_running")
        if job["pause_requested"]:
            return
        connection.execute(update(jobs).where(jobs.c.id == job["id"]).values(pause_requested=True))
        connection.execute(
            update(steps)
            .where(steps.c.job_id == job["id"], steps.c.state == "ready", steps.c.kind != StepKind.ABORT)
            .values(state="stopped", hinted_until=None)
        )
        write_event(connection, self._database, job["id"], "job.paused", {})

    def resume(self, tenant_id: int, job_id: int) -> Job:
        """Go on after a pause. Raises Missing, Conflict (it is not paused)."""
        return self._moving(tenant_id, job_id, self._resume)

    def _resume(self, connection: Connection, job: Row) -> None:
        if not job["pause_requested"]:
            raise Conflict(f"job {job['id']} is not paused", "Pause it first", code="job_not_paused")
        now = self._database.now
        connection.execute(update(jobs).where(jobs.c.id == job["id"]).values(pause_requested=False, progress_at=now))
        if job["status"] != JobStatus.THROTTLED:
            self._make_ready(connection, job["id"], keep_lease=True)
        write_event(connection, self._database, job["id"], "job.resumed", {})

    def restart(self, tenant_id: int | None, job_id: int, api_limit: int | None = None) -> Job:
        """Go on where an ABORTED or THROTTLED job stopped. `tenant_id` None: by upkeep. Raises Missing, Conflict."""
        limit = {} if api_limit is None else {"api_limit": api_limit}
        return self._moving(tenant_id, job_id, lambda connection, job: self._restart(connection, job, limit))

    def _restart(self, connection: Connection, job: Row, limit: Mapping[str, int]) -> None:
        if job["status"] not in (JobStatus.ABORTED, JobStatus.THROTTLED):
            raise Conflict(
                f"job {job['id']} is {job['status']}",
                "Only an ABORTED or THROTTLED job can be restarted",
                code="job_not_stopped",
            )
        open_steps = self._open_steps(connection, job["id"])
        values: dict[str, Any] = {
            "status": JobStatus.STARTED, "stop_reason": None, "status_message": None, "completed_at": None,
            "restart_at": None, "restarts": jobs.c.restarts + 1, "progress_at": self._database.now,
            "pause_requested": False, "open_steps": open_steps,
            "error_count": jobs.c.error_count - forget_job_errors(connection, job["id"]), **limit,
        }  # fmt: skip
        connection.execute(update(jobs).where(jobs.c.id == job["id"]).values(**values))
        self._make_ready(connection, job["id"], keep_lease=False)
        write_event(connection, self._database, job["id"], "job.moved", {"to": JobStatus.STARTED, "by": "restart"})
        if open_steps == 0:
            insert_finish(connection, self._database, {**job, "status": JobStatus.STARTED, "pause_requested": False})

    def _open_steps(self, connection: Connection, job_id: int) -> int:
        query = select(func.count()).where(
            steps.c.job_id == job_id, steps.c.state != "done", steps.c.kind.not_in(NOT_COUNTED)
        )
        return connection.execute(query).scalar_one()

    def _make_ready(self, connection: Connection, job_id: int, *, keep_lease: bool) -> None:
        values: dict[str, Any] = {
            "state": "ready", "due_at": self._database.now, "attempt": 0, "failures": 0, "hinted_until": None,
        }  # fmt: skip
        if not keep_lease:
            values["lease_until"] = None
        connection.execute(update(steps).where(steps.c.job_id == job_id, steps.c.state == "stopped").values(**values))
