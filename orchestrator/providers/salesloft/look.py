"""The look after a lost answer to a fill: presence proves that it arrived, absence proves nothing.

There is no idempotency key. The job's `total` may move while it is open, then one call is enough; else every row is
walked. Rows lie in the order of their posts, so those of the lost post are the last `rows`; within a post any order
will do, for their hashes are added up. One writer per bulk job is what makes either count mean something.
"""

from orchestrator.http.client import VendorClient
from orchestrator.job.errors import Misbehaved
from orchestrator.job.step import Cursor
from orchestrator.providers.look import Posted, Proof, Walking
from orchestrator.providers.salesloft.canonical import canonical_hash
from orchestrator.providers.salesloft.rows import PER_PAGE, query, rising
from orchestrator.providers.salesloft.wire import PROVIDER, ROWS, BulkJob

MOST_PAGES = 60  # a tenth of the team's minute; a new bulk job for the chunk costs less than a longer walk
HASHES = 2**64


def by_total(job: BulkJob, posted: Posted) -> Proof | Walking:
    """Judge by the job's own count; where that proves nothing, start the walk if it can be finished."""
    expected = posted.acked_rows + posted.rows
    if job.is_released:
        raise Misbehaved(PROVIDER, f"bulk job {job.id} was released before it was filled, and not by us")
    if job.total == expected:
        return Proof.ARRIVED
    if job.total is not None and job.total > expected:
        return Proof.UNPROVEN
    pages = expected // PER_PAGE + 1
    return Walking(cursor={"after": 0, "rows": 0, "sum": 0}) if pages <= MOST_PAGES else Proof.UNPROVEN


def by_rows(http: VendorClient, path: str, posted: Posted, walk: Cursor) -> Proof | Walking:
    """Read one page of rows; say Walking until the last one. The cursor stays three numbers."""
    rows = ROWS.read(http.get(path, params=query(walk["after"])))
    last = rising([row.id for row in rows], walk["after"])
    ours = rows[max(0, posted.acked_rows - walk["rows"]) :]
    seen = walk["rows"] + len(rows)
    total = (walk["sum"] + sum(canonical_hash(row.record) for row in ours)) % HASHES
    if seen > posted.acked_rows + posted.rows:
        return Proof.UNPROVEN
    if len(rows) >= PER_PAGE:
        return Walking(cursor={"after": last, "rows": seen, "sum": total})
    arrived = seen == posted.acked_rows + posted.rows and total == sum(posted.hashes) % HASHES
    return Proof.ARRIVED if arrived else Proof.UNPROVEN
