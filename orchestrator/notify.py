"""The outbox becomes signed webhooks (Standard Webhooks): at least once, with growing waits over a day.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
import msgspec

from orchestrator.http.wires import ENOUGH
from orchestrator.job.errors import OrchestratorError
from orchestrator.store.outbox import Notification, Outbox

log = logging.getLogger(__name__)

WAITS = (5, 30, 120, 600, 1800, 3600, 7200, 14400, 21600, 28800)  # s; 22 h in all
ACCEPTED = range(200, 300)
HEARD = 4096  # bytes of an answer; nobody reads them, the status is what counts
GONE = 410  # the receiver wants nothing any more (Standard Webhooks, "Disabling endpoints")


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """How an attempt went; `status` None: there was no answer."""

    status: int | None
    cause: str | None = None

    @property
    def delivered(self) -> bool:
        """Whether the receiver has taken it."""
        return self.status in ACCEPTED


class Notifier:
    """Delivers notifications. `keys` returns what signs a tenant's, the latest first; `now` is the time signed."""

    def __init__(
        self,
        outbox: Outbox,
        *,
        client: Callable[[], httpx.Client],
        keys: Callable[[int], Sequence[bytes]],
        now: Callable[[], datetime],
    ) -> None:
        self._outbox = outbox
        self._client = client
        self._keys = keys
        self._now = now

    def deliver(self) -> int:
        """Send what is due, each once; return how many were taken."""
        taken = 0
        for notification_id in self._outbox.due():
            notification = self._outbox.claim(notification_id)
            if notification is not None:
                taken += 1
                self._settle(notification, self._try(notification))
        return taken

    def _settle(self, notification: Notification, attempt: Attempt) -> None:
        told = {"id": notification.webhook_id, "delivered": attempt.delivered, "status": attempt.status}
        log.info("webhook.sent", extra=told)
        self._outbox.mark(
            notification,
            delivered=attempt.delivered,
            again_in=None if attempt.delivered or attempt.status == GONE else _next(notification),
            status=attempt.status,
            cause=attempt.cause,
        )

    def _try(self, notification: Notification) -> Attempt:
        body = msgspec.json.encode(notification.body)
        try:
            headers = self._headers(notification, body)
            extensions = {ENOUGH: HEARD}
            answer = self._client().post(notification.url, content=body, headers=headers, extensions=extensions)
        except (httpx.HTTPError, httpx.InvalidURL, OrchestratorError) as error:
            return Attempt(status=None, cause=f"{type(error).__name__}: {error}")
        if answer.is_redirect:
            return Attempt(status=answer.status_code, cause="a redirect, which is not followed")
        return Attempt(status=answer.status_code)

    def _headers(self, notification: Notification, body: bytes) -> dict[str, str]:
        keys = self._keys(notification.tenant_id)
        stamp = str(int(self._now().timestamp()))
        signed = f"{notification.webhook_id}.{stamp}.".encode() + body
        return {
            "Content-Type": "application/json",
            "webhook-id": notification.webhook_id,
            "webhook-timestamp": stamp,
            "webhook-signature": " ".join(f"v1,{_mac(key, signed)}" for key in keys),
            "Elements-Webhook-Signature": f"sha256={_mac(keys[0], body)}",
        }


def _mac(key: bytes, data: bytes) -> str:
    return base64.b64encode(hmac.new(key, data, hashlib.sha256).digest()).decode()


def _next(notification: Notification) -> timedelta | None:
    """Return the wait before the next try; None: it was the last one."""
    tried = notification.attempts - notification.attempts_before
    return timedelta(seconds=WAITS[tried - 1]) if tried <= len(WAITS) else None
