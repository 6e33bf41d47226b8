"""Forgetting jobs that ended long ago, or have expired.

Rows go first: an object that no manifest names is garbage, and swept.
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, or_, select, update

from orchestrator.job.status import JobStatus
from orchestrator.store.engine import Database
from orchestrator.store.reading import PAGE
from orchestrator.store.tables import (
    chunks,
    error_codes,
    events,
    jobs,
    outbox,
    parts,
    row_errors,
    schedule_fires,
    steps,
    vendor_jobs,
)

ENDED = (JobStatus.COMPLETED, JobStatus.CANCELED, JobStatus.ABORTED)
BELONGINGS = (row_errors, error_codes, events, parts, chunks, vendor_jobs, steps, outbox)  # rows of a job


class Retention:
    """Jobs that ended long ago."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def expired(self, kept: timedelta, size: int = PAGE) -> Sequence[int]:
        """Return the jobs that ended longer than `kept` ago, or ended and have expired, lowest ids first."""
        query = select(jobs.c.id).where(self._is_over(kept)).order_by(jobs.c.id).limit(size)
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def forget(self, job_id: int, kept: timedelta) -> bool:
        """Delete the job and all its rows; False if it was restarted meanwhile, or is gone already."""
        with self._database.write() as connection:
            query = select(jobs.c.id).where(jobs.c.id == job_id, self._is_over(kept)).with_for_update()
            if connection.execute(query).first() is None:
                return False
            _delete(connection, job_id)
        return True

    def _is_over(self, kept: timedelta) -> ColumnElement[bool]:
        return and_(jobs.c.status.in_(ENDED), or_(jobs.c.completed_at < self._database.after(-kept), self._has_expired))

    @property
    def _has_expired(self) -> ColumnElement[bool]:
        """A notification that is still to be sent keeps the job; it is given up after a day or so."""
        untold = exists().where(outbox.c.job_id == jobs.c.id, outbox.c.due_at.is_not(None))
        return and_(jobs.c.expires_at <= self._database.now, ~untold)


def _delete(connection: Connection, job_id: int) -> None:
    for table in BELONGINGS:
        connection.execute(delete(table).where(table.c.job_id == job_id))
    fired = update(schedule_fires).where(schedule_fires.c.job_id == job_id)
    connection.execute(fired.values(job_id=None))
    connection.execute(delete(jobs).where(jobs.c.id == job_id))
