"""The batches of a job at the provider: their states, what was sent in them, and what came of it."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from orchestrator.api.auth import Reader
from orchestrator.api.paging import only
from orchestrator.api.state import runtime_of
from orchestrator.lifecycle.vendor_batch_desk import Body, MarkedBatch

router = APIRouter(prefix="/connections/{name}/vendor-jobs/{vendor_job}/batches", tags=["connections"])

BLOCK = 64 * 1024  # bytes
PLAIN = "application/octet-stream"
MEDIA: Mapping[str, str] = {  # no other is passed on: a browser must not take the vendor's bytes for a page of ours
    "application/json": "application/json",
    "application/xml": "application/xml",
    "text/csv": "text/csv",
    "zip/csv": "application/zip",
    "zip/json": "application/zip",
    "zip/xml": "application/zip",
}
_BYTES: dict[int | str, dict[str, Any]] = {200: {"content": {each: {} for each in sorted({*MEDIA.values(), PLAIN})}}}


@router.get("", dependencies=[Depends(only())])
def list_batches(request: Request, who: Reader, name: str, vendor_job: str) -> list[dict[str, Any]]:
    """List the batches of a job at the provider, each with all that the provider tells; one call."""
    found = runtime_of(request).vendor_batches.every(who.tenant_id, name, vendor_job)
    return [_shown(each, name, vendor_job) for each in found]


@router.get("/{batch}", dependencies=[Depends(only())])
def show_batch(request: Request, who: Reader, name: str, vendor_job: str, batch: str) -> dict[str, Any]:
    """Return one batch; one call."""
    found = runtime_of(request).vendor_batches.one(who.tenant_id, name, vendor_job, batch)
    return _shown(found, name, vendor_job)


@router.get("/{batch}/request", dependencies=[Depends(only())], responses=_BYTES, response_class=StreamingResponse)
def batch_request(request: Request, who: Reader, name: str, vendor_job: str, batch: str) -> Response:
    """Stream what a batch was sent as, byte for byte; one call."""
    return _streamed(runtime_of(request).vendor_batches.request(who.tenant_id, name, vendor_job, batch))


@router.get("/{batch}/result", dependencies=[Depends(only())], responses=_BYTES, response_class=StreamingResponse)
def batch_result(request: Request, who: Reader, name: str, vendor_job: str, batch: str) -> Response:
    """Stream what came of a batch's rows, or which results a query's batch has; one call. 409 before there is any."""
    return _streamed(runtime_of(request).vendor_batches.result(who.tenant_id, name, vendor_job, batch))


@router.get(
    "/{batch}/result/{result}", dependencies=[Depends(only())], responses=_BYTES, response_class=StreamingResponse
)
def batch_rows(request: Request, who: Reader, name: str, vendor_job: str, batch: str, result: str) -> Response:
    """Stream one result of a query's batch; one call."""
    return _streamed(runtime_of(request).vendor_batches.rows(who.tenant_id, name, vendor_job, batch, result))


def _shown(marked: MarkedBatch, name: str, vendor_job: str) -> dict[str, Any]:
    parts = (quote(each, safe="") for each in (vendor_job, marked.batch.id))
    base = f"/connections/{quote(name, safe='')}/vendor-jobs/{'/batches/'.join(parts)}"
    links = {"request": f"{base}/request", "result": f"{base}/result"}
    return {**marked.batch.fields, "bulkhead": {"jobId": marked.job_id, "chunk": marked.chunk, "links": links}}


def _streamed(body: Body) -> Response:
    headers = {
        "Content-Length": str(body.size),
        "Content-Disposition": "attachment",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(_blocks(body), media_type=MEDIA.get(body.media, PLAIN), headers=headers)


def _blocks(body: Body) -> Iterator[bytes]:
    with body.file as file:
        while block := file.read(BLOCK):
            yield block
