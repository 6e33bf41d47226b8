"""The chunks that an upload sent, each with its request and what became of its rows."""

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from orchestrator.api.auth import Reader
from orchestrator.api.kept import kept_job
from orchestrator.api.paging import PAGING, Paged, mark, only
from orchestrator.api.results import begun
from orchestrator.api.state import JobId, runtime_of
from orchestrator.job.chunk import Chunk, Stream, VendorJob
from orchestrator.job.errors import Missing
from orchestrator.results.chunks import unpack_rows
from orchestrator.results.fates import line_row
from orchestrator.results.formats import json_array
from orchestrator.results.lines import lines
from orchestrator.results.manifest import stream_records

if TYPE_CHECKING:
    from orchestrator.runtime import Runtime

router = APIRouter(prefix="/bulk", tags=["results"])

_JSON = {"content": {"application/json": {"schema": {"type": "array", "items": {"type": "object"}}}}}


@router.get("/{job_id}/chunks", dependencies=[Depends(only(*PAGING))])
def chunks(request: Request, response: Response, who: Reader, job_id: JobId, paging: Paged) -> list[dict[str, Any]]:
    """List an upload's chunks and the vendor jobs that take them."""
    store = runtime_of(request).store
    job = store.jobs.get(who.tenant_id, job_id)
    vendor_jobs = {each.seq: each for each in store.vendor_jobs.of_job(job.id)}
    later = [each for each in store.chunks.of_job(job.id) if each.seq > paging.after]
    found = later[: paging.size]
    mark(response, len(found), next_token=found[-1].seq if len(later) > len(found) else None)
    return [_chunk(job.id, each, vendor_jobs.get(each.vendor_seq)) for each in found]


def _chunk(job_id: int, chunk: Chunk, vendor_job: VendorJob | None) -> dict[str, Any]:
    base = f"/bulk/{job_id}/chunks/{chunk.seq}"
    return {
        "id": chunk.seq,
        "state": str(chunk.state),
        "rows": chunk.rows,
        "bytes": chunk.bytes,
        "firstRow": chunk.first_row,
        "vendorJob": None if vendor_job is None else _vendor_job(vendor_job),
        "links": {"request": f"{base}/request", "result": f"{base}/result"},
    }


def _vendor_job(vendor_job: VendorJob) -> dict[str, Any]:
    return {
        "number": vendor_job.seq,
        "id": vendor_job.remote_id,
        "state": str(vendor_job.state),
        "rows": vendor_job.rows,
        "processed": vendor_job.processed,
    }


@router.get("/{job_id}/chunks/{chunk}/request", dependencies=[Depends(only())], responses={200: _JSON})
def request_of(request: Request, who: Reader, job_id: JobId, chunk: str) -> Response:
    """Stream the records of a chunk, as they were put into the request that sent it."""
    runtime = runtime_of(request)
    found = _found(runtime, who.tenant_id, job_id, chunk)
    return StreamingResponse(begun(runtime.objects.stream(found.object_key)), media_type="application/json")


@router.get("/{job_id}/chunks/{chunk}/result", dependencies=[Depends(only())], responses={200: _JSON})
def result_of(request: Request, who: Reader, job_id: JobId, chunk: str) -> Response:
    """Stream what became of the rows of a chunk, as far as it is known."""
    runtime = runtime_of(request)
    found = _found(runtime, who.tenant_id, job_id, chunk)
    rows = frozenset(row for row, _ in unpack_rows(runtime.objects.get(found.rows_key)))
    parts = runtime.store.jobs.settled_parts(job_id, Stream.OUTCOME)
    kept = (line + b"\n" for line in lines(stream_records(runtime.objects, parts)) if line_row(line) in rows)
    return StreamingResponse(begun(json_array(kept)), media_type="application/json")


def _found(runtime: "Runtime", tenant_id: int, job_id: int, chunk: str) -> Chunk:
    job = kept_job(runtime, tenant_id, job_id)
    found = [each for each in runtime.store.chunks.of_job(job.id) if str(each.seq) == chunk]
    if not found:
        raise Missing("chunk", chunk[:40])
    return found[0]
