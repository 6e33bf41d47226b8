"""Starting over: what a lost query had stored, and the steps that still read it, are taken back in one transaction."""

from sqlalchemy import Connection, delete, select, update

from orchestrator.job.chunk import Stream
from orchestrator.job.step import Lease, StepKind
from orchestrator.store.records import COUNTERS
from orchestrator.store.tables import jobs, parts, steps

READERS = (StepKind.POLL, StepKind.FETCH)
COUNTED = ("read", "stored", "filtered", "cut", "undated", "bytes")


def start_over(connection: Connection, lease: Lease) -> None:
    """Empty the job's records and their counts, and end its other readers; who runs one of them is fenced out (I1, I2).

    Every record of the job comes from one query at a time, so that all of them go. The objects are garbage from now on.
    """
    mine = steps.c.job_id == lease.job_id
    readers = (mine, steps.c.kind.in_(READERS), steps.c.state != "done", steps.c.id != lease.step_id)
    connection.execute(select(steps.c.id).where(mine).order_by(steps.c.id).with_for_update())  # as heartbeats lock
    ended = connection.execute(
        update(steps)
        .where(*readers)
        .values(state="done", lease_epoch=steps.c.lease_epoch + 1, lease_until=None, hinted_until=None)
    ).rowcount
    connection.execute(delete(parts).where(parts.c.job_id == lease.job_id, parts.c.stream == Stream.RECORDS))
    emptied = {COUNTERS[name]: 0 for name in COUNTED}
    connection.execute(
        update(jobs)
        .where(jobs.c.id == lease.job_id)
        .values(**emptied, vendor_counted=None, open_steps=jobs.c.open_steps - ended)
    )
