"""A job that begins where another one ended, so that a chain of jobs loses no record and repeats none.

    ──────── job 1 ────────┤ mark of job 1
                           ├──────── job 2 ────────┤ mark of job 2
                                                   ├──── …
    time of the last change ─────────────────────────────▶

The mark is taken at the start: what changes while a job reads belongs to the next one. It lies two minutes before the
start, because the vendor's clock may differ and a change may show a while after its time. A job of a chain reads up to
its mark and no further; the next one begins before it, for what shows still later, and leaves out what is delivered
already (`overlap.py`); or one microsecond after it, so that records of one instant are never parted.

A job that ended at its `limit` is gone on from in the middle instead, right after its last record: by the cursor that
its last page left, which names the instant and the ids of it that are stored, or the last key.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from orchestrator.job.criteria import Criteria, DownloadCriteria
from orchestrator.job.errors import Invalid, Missing
from orchestrator.job.record import Job
from orchestrator.job.status import Direction, JobOutcome, JobStatus
from orchestrator.job.step import StepKind, Successor
from orchestrator.lifecycle.marks import MOMENT, SETTLED, download_of, mark_of
from orchestrator.lifecycle.overlap import beginning
from orchestrator.providers.provider import Family
from orchestrator.store.connections import Connection
from orchestrator.store.jobs import NewJob
from orchestrator.store.store import Store

Make = Callable[[Connection, Criteria, Mapping[str, Any]], NewJob]  # a job of criteria; raises Invalid

FIELD = "continueFromJobId"
CODE = "not_continuable"


class Continuing:
    """Makes the jobs of a chain."""

    def __init__(self, store: Store, families: Mapping[str, Family], make: Make) -> None:
        self._store = store
        self._families = families
        self._make = make

    def earlier(self, tenant_id: int, job_id: int) -> Job:
        """Return the tenant's job if another one may go on from it. Raises Invalid."""
        try:
            job = self._store.jobs.get(tenant_id, job_id)
        except Missing:
            raise Invalid(FIELD, f"there is no job {job_id}", "See GET /bulk/jobs.", code=CODE) from None
        if job.direction is not Direction.DOWNLOAD:
            raise Invalid(FIELD, f"job {job_id} is an upload", "Name a download.", code=CODE)
        if job.status is not JobStatus.COMPLETED or job.outcome is JobOutcome.FAILED:
            advice = "Name one that is COMPLETED, or restart that one."
            raise Invalid(FIELD, f"job {job_id} is {job.outcome or job.status}", advice, code=CODE)
        return job

    def first(self, connection: Connection, criteria: Criteria, request: Mapping[str, Any]) -> NewJob:
        """Return the first job of a chain: it reads up to its mark. Raises Invalid where there can be no chain."""
        new = self._make(connection, criteria, request)
        return replace(new, criteria=self._bounded(connection, _download(new.criteria)))

    def after(self, earlier: Job, connection: Connection, criteria: Criteria, request: Mapping[str, Any]) -> NewJob:
        """Return the job that goes on from where `earlier` ended. Raises Invalid where it cannot."""
        new = self._make(connection, criteria, request)
        _check_same(earlier, new)
        before, wanted = download_of(earlier), _download(new.criteria)
        if before.limit is not None and earlier.counts.stored >= before.limit:
            return self._after_limit(earlier, before, new, wanted)
        bounded = self._bounded(connection, replace(wanted, continues=earlier.id))
        if before.filter_date_field not in (None, bounded.filter_date_field):
            problem = f"job {earlier.id} went by {before.filter_date_field}"
            raise Invalid("filterDateField", problem, "Go by the same one.")
        if bounded.to is not None and bounded.to < mark_of(earlier) + MOMENT:
            raise Invalid("to", f"lies before the end of job {earlier.id}", "Leave it out.")
        id_field = self._families[connection.provider].id_field(bounded.object_name, connection.settings)
        begin = beginning(self._store, earlier, bounded, (id_field, bounded.filter_date_field or ""))
        return replace(new, criteria=replace(bounded, from_=begin.at, known=begin.known, id_field=id_field))

    def _after_limit(self, earlier: Job, before: DownloadCriteria, new: NewJob, wanted: DownloadCriteria) -> NewJob:
        cursor = self._store.jobs.resume_cursor(earlier.id)
        if cursor is None:
            problem = f"job {earlier.id} ended at its limit, and this list cannot be taken up in the middle"
            raise Invalid(FIELD, problem, "Go by dates, without limit.", code=CODE)
        for name, asked, had in (("query", wanted.query, before.query), ("to", wanted.to or before.to, before.to)):
            if asked != had:
                raise Invalid(name, f"differs from that of job {earlier.id}, which ended at its limit", "Leave it out.")
        criteria = replace(
            wanted,
            continues=earlier.id,
            mark=mark_of(earlier),
            from_=before.from_,
            to=before.to,
            filter_date_field=before.filter_date_field,
        )
        return replace(new, criteria=criteria, first_steps=(Successor(kind=StepKind.FETCH, cursor=cursor),))

    def _bounded(self, connection: Connection, criteria: DownloadCriteria) -> DownloadCriteria:
        """Return the criteria with an upper end that stands still, by the field that tells when records changed."""
        by = criteria.filter_date_field or self._time_field(connection, criteria)
        mark = self._store.database_time() - SETTLED
        return replace(criteria, filter_date_field=by, to=min(criteria.to or mark, mark))

    def _time_field(self, connection: Connection, criteria: DownloadCriteria) -> str:
        family = self._families[connection.provider]
        found = family.time_field and family.time_field(criteria.object_name, connection.settings)
        if criteria.soql is not None or not found:
            advice = "Name the field that tells when a record changed."
            raise Invalid("filterDateField", "is needed to go on from an earlier job", advice)
        return found


def _check_same(earlier: Job, new: NewJob) -> None:
    if earlier.connection_id != new.connection_id:
        raise Invalid("connection", f"is not that of job {earlier.id}", "Leave it out, or start anew.")
    if earlier.object_name != new.object_name:
        problem = f"{new.object_name} is not what job {earlier.id} read: {earlier.object_name}"
        raise Invalid("objectName", problem, "Leave it out, or start anew.")


def _download(criteria: Criteria) -> DownloadCriteria:
    assert isinstance(criteria, DownloadCriteria)
    return criteria
