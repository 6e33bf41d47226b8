"""Reading the errors of a job: the first 10,000 one by one, all of them by code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from orchestrator.clock import from_micros
from orchestrator.job.chunk import RowError
from orchestrator.store.engine import Database
from orchestrator.store.reading import PAGE, many
from orchestrator.store.records import Row
from orchestrator.store.tables import error_codes, row_errors


@dataclass(frozen=True, kw_only=True)
class PastError(RowError):
    """An error of a row or of the job, as it was written."""

    id: int
    at: datetime


class RowErrors:
    """The errors of all jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, job_id: int, after: int = 0, size: int = PAGE) -> Sequence[PastError]:
        """Return up to `size` errors with ids above `after`, oldest first."""
        mine = (row_errors.c.job_id == job_id, row_errors.c.id > after)
        query = select(row_errors).where(*mine).order_by(row_errors.c.id).limit(size)
        return [_error_of(row) for row in many(self._database, query)]

    def of_job_itself(self, job_id: int, after: int = 0, size: int = PAGE) -> Sequence[PastError]:
        """Return up to `size` errors that belong to no row, with ids above `after`, oldest first."""
        mine = (row_errors.c.job_id == job_id, row_errors.c.row.is_(None), row_errors.c.id > after)
        query = select(row_errors).where(*mine).order_by(row_errors.c.id).limit(size)
        return [_error_of(row) for row in many(self._database, query)]

    def of_rows(self, job_id: int, rows: Sequence[int]) -> Mapping[int, PastError]:
        """Return what is kept on these rows, by their numbers; at most 10,000 rows of a job are kept."""
        query = select(row_errors).where(row_errors.c.job_id == job_id, row_errors.c.row.in_(rows))
        return {row["row"]: _error_of(row) for row in many(self._database, query)}

    def counts(self, job_id: int) -> Mapping[str, int]:
        """Return how often each code came, also beyond the errors that are kept."""
        query = select(error_codes).where(error_codes.c.job_id == job_id).order_by(error_codes.c.code)
        return {row["code"]: row["count"] for row in many(self._database, query)}


def _error_of(row: Row) -> PastError:
    plain = {name: row[name] for name in ("id", *RowError.__dataclass_fields__)}
    return PastError(**plain, at=from_micros(row["at"]))
