"""Jobs and their batches: the calls.

    Open ── batches are added, and run at once ──▶ Closed
      └──────────────── Aborted ◀────────────────────┘

A job never says that it is complete: its batches do.
https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/asynch_api_reference_job_api.htm
"""

from collections.abc import Mapping, Sequence

from orchestrator.http.client import VendorClient
from orchestrator.job.errors import Rejected, Unauthorized
from orchestrator.providers.salesforce.bulk1.kinds import MEDIA
from orchestrator.providers.salesforce.bulk1.wire import AsyncJob, Batch, read_batches, read_ids, read_one

JOB = {"content-type": "application/json", "accept": "application/json"}
OPEN, CLOSED, ABORTED = "Open", "Closed", "Aborted"


class AsyncJobs:
    """The jobs of one connection, with batches of one content type."""

    def __init__(self, http: VendorClient, base: str, kind: str) -> None:
        self._http = http
        self._base = f"{base}/job"
        self._kind = kind

    def open(self, fields: Mapping[str, object], headers: Mapping[str, str] | None = None) -> str:
        """Open a job; return its id. One call."""
        body = {"contentType": self._kind, **fields}
        return read_one(self._http.post(self._base, json=body, headers={**JOB, **(headers or {})}).content, AsyncJob).id

    def look(self, remote_id: str) -> AsyncJob:
        """Return the job as it is now. One call."""
        return read_one(self._http.get(self._path(remote_id), headers=JOB).content, AsyncJob)

    def move(self, remote_id: str, state: str) -> bool:
        """Set the job's state; False, after a second call, where it has another one by now than Open."""
        try:
            self._http.post(self._path(remote_id), json={"state": state}, headers=JOB)
        except Unauthorized:
            raise
        except Rejected:
            now = self.look(remote_id).state
            if now == OPEN:
                raise
            return now == state
        return True

    def add(self, remote_id: str, body: bytes) -> str:
        """Add a batch, which starts at once; return its id, in fifteen characters. Not idempotent. One call."""
        headers = {"content-type": f"{MEDIA[self._kind]}; charset=UTF-8"}
        answer = self._http.post(self._path(remote_id, "batch"), content=body, headers=headers)
        return read_one(answer.content, Batch).key

    def batches(self, remote_id: str) -> Sequence[Batch]:
        """Return all batches of a job, in the order in which they were added. One call."""
        return read_batches(self._http.get(self._path(remote_id, "batch")).content)

    def request(self, remote_id: str, batch_id: str) -> bytes:
        """Return what a batch was sent as, byte for byte. One call."""
        return self._http.get(self._path(remote_id, "batch", batch_id, "request")).content

    def result(self, remote_id: str, batch_id: str) -> bytes:
        """Return what became of the rows of a batch. One call."""
        return self._http.get(self._path(remote_id, "batch", batch_id, "result")).content

    def result_ids(self, remote_id: str, batch_id: str) -> Sequence[str]:
        """Return which results a query's batch has. One call."""
        return read_ids(self.result(remote_id, batch_id))

    def rows(self, remote_id: str, batch_id: str, result_id: str) -> bytes:
        """Return one result of a query's batch. One call."""
        return self._http.get(self._path(remote_id, "batch", batch_id, "result", result_id)).content

    def _path(self, *parts: str) -> str:
        return "/".join((self._base, *parts))
