"""Jobs of Bulk API 1.0 and their batches, anybody's, as people look at them.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/asynch_api_batches_get_info_all.htm
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

from orchestrator.http.client import VendorClient
from orchestrator.job.errors import Gone, Misbehaved, Missing, Rejected
from orchestrator.providers.job_list import ListedBatch
from orchestrator.providers.salesforce.bulk1.jobs import ABORTED, CLOSED, JOB
from orchestrator.providers.salesforce.bulk1.wire import told_all, told_one
from orchestrator.providers.salesforce.wire import PROVIDER

ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
NO_SUCH_JOB = ("InvalidJob:", "InvalidUser:")  # another user's may not be seen either
NO_SUCH_BATCH = "InvalidBatch:"
STATES = (CLOSED, ABORTED)
KIND = "vendor job with batches"


class AsyncJobList:
    """The jobs of Bulk API 1.0, one by one: it has no list, but that of 2.0 shows them."""

    def __init__(self, http: VendorClient, async_base: str) -> None:
        self._http = http
        self._base = f"{async_base}/job"

    def one(self, remote_id: str) -> Mapping[str, Any]:
        """Return all that is told of a job; one call. Raises Missing."""
        with _found(KIND, remote_id, *NO_SUCH_JOB):
            return told_one(self._http.get(self._path(remote_id), headers=JOB).content)

    def move(self, remote_id: str, state: str) -> Mapping[str, Any]:
        """Close or abort a job; return what is told of it then. One call. Raises Missing, Rejected."""
        with _found(KIND, remote_id, *NO_SUCH_JOB):
            return told_one(self._http.post(self._path(remote_id), json={"state": state}, headers=JOB).content)

    def every(self, remote_id: str) -> Sequence[ListedBatch]:
        """Return the batches of a job; one call. Raises Missing."""
        with _found(KIND, remote_id, *NO_SUCH_JOB):
            answer = self._http.get(self._path(remote_id, "batch"))
        return [_listed(each) for each in told_all(answer.content)]

    def batch(self, remote_id: str, batch_id: str) -> ListedBatch:
        """Return a batch; one call. Raises Missing."""
        path = self._path(remote_id, "batch", batch_id)
        with _found(KIND, remote_id, *NO_SUCH_JOB), _found("batch", batch_id, NO_SUCH_BATCH):
            return _listed(told_one(self._http.get(path).content))

    def save(self, into: BinaryIO, remote_id: str, batch_id: str, *rest: str) -> str:
        """Write what stands below a batch into a file; return its media type. See `BatchList.request`."""
        path = self._path(remote_id, "batch", batch_id, *rest)
        try:
            answer = self._http.save(path, into)
        except Rejected as error:
            if error.text.startswith((*NO_SUCH_JOB, NO_SUCH_BATCH)):
                self.batch(remote_id, batch_id)  # raises where that is what is missing
            raise
        return str(answer.headers.get("content-type") or "").partition(";")[0].strip().lower()

    def _path(self, *parts: str) -> str:
        for part in parts:
            if part not in WORDS and not ID.fullmatch(part):
                raise Missing(KIND if part == parts[0] else "batch", part[:40])
        return "/".join((self._base, *parts))


WORDS = ("batch", "request", "result")


class AsyncBatches:
    """The batches of the org's jobs."""

    def __init__(self, jobs: AsyncJobList) -> None:
        self._jobs = jobs

    def every(self, remote_id: str) -> Sequence[ListedBatch]:
        """Return the batches of a job; one call. Raises Missing."""
        return self._jobs.every(remote_id)

    def one(self, remote_id: str, batch_id: str) -> ListedBatch:
        """Return a batch; one call. Raises Missing."""
        return self._jobs.batch(remote_id, batch_id)

    def request(self, remote_id: str, batch_id: str, into: BinaryIO) -> str:
        """Write the bytes that were sent; one call, or two where it is refused."""
        return self._jobs.save(into, remote_id, batch_id, "request")

    def result(self, remote_id: str, batch_id: str, into: BinaryIO) -> str:
        """Write the fates of the rows, or the ids of a query's results; one call, or two where it is refused."""
        return self._jobs.save(into, remote_id, batch_id, "result")

    def rows(self, remote_id: str, batch_id: str, result_id: str, into: BinaryIO) -> str:
        """Write one result of a query; one call, or two where it is refused."""
        return self._jobs.save(into, remote_id, batch_id, "result", result_id)


@contextmanager
def _found(kind: str, name: str, *codes: str) -> Iterator[None]:
    """Turn the vendor's words for what is not there into Missing."""
    try:
        yield
    except Gone:
        raise Missing(kind, name) from None
    except Rejected as error:
        if error.text.startswith(codes):
            raise Missing(kind, name) from None
        raise


def _listed(fields: Mapping[str, Any]) -> ListedBatch:
    id_ = fields.get("id")
    if not isinstance(id_, str) or not ID.fullmatch(id_):
        raise Misbehaved(PROVIDER, "a batch without an id")
    return ListedBatch(id=id_, fields=fields)
