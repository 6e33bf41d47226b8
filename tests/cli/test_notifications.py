"""What a job tells, and what a tenant sets, from the command line."""

import json

from tests.api.kit import Served
from tests.cli.conftest import Command

HOOK = "https://hooks.orchard.test/b"


def test_a_jobs_notifications_are_shown_and_sent_once_more(api: Served, bulkhead: Command) -> None:
    api.connected("rest")
    bulkhead("tenant", "notify", HOOK)
    receipt = api.client.download({"connection": "rest", "objectName": "items", "limit": 2})
    api.run(receipt.id)
    [told] = json.loads(bulkhead("notifications", str(receipt.id), "--json").out)

    again = bulkhead("redeliver", str(receipt.id), str(told["id"]), "--json")

    assert json.loads(again.out)["webhookId"] == told["webhookId"]
    assert HOOK in bulkhead("tenant", "show").out
    assert "job.completed" in bulkhead("notifications", str(receipt.id)).out


def test_the_webhook_secret_is_shown_and_renewed(api: Served, bulkhead: Command) -> None:
    old = bulkhead("tenant", "secret").out.strip()

    renewed = bulkhead("tenant", "secret", "--renew", "--overlap", "60").out.splitlines()

    assert old.startswith("whsec_")
    assert len(renewed) == 2
    assert renewed[1].startswith(f"{old} until ")


def test_a_tenant_may_want_no_notifications(api: Served, bulkhead: Command) -> None:
    api.client.set_notification_url(HOOK)

    bulkhead("tenant", "notify", "none")

    assert api.client.tenant() == {"notificationUrl": None}
