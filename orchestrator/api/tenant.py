"""What a tenant sets for itself: where notifications go by default, and the secrets that sign them."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from orchestrator.api.auth import Admin, Reader
from orchestrator.api.idempotency import REPLAYED, Answer, Keep, Once
from orchestrator.api.paging import only
from orchestrator.api.state import runtime_of
from orchestrator.api.wire import TenantBody, WebhookSecretBody
from orchestrator.lifecycle.webhook_desk import SigningSecret
from orchestrator.store.status_body import millis

router = APIRouter(prefix="/tenant", tags=["tenant"])


@router.get("", dependencies=[Depends(only())])
def show(request: Request, who: Reader) -> dict[str, Any]:
    """Return what the tenant has set."""
    return {"notificationUrl": runtime_of(request).store.tenants.notification_url(who.tenant_id)}


@router.patch("", dependencies=[Depends(only())])
def change(request: Request, who: Admin, body: TenantBody) -> dict[str, Any]:
    """Set where the notifications of jobs and schedules go that name no URL themselves; null: nowhere."""
    runtime_of(request).store.tenants.set_notification_url(who.tenant_id, body.notification_url)
    return show(request, who)


@router.get("/webhook-secrets", dependencies=[Depends(only())])
def secrets(request: Request, who: Admin) -> list[dict[str, Any]]:
    """Return the secrets that sign notifications now, the latest first; the first one is made at the first look."""
    return _shown(runtime_of(request).webhooks.show(who.tenant_id))


@router.post("/webhook-secrets", status_code=201, dependencies=[Depends(only())])
def renew(request: Request, who: Admin, once: Once, body: WebhookSecretBody | None = None) -> Response:
    """Make a new secret; the old one signs beside it for a while, so that receivers can change over."""
    wanted = body or WebhookSecretBody()

    def work(_: Keep) -> Answer:
        runtime_of(request).webhooks.renew(who.tenant_id, wanted.overlap_seconds)
        return Answer(status=201, body={"overlapSeconds": int(wanted.overlap_seconds.total_seconds())})

    done = once(wanted.sent, work)  # what is kept for a repeat holds no secret
    shown = Answer(status=201, body=_shown(runtime_of(request).webhooks.show(who.tenant_id)))
    return shown.response(replayed=REPLAYED in done.headers)


def _shown(found: Sequence[SigningSecret]) -> list[dict[str, Any]]:
    return [
        {"secret": each.text, "signsUntil": millis(each.signs_until), "createdDate": millis(each.created_at)}
        for each in found
    ]
