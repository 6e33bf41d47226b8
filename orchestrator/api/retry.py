"""Rows that did not go through, sent again as a job of their own."""

from fastapi import APIRouter, Depends, Request, Response

from orchestrator.api.auth import Submitter
from orchestrator.api.bulk import accepted
from orchestrator.api.idempotency import Answer, Keep, Once
from orchestrator.api.kept import kept_job
from orchestrator.api.paging import only
from orchestrator.api.state import JobId, named_connection, runtime_of
from orchestrator.api.wire import RetryBody
from orchestrator.lifecycle.retry import Only

router = APIRouter(prefix="/bulk", tags=["jobs"])


@router.post("/{job_id}/retry", status_code=202, dependencies=[Depends(only())])
def retry(request: Request, who: Submitter, job_id: JobId, once: Once, body: RetryBody | None = None) -> Response:
    """Start an upload of just the rows that did not go through; what was accepted is never sent again."""
    wanted = body or RetryBody()

    def submit(keep: Keep) -> Answer:
        runtime = runtime_of(request)
        job = kept_job(runtime, who.tenant_id, job_id)
        connection = named_connection(runtime, who.tenant_id, str(job.connection_id))
        new = runtime.retries.submit(
            connection,
            job,
            Only(wanted.only),
            also=lambda transaction, new_id: keep(transaction, accepted(connection.id, new_id)),
        )
        return accepted(connection.id, new.id)

    return once(dict(wanted.sent), submit)
