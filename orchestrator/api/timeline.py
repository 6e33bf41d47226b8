"""What happened to a job, in pages or as it happens: server-sent events (https://html.spec.whatwg.org, 9.2)."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from anyio import sleep, to_thread
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from orchestrator.api.auth import Reader
from orchestrator.api.paging import PAGING, Paged, Paging, mark, only, paging
from orchestrator.api.state import JobId, runtime_of
from orchestrator.job.record import Job
from orchestrator.job.status import JobStatus
from orchestrator.store.events import PastEvent
from orchestrator.store.status_body import millis

if TYPE_CHECKING:
    from orchestrator.runtime import Runtime

router = APIRouter(prefix="/bulk", tags=["results"])

EVENT_STREAM = "text/event-stream"
ENDED = frozenset({JobStatus.COMPLETED, JobStatus.CANCELED, JobStatus.ABORTED})
LOOK_EVERY = timedelta(milliseconds=500)
QUIET = 30  # looks without an event, then a comment: proxies cut what is silent for a minute
LONGEST = 1200  # looks; a client comes back with Last-Event-ID, so nobody is followed for ever
_EVENT = {  # one event of the stream, as its lines are named; `data` is the event as JSON
    "type": "object",
    "properties": {"id": {"type": "string"}, "event": {"type": "string"}, "data": {"type": "string"}},
}
_STREAM_TOO: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
            EVENT_STREAM: {"schema": _EVENT},
        }
    },
    204: {"description": "followed to its end: do not come back"},
}


@router.get("/{job_id}/events", dependencies=[Depends(only(*PAGING, "follow"))], responses=_STREAM_TOO)
def events(
    request: Request,
    who: Reader,
    job_id: JobId,
    page: Paged,
    follow: Annotated[bool, Query(description="Stream what comes, until the job has ended")] = False,
    last: Annotated[str | None, Header(alias="Last-Event-ID", description="Go on behind this event")] = None,
) -> Response:
    """List the job's timeline: every phase change, wait, retry, vendor error and restart; or follow it."""
    runtime = runtime_of(request)
    job = runtime.store.jobs.get(who.tenant_id, job_id)
    if follow:
        return _followed(runtime, job, _behind(page, last))
    found = runtime.store.events.list(job.id, after=page.after, size=page.size)
    answer = JSONResponse([_event(each) for each in found])
    mark(answer, len(found), next_token=found[-1].id if len(found) == page.size else None)
    return answer


def _behind(page: Paging, last: str | None) -> Paging:
    return page if last is None else Paging(after=paging(last).after, size=page.size)


def _followed(runtime: "Runtime", job: Job, page: Paging) -> Response:
    if job.status in ENDED and not runtime.store.events.list(job.id, after=page.after, size=1):
        return Response(status_code=204)  # tells a browser's EventSource not to come back
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_stream(runtime, job.id, page), media_type=EVENT_STREAM, headers=headers)


async def _stream(runtime: "Runtime", job_id: int, page: Paging) -> AsyncIterator[bytes]:
    after, quiet = page.after, 0
    for _ in range(LONGEST):
        found, ended = await to_thread.run_sync(_look, runtime, job_id, after, page.size)
        for each in found:
            yield _told(each)
            after = each.id
        if ended and not found:
            return
        quiet = 0 if found else quiet + 1
        if quiet == QUIET:
            quiet = 0
            yield b": still here\n\n"
        if not found:
            await sleep(LOOK_EVERY.total_seconds())


def _look(runtime: "Runtime", job_id: int, after: int, size: int) -> tuple[Sequence[PastEvent], bool]:
    """Return what is new, and whether the job had ended before that was read."""
    ended = runtime.store.jobs.by_id(job_id).status in ENDED
    return runtime.store.events.list(job_id, after=after, size=size), ended


def _told(event: PastEvent) -> bytes:
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (event.id, event.name.encode(), msgspec.json.encode(_event(event)))


def _event(event: PastEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "at": millis(event.at),
        "name": event.name,
        "data": dict(event.data),
        "stepId": event.step_id,
    }
