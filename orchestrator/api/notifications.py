"""What a job has told its receiver, attempt by attempt, and telling it once more."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from orchestrator.api.auth import Reader, Submitter
from orchestrator.api.idempotency import Answer, Keep, Once
from orchestrator.api.paging import PAGING, Paged, mark, only
from orchestrator.api.state import JobId, runtime_of, whole_id
from orchestrator.store.outbox import Delivery, Notification
from orchestrator.store.status_body import millis

router = APIRouter(prefix="/bulk", tags=["notifications"])


@router.get("/{job_id}/notifications", dependencies=[Depends(only(*PAGING))])
def notifications(
    request: Request, response: Response, who: Reader, job_id: JobId, paging: Paged
) -> list[dict[str, Any]]:
    """List the job's notifications, oldest first, each with every attempt to deliver it."""
    store = runtime_of(request).store
    job = store.jobs.get(who.tenant_id, job_id)
    found = store.outbox.of_job(job.id, after=paging.after, size=paging.size)
    attempts = store.outbox.deliveries([each.id for each in found])
    mark(response, len(found), next_token=found[-1].id if len(found) == paging.size else None)
    return [_shown(each, attempts[each.id]) for each in found]


@router.post("/{job_id}/notifications/{number}/redeliver", status_code=202, dependencies=[Depends(only())])
def redeliver(request: Request, who: Submitter, job_id: JobId, number: str, once: Once) -> Response:
    """Send a notification once more, under its old `webhook-id`; its waits begin anew."""

    def work(_: Keep) -> Answer:
        store = runtime_of(request).store
        job = store.jobs.get(who.tenant_id, job_id)
        again = store.outbox.redeliver(job.id, whole_id("notification", number))
        return Answer(status=202, body=_shown(again, store.outbox.deliveries([again.id])[again.id]))

    return once({}, work)


def _shown(notification: Notification, attempts: Sequence[Delivery]) -> dict[str, Any]:
    return {
        "id": notification.id,
        "webhookId": notification.webhook_id,
        "kind": notification.kind,
        "url": notification.url,
        "state": _state(notification),
        "createdDate": millis(notification.created_at),
        "deliveredDate": millis(notification.delivered_at),
        "nextAttempt": millis(notification.due_at),
        "attempts": [_attempt(each) for each in attempts],
    }


def _state(notification: Notification) -> str:
    if notification.delivered_at is not None:
        return "delivered"
    return "waiting" if notification.due_at is not None else "given_up"


def _attempt(delivery: Delivery) -> dict[str, Any]:
    return {
        "number": delivery.number,
        "began": millis(delivery.began_at),
        "ended": millis(delivery.ended_at),
        "status": delivery.status,
        "cause": delivery.cause,
    }
