"""The batches of the vendor's jobs, seen by people: what was sent in one, and what came of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, TypeVar, cast

from orchestrator.job.errors import Conflict, Rejected, Unauthorized
from orchestrator.lifecycle.vendors import Vendors
from orchestrator.providers.job_list import BatchList, ListedBatch
from orchestrator.store.connections import Connection
from orchestrator.store.store import Store

T = TypeVar("T")

IN_MEMORY = 1 << 20  # bytes of a body; what is more goes to the disk
SHORT = 15  # characters of an id; those of 18 are the same with a check sum


@dataclass(frozen=True, kw_only=True)
class MarkedBatch:
    """A batch, and which chunk of which job of ours was sent in it."""

    batch: ListedBatch
    job_id: int | None
    chunk: int | None


@dataclass(frozen=True, kw_only=True)
class Body:
    """What the vendor holds of a batch, to be read from its start and closed."""

    file: BinaryIO
    media: str  # as the vendor says; empty: it does not
    size: int  # bytes


class VendorBatchDesk:
    """Looks at batches; every call is paid for by the connection's budget, like those of a turn.

    Each raises Missing where there is no such job or batch, or its connection is another tenant's; Invalid
    (`no_batches`, `no_vendor_jobs`) where the vendor has none; and what calls raise.
    """

    def __init__(self, store: Store, vendors: Vendors) -> None:
        self._store = store
        self._vendors = vendors

    def every(self, tenant_id: int, name: str, vendor_job: str) -> Sequence[MarkedBatch]:
        """Return the batches of a job; one call."""
        connection = self._store.connections.get(tenant_id, name)
        return self._marked(connection, vendor_job, self._look(connection, lambda each: each.every(vendor_job)))

    def one(self, tenant_id: int, name: str, vendor_job: str, batch: str) -> MarkedBatch:
        """Return a batch; one call."""
        connection = self._store.connections.get(tenant_id, name)
        found = self._look(connection, lambda each: each.one(vendor_job, batch))
        return self._marked(connection, vendor_job, [found])[0]

    def request(self, tenant_id: int, name: str, vendor_job: str, batch: str) -> Body:
        """Return what a batch was sent as; one call. Raises Conflict where the vendor has it no more."""
        return self._body(tenant_id, name, lambda each, into: each.request(vendor_job, batch, into))

    def result(self, tenant_id: int, name: str, vendor_job: str, batch: str) -> Body:
        """Return what came of a batch; one call. Raises Conflict where nothing has yet."""
        return self._body(tenant_id, name, lambda each, into: each.result(vendor_job, batch, into))

    def rows(self, tenant_id: int, name: str, vendor_job: str, batch: str, result: str) -> Body:
        """Return one result of a query's batch; one call. Raises Conflict where there is no such result."""
        return self._body(tenant_id, name, lambda each, into: each.rows(vendor_job, batch, result, into))

    def _look(self, connection: Connection, work: Callable[[BatchList], T]) -> T:
        return self._vendors.look(connection, lambda vendor: work(vendor.jobs().batches()))

    def _body(self, tenant_id: int, name: str, save: Callable[[BatchList, BinaryIO], str]) -> Body:
        connection = self._store.connections.get(tenant_id, name)
        file = cast(BinaryIO, SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115 - whoever is answered closes it
        try:
            media = self._look(connection, lambda each: save(each, file))
        except BaseException as error:
            file.close()
            if isinstance(error, Rejected) and not isinstance(error, Unauthorized):
                advice = "Look at the state of the batch first."
                raise Conflict(f"batch: {error.text}", advice, code="vendor_job_state") from None
            raise
        size = file.tell()
        file.seek(0)
        return Body(file=file, media=media, size=size)

    def _marked(self, connection: Connection, vendor_job: str, batches: Sequence[ListedBatch]) -> Sequence[MarkedBatch]:
        """Name our chunks; those of other tenants stay unknown."""
        ids = {vendor_job, *(str(batch.fields.get("jobId")) for batch in batches)}  # in either length
        every = self._store.vendor_jobs.owned(connection.provider, sorted(ids))
        mine = [owned for owned in every if owned.tenant_id == connection.tenant_id]
        chunks: Mapping[str, tuple[int, int]] = {
            chunk.remote_id[:SHORT]: (owned.job_id, chunk.seq)
            for owned in mine
            for chunk in self._store.chunks.of_vendor_job(owned.job_id, owned.seq)
            if chunk.remote_id
        }
        job_id = mine[0].job_id if mine else None
        return [_with(batch, *chunks.get(batch.id[:SHORT], (job_id, None))) for batch in batches]


def _with(batch: ListedBatch, job_id: int | None, chunk: int | None) -> MarkedBatch:
    return MarkedBatch(batch=batch, job_id=job_id, chunk=chunk)
