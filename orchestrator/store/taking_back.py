"""Fates that are no longer true: rows which a vendor job never handled, and which another one shall handle now."""

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from orchestrator.job.chunk import UNPROCESSED, Stream
from orchestrator.job.commit import TakeBack
from orchestrator.job.step import StepKind
from orchestrator.store.tables import error_codes, jobs, parts, row_errors, steps


def take_back(connection: Connection, job_id: int, effect: TakeBack) -> None:
    """Take the part, the errors and the counts of unprocessed rows back."""
    gone = delete(parts).where(*_last_part(job_id, effect.vendor_seq)).returning(parts.c.bytes)
    size = sum(connection.execute(gone).scalars())
    counters = {
        "rows_unprocessed": jobs.c.rows_unprocessed - effect.rows,
        "byte_count": jobs.c.byte_count - size,
    }
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(**counters))
    connection.execute(
        delete(row_errors).where(
            row_errors.c.job_id == job_id,
            row_errors.c.code == UNPROCESSED,
            row_errors.c.row.between(effect.first_row, effect.last_row),
        )
    )
    mine = (error_codes.c.job_id == job_id, error_codes.c.code == UNPROCESSED)
    connection.execute(update(error_codes).where(*mine).values(count=error_codes.c.count - effect.rows))
    connection.execute(delete(error_codes).where(*mine, error_codes.c.count <= 0))


def _last_part(job_id: int, vendor_seq: int) -> tuple[ColumnElement[bool], ...]:
    fetch = (
        select(steps.c.id)
        .where(steps.c.job_id == job_id, steps.c.kind == StepKind.FETCH, steps.c.vendor_seq == vendor_seq)
        .scalar_subquery()
    )
    mine = (parts.c.job_id == job_id, parts.c.stream == Stream.OUTCOME, parts.c.step_id == fetch)
    return (*mine, parts.c.seq == select(func.max(parts.c.seq)).where(*mine).scalar_subquery())
