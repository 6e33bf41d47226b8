"""What happened to a job: its timeline, the chunks it sent."""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from orchestrator.api.auth import Reader
from orchestrator.api.paging import PAGING, Paged, mark, only
from orchestrator.api.state import JobId, runtime_of
from orchestrator.job.chunk import Chunk, VendorJob
from orchestrator.store.events import PastEvent
from orchestrator.store.status_body import millis

router = APIRouter(prefix="/bulk", tags=["results"])


@router.get("/{job_id}/events", dependencies=[Depends(only(*PAGING))])
def events(request: Request, response: Response, who: Reader, job_id: JobId, paging: Paged) -> list[dict[str, Any]]:
    """List the job's timeline: every phase change, wait, retry, vendor error and restart."""
    store = runtime_of(request).store
    job = store.jobs.get(who.tenant_id, job_id)
    found = store.events.list(job.id, after=paging.after, size=paging.size)
    mark(response, len(found), next_token=found[-1].id if len(found) == paging.size else None)
    return [_event(each) for each in found]


def _event(event: PastEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "at": millis(event.at),
        "name": event.name,
        "data": dict(event.data),
        "stepId": event.step_id,
    }


@router.get("/{job_id}/chunks", dependencies=[Depends(only(*PAGING))])
def chunks(request: Request, response: Response, who: Reader, job_id: JobId, paging: Paged) -> list[dict[str, Any]]:
    """List an upload's chunks and the vendor jobs that take them."""
    store = runtime_of(request).store
    job = store.jobs.get(who.tenant_id, job_id)
    vendor_jobs = {each.seq: each for each in store.vendor_jobs.of_job(job.id)}
    later = [each for each in store.chunks.of_job(job.id) if each.seq > paging.after]
    found = later[: paging.size]
    mark(response, len(found), next_token=found[-1].seq if len(later) > len(found) else None)
    return [_chunk(each, vendor_jobs.get(each.vendor_seq)) for each in found]


def _chunk(chunk: Chunk, vendor_job: VendorJob | None) -> dict[str, Any]:
    return {
        "id": chunk.seq,
        "state": str(chunk.state),
        "rows": chunk.rows,
        "bytes": chunk.bytes,
        "firstRow": chunk.first_row,
        "vendorJob": None if vendor_job is None else _vendor_job(vendor_job),
    }


def _vendor_job(vendor_job: VendorJob) -> dict[str, Any]:
    return {"number": vendor_job.seq, "id": vendor_job.remote_id, "state": str(vendor_job.state)}
