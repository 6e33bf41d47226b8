"""The first errors of a job, row by row, and how often each code came."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, insert, select, update

from orchestrator.job.chunk import RowError
from orchestrator.job.status import StopReason
from orchestrator.store.engine import Database
from orchestrator.store.records import Row
from orchestrator.store.tables import error_codes, jobs, row_errors

PASSING = (StopReason.OUTAGE, StopReason.VENDOR_STUCK)  # may be gone when the job is restarted
KEPT = 10_000  # rows; the fate of every row is in the outcome parts


def write_row_errors(connection: Connection, database: Database, job: Row, errors: Sequence[RowError]) -> None:
    """Keep the errors while there is room for them, and count every one by its code."""
    if not errors:
        return
    count = select(func.count()).where(row_errors.c.job_id == job["id"])
    room = KEPT - connection.execute(count).scalar_one()
    if room > 0:
        values = [{**{name: getattr(error, name) for name in error.__dataclass_fields__}} for error in errors[:room]]
        connection.execute(insert(row_errors).values(job_id=job["id"], at=database.now), values)
    for code, times in Counter(error.code for error in errors).items():
        _count(connection, database, job["id"], code, times)


def write_job_error(
    connection: Connection, database: Database, job_id: int, reason: StopReason, message: str, *, phase: str
) -> None:
    """Keep why the whole job stopped, however many errors of rows it has, and count it among the job's errors."""
    values = {"row": None, "code": reason, "message": message, "retryable": reason in PASSING, "phase": phase}
    connection.execute(insert(row_errors).values(job_id=job_id, at=database.now, **values))
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(error_count=jobs.c.error_count + 1))


def forget_job_errors(connection: Connection, job_id: int) -> int:
    """Forget why the whole job stopped, for it goes on (its timeline keeps it); return how many errors that were."""
    stopped = (row_errors.c.job_id == job_id, row_errors.c.row.is_(None), row_errors.c.code.in_(list(StopReason)))
    return connection.execute(delete(row_errors).where(*stopped)).rowcount


def _count(connection: Connection, database: Database, job_id: int, code: str, times: int) -> None:
    statement = database.insert(error_codes).values(job_id=job_id, code=code, count=times)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["job_id", "code"], set_={"count": error_codes.c.count + times})
    )
