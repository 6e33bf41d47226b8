"""Notifications, and what a tenant sets for all of them."""

from typing import Any

from orchestrator.client.calls import Calls, Json, Page, repeatable


class NotificationCalls(Calls):
    """What concerns notifications."""

    def notifications(self, job_id: int, *, after: int | str = 0, size: int = 200) -> Page:
        """Return what the job has told its receiver, with every attempt."""
        return self._page(f"/bulk/{job_id}/notifications", {"id[gt]": after, "pageSize": size})

    def redeliver(self, job_id: int, notification_id: int, *, idempotency_key: str | None = None) -> Json:
        """Send a notification once more, under its old webhook id."""
        route = f"/bulk/{job_id}/notifications/{notification_id}/redeliver"
        return self._json("POST", route, headers=repeatable(idempotency_key))

    def tenant(self) -> Json:
        """Return what the tenant has set."""
        return self._json("GET", "/tenant")

    def set_notification_url(self, url: str | None) -> Json:
        """Set where notifications go by default; None: nowhere."""
        return self._json("PATCH", "/tenant", json={"notificationUrl": url})

    def webhook_secrets(self) -> list[Any]:
        """Return the secrets that sign notifications now, the latest first."""
        found: list[Any] = self._send("GET", "/tenant/webhook-secrets").json()
        return found

    def renew_webhook_secret(self, *, overlap_seconds: int = 86_400, idempotency_key: str | None = None) -> list[Any]:
        """Make a new secret; the old one signs beside it for a while. Return those that sign now."""
        body, headers = {"overlapSeconds": overlap_seconds}, repeatable(idempotency_key)
        found: list[Any] = self._send("POST", "/tenant/webhook-secrets", json=body, headers=headers).json()
        return found
