"""Jobs: start, list, look, stop and go on."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from orchestrator import ceql
from orchestrator.api.auth import Reader, Submitter
from orchestrator.api.continuing import continued
from orchestrator.api.criteria import connection_of, download_criteria
from orchestrator.api.idempotency import Answer, Keep, Once
from orchestrator.api.paging import PAGING, Paged, mark, only
from orchestrator.api.sight import seen
from orchestrator.api.state import JobId, named_connection, runtime_of
from orchestrator.api.strict import suggestion
from orchestrator.api.wire import DownloadBody, RestartBody
from orchestrator.job.errors import Invalid
from orchestrator.job.record import Job
from orchestrator.job.status import Direction, JobStatus
from orchestrator.store.status_body import list_item, receipt, status_body

router = APIRouter(prefix="/bulk", tags=["jobs"])


@router.post("/download", status_code=202, dependencies=[Depends(only())])
def start_download(request: Request, who: Submitter, body: DownloadBody, once: Once) -> Response:
    """Start a download; the answer comes at once, the job goes on by itself."""

    def submit(keep: Keep) -> Answer:
        runtime = runtime_of(request)
        wanted, earlier = continued(runtime, who.tenant_id, body)
        connection = named_connection(runtime, who.tenant_id, connection_of(wanted))
        job = runtime.lifecycle.submit_download(
            connection,
            download_criteria(wanted),
            dict(wanted.sent),
            earlier=earlier,
            also=lambda transaction, job_id: keep(transaction, accepted(connection.id, job_id)),
        )
        return accepted(connection.id, job.id)

    return once(body.sent, submit)


def accepted(connection_id: int, job_id: int) -> Answer:
    """Return the 202 answer to a submit, with the address of its status."""
    return Answer(
        status=202,
        body=receipt(connection_id, job_id, JobStatus.CREATED),
        headers={"Location": f"/bulk/{job_id}/status"},
    )


def moved(job: Job) -> dict[str, Any]:
    """Return the answer to a cancel, pause, resume or restart."""
    return receipt(job.connection_id, job.id, job.status)


@router.get("/jobs", dependencies=[Depends(only(*PAGING, "status", "direction", "connection", "objectName", "where"))])
def list_jobs(
    request: Request,
    response: Response,
    who: Reader,
    paging: Paged,
    status: Annotated[str | None, Query(description="CREATED, STARTED, RUNNING, …")] = None,
    direction: Annotated[str | None, Query(description="DOWNLOAD or UPLOAD")] = None,
    connection: Annotated[str | None, Query(description="Name or instanceId")] = None,
    object_name: Annotated[str | None, Query(alias="objectName")] = None,
    where: Annotated[str | None, Query(description="A filter, like jobStatus = 'RUNNING' AND recordCount > 0")] = None,
) -> list[dict[str, Any]]:
    """List jobs, oldest first."""
    runtime = runtime_of(request)
    found = runtime.store.jobs.list(
        who.tenant_id,
        after=paging.after,
        size=paging.size,
        status=_word(JobStatus, "status", status),
        direction=_word(Direction, "direction", direction),
        connection_id=None if connection is None else named_connection(runtime, who.tenant_id, connection).id,
        object_name=object_name,
        where=None if where is None else ceql.parse(where),
    )
    mark(response, len(found), next_token=found[-1].id if len(found) == paging.size else None)
    return [list_item(job) for job in found]


def _word(words: Any, name: str, given: str | None) -> Any:
    if given is None:
        return None
    try:
        return words(given.upper())
    except ValueError:
        raise Invalid(name, f"{given[:40]} is not known", suggestion(given, words), code="unknown_status") from None


@router.get("/{job_id}/status", dependencies=[Depends(only())])
def status(request: Request, who: Reader, job_id: JobId) -> dict[str, Any]:
    """Return how far a job has come, and why it does not move if it does not."""
    runtime = runtime_of(request)
    job = runtime.store.jobs.get(who.tenant_id, job_id)
    return status_body(job, seen(runtime, job))


@router.put("/{job_id}/cancel", dependencies=[Depends(only())])
def cancel(request: Request, who: Submitter, job_id: JobId) -> dict[str, Any]:
    """Stop a job for good; a canceled one stays as it is."""
    return moved(runtime_of(request).lifecycle.cancel(who.tenant_id, job_id))


@router.put("/{job_id}/pause", dependencies=[Depends(only())])
def pause(request: Request, who: Submitter, job_id: JobId) -> dict[str, Any]:
    """Make no further vendor call, keep everything."""
    return moved(runtime_of(request).lifecycle.pause(who.tenant_id, job_id))


@router.put("/{job_id}/resume", dependencies=[Depends(only())])
def resume(request: Request, who: Submitter, job_id: JobId) -> dict[str, Any]:
    """Let a paused job go on."""
    return moved(runtime_of(request).lifecycle.resume(who.tenant_id, job_id))


@router.put("/v3/{job_id}/restart", dependencies=[Depends(only())])
@router.put("/{job_id}/restart", dependencies=[Depends(only())])
def restart(request: Request, who: Submitter, job_id: JobId, body: RestartBody | None = None) -> dict[str, Any]:
    """Let an ABORTED or THROTTLED job go on where it stopped, perhaps with a higher apiLimit."""
    api_limit = body.api_limit if body is not None else None
    return moved(runtime_of(request).lifecycle.restart(who.tenant_id, job_id, api_limit))
