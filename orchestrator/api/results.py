"""What a job brought: the whole result as a stream, or in pages."""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from orchestrator.api.accept import wanted_format
from orchestrator.api.auth import Reader
from orchestrator.api.kept import kept_job
from orchestrator.api.paging import COMPLETE, PAGING, Paged, Paging, mark, only
from orchestrator.api.pending import PENDING, pending_page
from orchestrator.api.state import JobId, runtime_of
from orchestrator.api.strict import suggestion
from orchestrator.job.chunk import Part, Stream
from orchestrator.job.criteria import DownloadCriteria, FileFormat, UploadCriteria
from orchestrator.job.errors import Conflict, Invalid
from orchestrator.job.record import Job
from orchestrator.job.status import Direction, JobStatus
from orchestrator.results.fates import line_row
from orchestrator.results.formats import render
from orchestrator.results.manifest import count, page, total_bytes
from orchestrator.results.outcome import outcome_page

router = APIRouter(prefix="/bulk", tags=["results"])

OUTCOME_FIELDS = ("id", "status", "record", "error", "resource", "code", "retryable", "vendorCode", "tie")
ROW_STATUSES = (PENDING, "success", "error", "retrying")
ENDINGS = {FileFormat.JSONL: "jsonl", FileFormat.JSON: "json", FileFormat.CSV: "csv"}


_ANY_FORMAT: dict[int | str, dict[str, Any]] = {
    200: {"content": {str(each): {} for each in FileFormat}},
    304: {"description": "not changed since the ETag that was sent"},
}


@router.get("/{job_id}", dependencies=[Depends(only("partial"))], responses=_ANY_FORMAT)
def result(
    request: Request,
    who: Reader,
    job_id: JobId,
    partial: Annotated[bool, Query(description="Also before the job is COMPLETED")] = False,
    accept: Annotated[str | None, Header()] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Stream the result: records of a download, the fate of each row of an upload."""
    runtime = runtime_of(request)
    job = kept_job(runtime, who.tenant_id, job_id)
    complete = job.status is JobStatus.COMPLETED
    if not complete and not partial:
        raise Conflict(f"job {job.id} is {job.status}", code="not_completed")
    file_format = wanted_format(accept, _default_format(job))
    parts = runtime.store.jobs.settled_parts(job.id, _stream(job))
    headers = _result_headers(job, parts, file_format, complete)
    if if_none_match is not None and headers["ETag"] in if_none_match:
        return Response(status_code=304, headers=headers)
    if file_format is FileFormat.JSONL and (size := total_bytes(parts)) is not None:
        headers["Content-Length"] = str(size)
    blocks = begun(render(runtime.objects, parts, file_format, _csv_fields(job, file_format)))
    return StreamingResponse(blocks, media_type=str(file_format), headers=headers)


def begun(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Read the first block now, so that an outage is a problem answer and not a cut stream."""
    first = next(blocks, None)
    return iter(()) if first is None else chain((first,), blocks)


def _stream(job: Job) -> Stream:
    return Stream.RECORDS if job.direction is Direction.DOWNLOAD else Stream.OUTCOME


def _default_format(job: Job) -> FileFormat:
    return job.criteria.format if isinstance(job.criteria, DownloadCriteria) else FileFormat.JSONL


def _csv_fields(job: Job, file_format: FileFormat) -> Sequence[str] | None:
    if file_format is not FileFormat.CSV:
        return None
    return job.criteria.select_fields if isinstance(job.criteria, DownloadCriteria) else OUTCOME_FIELDS


def _result_headers(job: Job, parts: Sequence[Part], file_format: FileFormat, complete: bool) -> dict[str, str]:
    return {
        "ETag": _etag(job, parts, file_format),
        "Content-Disposition": f'attachment; filename="job-{job.id}.{ENDINGS[file_format]}"',
        "Vary": "Accept",
        COMPLETE: str(complete).lower(),
    }


def _etag(job: Job, parts: Sequence[Part], file_format: FileFormat) -> str:
    digest = hashlib.sha256(f"{job.id} {file_format}".encode())
    for part in parts:
        digest.update(f"{part.object_key} {part.crc32}\n".encode())
    return f'"{digest.hexdigest()[:32]}"'


@router.get("/{job_id}/data", dependencies=[Depends(only(*PAGING, "status"))])
def data(
    request: Request,
    who: Reader,
    job_id: JobId,
    paging: Paged,
    status: Annotated[str | None, Query(description="Uploads: success, error, pending, retrying")] = None,
) -> Response:
    """Return the result in pages by row number, also while the job runs; never calls the vendor."""
    runtime = runtime_of(request)
    job = kept_job(runtime, who.tenant_id, job_id)
    complete = job.status is JobStatus.COMPLETED
    if job.direction is Direction.UPLOAD:
        return _outcome_answer(request, job, paging, _row_statuses(status), complete)
    if status is not None:
        raise Invalid("status", "is for uploads", "Leave it out.", code="unknown_parameter")
    parts = runtime.store.jobs.settled_parts(job.id, Stream.RECORDS)
    records = page(runtime.objects, parts, paging.after, paging.size)
    last = paging.after + len(records)
    # while the job runs, an empty page hands its own token back: there may be more to come
    more = last < count(parts) or not complete
    return _json_lines(records, last if more else None, complete)


def _outcome_answer(request: Request, job: Job, paging: Paging, statuses: Sequence[str], complete: bool) -> Response:
    runtime = runtime_of(request)
    parts = runtime.store.jobs.settled_parts(job.id, Stream.OUTCOME)
    rows: list[bytes] = []
    if not statuses or set(statuses) - {PENDING}:
        rows = outcome_page(runtime.objects, parts, paging.after, paging.size, statuses, in_order=complete)
    if not complete and (not statuses or PENDING in statuses):
        chunks = runtime.store.chunks.of_job(job.id)
        mixed = isinstance(job.criteria, UploadCriteria) and job.criteria.group_by is not None
        rows += pending_page(runtime.objects, chunks, parts, paging.after, paging.size, mixed=mixed)
        rows = sorted(rows, key=line_row)[: paging.size]
    more = len(rows) == paging.size or not complete
    last = line_row(rows[-1]) if rows else paging.after
    return _json_lines(rows, last if more else None, complete)


def _json_lines(records: Sequence[bytes], next_token: int | None, complete: bool) -> Response:
    """Return records that are JSON already as an array; they are not parsed."""
    response = Response(b"[" + b",".join(records) + b"]", media_type="application/json")
    mark(response, len(records), next_token=next_token, more={COMPLETE: str(complete).lower()})
    return response


def _row_statuses(given: str | None) -> Sequence[str]:
    words = [each.strip() for each in given.split(",")] if given is not None else []
    for word in words:
        if word not in ROW_STATUSES:
            raise Invalid("status", f"{word[:40]} is not known", suggestion(word, ROW_STATUSES), code="unknown_status")
    return words
