"""Why rows, or the job itself, did not go through: in pages of JSON, or as a CSV to be mended and uploaded again."""

from collections.abc import Iterable, Iterator, Sequence
from secrets import token_hex
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from orchestrator.api.accept import accepts
from orchestrator.api.auth import Reader
from orchestrator.api.kept import kept_job
from orchestrator.api.paging import COMPLETE, PAGING, Paged, Paging, mark, only
from orchestrator.api.problems import Refused
from orchestrator.api.results import begun
from orchestrator.api.state import JobId, runtime_of
from orchestrator.job.chunk import UNPROCESSED, Part, Stream
from orchestrator.job.criteria import UploadCriteria
from orchestrator.job.record import Job
from orchestrator.job.status import JobStatus
from orchestrator.results.fates import REFUSED
from orchestrator.results.inputs.encoding import Encoding, encoding_of
from orchestrator.results.inputs.reader import delimiter_of, first_block, open_upload
from orchestrator.results.manifest import stream_records
from orchestrator.results.mending import Dialect, Failure, failures, mending_csv
from orchestrator.results.outcome import outcome_page, sort_outcome
from orchestrator.store.row_errors import PastError
from orchestrator.store.status_body import millis

if TYPE_CHECKING:
    from orchestrator.runtime import Runtime

router = APIRouter(prefix="/bulk", tags=["results"])

OF_THE_JOB = 1 << 52  # ids of errors that belong to no row begin here: behind every row, and whole in any JSON reader
CSV = "text/csv"
_CSV_TOO = {
    "content": {
        "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
        CSV: {"schema": {"type": "string"}},
    }
}


@router.get("/{job_id}/errors", dependencies=[Depends(only(*PAGING))], responses={200: _CSV_TOO})
def errors(
    request: Request, who: Reader, job_id: JobId, paging: Paged, accept: Annotated[str | None, Header()] = None
) -> Response:
    """List why rows did not go through, by row number, then why the job itself did not (`recordIndex` null).

    With `Accept: text/csv`: all rows that did not go through, in the columns of the user's own file.
    """
    runtime = runtime_of(request)
    job = kept_job(runtime, who.tenant_id, job_id)
    if accepts(accept, CSV):
        return _csv(runtime, job)
    complete = job.status is JobStatus.COMPLETED
    found = list(_page(runtime, job, paging))
    answer = JSONResponse(found)
    more = len(found) == paging.size
    mark(answer, len(found), next_token=found[-1]["id"] if more else None, more={COMPLETE: str(complete).lower()})
    return answer


def _page(runtime: "Runtime", job: Job, paging: Paging) -> Iterator[dict[str, Any]]:
    left = paging.size
    if paging.after < OF_THE_JOB:
        found = _failed_rows(runtime, job, paging)
        kept = runtime.store.row_errors.of_rows(job.id, [failure.id for failure in found])
        yield from (_of_row(failure, kept.get(failure.id)) for failure in found)
        left -= len(found)
    if left:
        after = max(0, paging.after - OF_THE_JOB)
        yield from (_of_job(each) for each in runtime.store.row_errors.of_job_itself(job.id, after, left))


def _failed_rows(runtime: "Runtime", job: Job, paging: Paging) -> Sequence[Failure]:
    parts = runtime.store.jobs.settled_parts(job.id, Stream.OUTCOME)
    in_order = job.status is JobStatus.COMPLETED
    rows = outcome_page(runtime.objects, parts, paging.after, paging.size, ("error",), in_order=in_order)
    return list(failures(row + b"\n" for row in rows))


def _of_row(failure: Failure, kept: PastError | None) -> dict[str, Any]:
    return {
        "id": failure.id,
        "recordIndex": failure.id,
        "identifier": kept and kept.identifier,
        "code": failure.code,
        "vendorCode": failure.vendor_code,
        "message": failure.error,
        "retryable": failure.retryable,
        "at": millis(kept.at) if kept is not None else None,
        "phase": kept.phase if kept is not None else "fetch" if failure.code in (REFUSED, UNPROCESSED) else "split",
    }


def _of_job(error: PastError) -> dict[str, Any]:
    return {
        "id": OF_THE_JOB + error.id,
        "recordIndex": None,
        "identifier": error.identifier,
        "code": error.code,
        "vendorCode": None,
        "message": error.message,
        "retryable": error.retryable,
        "at": millis(error.at),
        "phase": error.phase,
    }


def _csv(runtime: "Runtime", job: Job) -> Response:
    criteria = job.criteria
    if job.input_key is None or not isinstance(criteria, UploadCriteria):
        advice = "Accept JSON; a CSV has the rows of an upload."
        raise Refused("not_acceptable", "a download has no rows of yours", field="Accept", advice=advice)
    parts = runtime.store.jobs.settled_parts(job.id, Stream.OUTCOME)
    reader = open_upload(runtime.objects, job.input_key, criteria)
    dialect = _dialect(runtime, job.input_key, criteria)
    blocks = mending_csv(reader, lambda: failures(_by_row(runtime, job, parts)), dialect)
    headers = {
        "Content-Disposition": f'attachment; filename="job-{job.id}-errors.csv"',
        "Content-Type": f"{CSV}; charset={dialect.encoding.name}",
        "Vary": "Accept",
        COMPLETE: str(job.status is JobStatus.COMPLETED).lower(),
    }
    return StreamingResponse(begun(blocks), headers=headers)


def _by_row(runtime: "Runtime", job: Job, parts: Sequence[Part]) -> Iterable[bytes]:
    """Return the outcome in the order of the rows: sealed parts have it, others are put into it."""
    if job.status is JobStatus.COMPLETED:
        return stream_records(runtime.objects, parts)
    bodies = sort_outcome(runtime.objects, parts, f"jobs/{job.id}/scratch/errors-{token_hex(8)}")
    return (body.body for body in bodies)


def _dialect(runtime: "Runtime", key: str, criteria: UploadCriteria) -> Dialect:
    """Return how the user's CSV is written, so that the same metaData fits again; else UTF-8 with commas."""
    if criteria.format != "csv":
        return Dialect(encoding=Encoding(name="utf-8"), delimiter=",")
    found = encoding_of(first_block(runtime.objects, key), criteria.encoding)
    return Dialect(encoding=found, delimiter=delimiter_of(criteria.column_delimiter))
