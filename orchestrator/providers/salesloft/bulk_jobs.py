"""Salesloft's bulk jobs as a sink: open, fill, release, look.

    open ── PUT ready_to_execute ──▶ executing ── every row handled ──▶ done

Nothing happens to a record before the release, and nothing can stop it after; a job that is never released changes
nothing. There is no failed state: a job whose every row failed is `done`. The vendor's page is "Bulk Jobs: Example
Flow".
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from orchestrator.http.client import VendorClient
from orchestrator.job.criteria import UploadCriteria
from orchestrator.job.errors import Invalid, Misbehaved, Rejected, Unauthorized
from orchestrator.job.step import Cursor
from orchestrator.providers.look import Posted, Proof, Walking
from orchestrator.providers.provider import FatePage, GoOn, Phase, RemoteStatus
from orchestrator.providers.salesloft import look
from orchestrator.providers.salesloft.fields import shaped
from orchestrator.providers.salesloft.rows import PER_PAGE, StatePage, fate_pages, query, rising, state_pages
from orchestrator.providers.salesloft.wire import BULK_JOB, BULK_JOBS, PROVIDER, TAKEN, BulkJob

PHASES = {"open": Phase.OPEN, "executing": Phase.RUNNING, "done": Phase.DONE}
JOBS = "/v2/bulk_jobs"


class SalesloftBulkJobs:
    """The bulk jobs of one Salesloft team, of the type that the criteria ask for."""

    chunk_rows = 5_000  # the vendor's limit for one call
    chunk_bytes = 8_000_000  # not published; below the 10 MB at which gateways commonly refuse a body
    chunks_per_job = 10  # calls are unlimited; 50,000 rows keep a lost answer cheap and a threshold useful

    def __init__(self, http: VendorClient, criteria: UploadCriteria) -> None:
        self._http = http
        self._criteria = criteria
        self._type = criteria.type or f"{criteria.object_name}/{criteria.operation}"

    def shape(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the record typed by the field table, with its upsert key. Raises Invalid (field = the column)."""
        return shaped(self._criteria.object_name, self._criteria.external_id_field, record)

    def create(self, marker: str) -> str:
        """Open an empty bulk job named `marker`; return its id. One call."""
        answer = self._http.post(JOBS, json={"type": self._type, "name": marker})
        return str(BULK_JOB.read(answer).id)

    def find(self, marker: str) -> str | None:
        """Look through the open jobs for the one named `marker`; one call per 100 open jobs."""
        above = 0
        while True:
            jobs = BULK_JOBS.read(self._http.get(JOBS, params=query(above, state="open")))
            above = rising([job.id for job in jobs], above)
            for job in jobs:
                if job.name == marker:
                    return str(job.id)
            if len(jobs) < PER_PAGE:
                return None

    def suspects(self, since: datetime) -> Sequence[str]:
        """Name nobody: a job of ours is known by its marker. No call."""
        return ()

    def check_header(self, header: Mapping[str, Any]) -> Sequence[str]:
        """Look into nothing: fields that the vendor does not know are its own to refuse, row by row. No call."""
        return ()

    def study(self, names: Sequence[str]) -> Mapping[str, str | Invalid]:
        """Look into nothing. No call."""
        return {}

    def identity(self, record: bytes) -> str | None:
        """Name nothing: the vendor echoes records as they were sent."""
        return None

    def fill(self, remote_id: str, records: bytes) -> None:
        """Send one chunk, a JSON array of at most 5,000 objects. Not idempotent. One call.

        Raises Misbehaved where the vendor took another number of rows than were sent.
        """
        sent = len(msgspec.json.decode(records, type=list[msgspec.Raw]))
        answer = self._http.post(
            f"{JOBS}/{remote_id}/job_data",
            content=b'{"data":' + records + b"}",
            headers={"content-type": "application/json"},
        )
        taken = TAKEN.read(answer).records
        if taken is not None and taken != sent:
            raise Misbehaved(PROVIDER, f"of {sent} rows sent to bulk job {remote_id}, it took {taken}")

    def look(self, remote_id: str, posted: Posted, walk: Cursor | None) -> Proof | Walking:
        """After a lost answer to a fill, look whether its rows are there; one call, and Walking until it is known."""
        if walk is None:
            return look.by_total(self._job(remote_id), posted)
        return look.by_rows(self._http, _rows(remote_id), posted, walk)

    def release(self, remote_id: str) -> None:
        """Let the job execute. Two calls where it was released before."""
        try:
            self._http.put(f"{JOBS}/{remote_id}", json={"ready_to_execute": True})
        except Unauthorized:
            raise
        except Rejected:
            # an earlier release whose answer was lost took effect; the code of this refusal is not documented
            if not self._job(remote_id).is_released:
                raise

    def status(self, remote_id: str) -> RemoteStatus:
        """Ask how far the job has come; one call."""
        job = self._job(remote_id)
        return RemoteStatus(
            phase=PHASES.get(job.state, Phase.UNKNOWN),
            word=job.state,
            processed=job.processed or 0,
            errors=job.errors or 0,
            total=job.total,
        )

    def fates(self, remote_id: str, cursor: Cursor, go_on: GoOn) -> Iterator[FatePage]:
        """Yield the final fates after `cursor` by rising id; one call per 100. Only once the job is DONE."""
        return fate_pages(self._http, f"{JOBS}/{remote_id}/results", cursor, go_on)

    def unprocessed(self, remote_id: str) -> int:
        """Return 0: no job ends early and tells fates. No call."""
        return 0

    def job_data(
        self, remote_id: str, cursor: Cursor, statuses: Sequence[str], go_on: GoOn = lambda: True
    ) -> Iterator[StatePage]:
        """Yield the rows after `cursor` as they are now, at any time; one call per 100."""
        return state_pages(self._http, _rows(remote_id), cursor, statuses, go_on)

    def abort(self, remote_id: str, released: bool) -> bool:
        """Say whether the job changes nothing: left open it never will, released it cannot be stopped. No call."""
        return not released

    def _job(self, remote_id: str) -> BulkJob:
        return BULK_JOB.read(self._http.get(f"{JOBS}/{remote_id}"))


def _rows(remote_id: str) -> str:
    return f"{JOBS}/{remote_id}/job_data"
