"""Looks over all jobs: what goes on by itself, and what must never be (I5)."""

from collections.abc import Sequence

from sqlalchemy import and_, or_, select

from orchestrator.job.status import JobStatus
from orchestrator.store.engine import Database
from orchestrator.store.tables import jobs, steps

MUST_NOT_MOVE = (JobStatus.THROTTLED, JobStatus.ABORTED, JobStatus.CANCELLATION_PENDING, JobStatus.CANCELED)


class Sweeps:
    """Queries over everybody's jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def throttled_and_due(self) -> Sequence[int]:
        """Return the THROTTLED jobs whose time to go on by themselves has come; paused ones stay."""
        query = select(jobs.c.id).where(
            jobs.c.status == JobStatus.THROTTLED,
            jobs.c.restart_at <= self._database.now,
            jobs.c.auto_restart,
            ~jobs.c.pause_requested,
        )
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def forgotten_steps(self) -> Sequence[int]:
        """Return the steps that are `stopped` although their job may move; there should never be one (I5)."""
        query = (
            select(steps.c.id)
            .join(jobs, jobs.c.id == steps.c.job_id)
            .where(
                steps.c.state == "stopped",
                jobs.c.status.in_((JobStatus.CREATED, JobStatus.STARTED, JobStatus.RUNNING)),
                ~jobs.c.pause_requested,
            )
        )
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def running_without_steps(self) -> Sequence[int]:
        """Return the running jobs that have no step left to do; there should never be one (I5)."""
        left = select(steps.c.job_id).where(steps.c.job_id == jobs.c.id, steps.c.state != "done").exists()
        running = jobs.c.status.in_((JobStatus.CREATED, JobStatus.STARTED, JobStatus.RUNNING))
        with self._database.read() as connection:
            return list(connection.execute(select(jobs.c.id).where(and_(running, ~left))).scalars())

    def ready_under_stopped_jobs(self) -> Sequence[int]:
        """Return the ready steps of jobs that must not move, abort steps aside; there should never be one (I5)."""
        query = (
            select(steps.c.id)
            .join(jobs, jobs.c.id == steps.c.job_id)
            .where(
                steps.c.state == "ready",
                steps.c.kind != "abort",
                or_(jobs.c.status.in_(MUST_NOT_MOVE), jobs.c.pause_requested),
            )
        )
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())
