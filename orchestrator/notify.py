"""The outbox becomes signed webhooks (Standard Webhooks): at least once, with growing waits over 24 h.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

import httpx
import msgspec

from orchestrator.store.outbox import Notification, Outbox

log = logging.getLogger(__name__)

WAITS = (5, 30, 120, 600, 1800, 3600, 7200, 14400, 21600, 28800)  # s; 22 h in all
ACCEPTED = range(200, 300)


class Notifier:
    """Delivers notifications. `secret` returns a tenant's signing secret; `now` is the time that is signed."""

    def __init__(
        self,
        outbox: Outbox,
        *,
        client: Callable[[], httpx.Client],
        secret: Callable[[int], bytes],
        now: Callable[[], datetime],
    ) -> None:
        self._outbox = outbox
        self._client = client
        self._secret = secret
        self._now = now

    def deliver(self) -> int:
        """Send what is due, each once; return how many were taken."""
        taken = 0
        for notification_id in self._outbox.due():
            notification = self._outbox.claim(notification_id)
            if notification is not None:
                taken += 1
                self._send(notification)
        return taken

    def _send(self, notification: Notification) -> None:
        body = msgspec.json.encode(notification.body)
        try:
            answer = self._client().post(notification.url, content=body, headers=self._headers(notification, body))
            delivered = answer.status_code in ACCEPTED
            cause = str(answer.status_code)
        except httpx.HTTPError as error:
            delivered, cause = False, type(error).__name__
        log.info("webhook.sent", extra={"id": notification.webhook_id, "delivered": delivered, "cause": cause})
        self._outbox.mark(notification.id, delivered=delivered, again_in=_next(notification) if not delivered else None)

    def _headers(self, notification: Notification, body: bytes) -> dict[str, str]:
        secret = self._secret(notification.tenant_id)
        stamp = str(int(self._now().timestamp()))
        signed = f"{notification.webhook_id}.{stamp}.".encode() + body
        return {
            "Content-Type": "application/json",
            "webhook-id": notification.webhook_id,
            "webhook-timestamp": stamp,
            "webhook-signature": f"v1,{_mac(secret, signed)}",
            "Elements-Webhook-Signature": f"sha256={_mac(secret, body)}",
        }


def _mac(secret: bytes, data: bytes) -> str:
    return base64.b64encode(hmac.new(secret, data, hashlib.sha256).digest()).decode()


def _next(notification: Notification) -> timedelta | None:
    """Return the wait before the next try; None: it was the last one."""
    tried = notification.attempts
    return timedelta(seconds=WAITS[tried - 1]) if tried <= len(WAITS) else None
