"""Rows that are sent again: which jobs took them, so that no row is taken twice."""

from collections.abc import Sequence

from sqlalchemy import Connection, select, update

from orchestrator.job.errors import Conflict
from orchestrator.job.step import StepKind
from orchestrator.store.engine import Database
from orchestrator.store.reading import many, one
from orchestrator.store.tables import jobs, steps


class Retries:
    """The retries of all uploads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rows_keys_of(self, job_id: int) -> Sequence[str]:
        """Return the objects that name the rows of a job's earlier retries, oldest first."""
        query = select(jobs.c.input_rows_key).where(jobs.c.retry_of == job_id).order_by(jobs.c.id)
        return [row["input_rows_key"] for row in many(self._database, query)]

    def count(self, job_id: int) -> int:
        """Return how often rows of the job were sent again; to be read before the rows are chosen."""
        row = one(self._database, select(jobs.c.retries).where(jobs.c.id == job_id))
        return 0 if row is None else int(row["retries"])

    def unread_after(self, job_id: int) -> int | None:
        """Return the last row of the input that was cut into a chunk or refused; None: all of them were."""
        query = select(steps.c.cursor).where(
            steps.c.job_id == job_id, steps.c.kind == StepKind.SPLIT, steps.c.state != "done"
        )
        row = one(self._database, query)
        return None if row is None else int(row["cursor"].get("row", 0))


def note_retry(transaction: Connection, job_id: int, seen: int, status: str) -> None:
    """Count one more retry of the job. Raises Conflict where another one, or a restart, came in between."""
    counted = transaction.execute(
        update(jobs)
        .where(jobs.c.id == job_id, jobs.c.retries == seen, jobs.c.status == status)
        .values(retries=jobs.c.retries + 1)
    )
    if counted.rowcount != 1:
        raise Conflict(f"job {job_id} was retried or restarted at the same time", "Look at it, and send it again")
