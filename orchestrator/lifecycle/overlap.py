"""How far back a job of a chain looks for what showed late, and which jobs tell what of it is delivered already.

    ─── job 1 ────────────────┤ mark
                      ├╌╌╌╌╌╌╌├─── job 2 ──────────┤ mark
                       overlap

A change may show a while after its time: a transaction that was committed late, a replica that lagged. So a job begins
before the end of the one before, and drops what was delivered and has not changed since. That needs to know what was:
the results of the earlier jobs, where records can be told apart by id and time. Where it is not known, there is less
overlap, or none; nothing is dropped on a guess.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.job.criteria import DownloadCriteria
from orchestrator.job.errors import Missing
from orchestrator.job.record import Job
from orchestrator.lifecycle.marks import MOMENT, SETTLED, download_of, mark_of
from orchestrator.store.store import Store

OVERLAP = timedelta(minutes=10)  # transactions of vendors end within minutes
MOST_ROWS = 300_000  # 60 MB of ids and fingerprints in a worker
MOST_JOBS = 100


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """Where a job begins, and the jobs whose records it may meet once more, latest first."""

    at: datetime
    known: tuple[int, ...] = ()


def beginning(store: Store, earlier: Job, wanted: DownloadCriteria, told_by: Sequence[str]) -> Beginning:
    """Return where the job after `earlier` begins; `told_by` are the fields that it takes to know a record again."""
    latest = mark_of(earlier) + MOMENT
    if wanted.limit is not None or not _shows(wanted, told_by):
        return Beginning(at=latest)
    at, known, rows = latest - OVERLAP, list[int](), 0
    job: Job | None = earlier
    while job is not None and _end_of(job) >= at:
        before, rows = download_of(job), rows + job.counts.stored
        if rows > MOST_ROWS or len(known) == MOST_JOBS or not _shows(before, told_by):
            at = max(at, _end_of(job) + MOMENT)
            break
        known.append(job.id)
        if before.continues is None:
            at = max(at, before.from_ or at)
        job = _before(store, before)
        if job is None and before.continues is not None:
            at = latest
    return Beginning(at=min(at, latest), known=tuple(known))


def _shows(criteria: DownloadCriteria, names: Sequence[str]) -> bool:
    shown = None if criteria.select_fields is None else {name.casefold() for name in criteria.select_fields}
    return shown is None or all(name.casefold() in shown for name in names)


def _end_of(job: Job) -> datetime:
    """Return when the last change happened that the job may have read."""
    return download_of(job).to or (job.completed_at or job.created_at) + SETTLED


def _before(store: Store, criteria: DownloadCriteria) -> Job | None:
    if criteria.continues is None:
        return None
    try:
        return store.jobs.by_id(criteria.continues)
    except Missing:
        return None
