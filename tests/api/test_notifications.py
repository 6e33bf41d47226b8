"""Notifications can be looked at and sent once more; a tenant sets where they go, and what signs them."""

import httpx
import pytest

from tests.api.kit import Served

CRITERIA = {"connection": "rest", "objectName": "items", "limit": 3}
HOOK = "https://hooks.orchard.test/b"


def a_job(api: Served, **criteria: str) -> int:
    """Let a job come to its end; return its id."""
    api.connected("rest")
    receipt = api.client.download(CRITERIA | criteria)
    api.run(receipt.id)
    return receipt.id


def test_a_job_shows_what_it_tells_and_how_that_went(everywhere: Served) -> None:
    job_id = a_job(everywhere, notificationUrl=HOOK)
    outbox = everywhere.workshop.store.outbox
    claimed = outbox.claim(outbox.due()[0])
    assert claimed is not None
    outbox.mark(claimed, status=500, cause=None)

    [told] = everywhere.client.notifications(job_id).items

    assert (told["kind"], told["url"], told["state"]) == ("job.completed", HOOK, "given_up")
    assert [(each["number"], each["status"]) for each in told["attempts"]] == [(1, 500)]
    assert everywhere.client.status(job_id)["links"]["notifications"] == f"/bulk/{job_id}/notifications"


def test_a_notification_is_sent_once_more_under_its_old_id(everywhere: Served) -> None:
    job_id = a_job(everywhere, notificationUrl=HOOK)
    outbox = everywhere.workshop.store.outbox
    claimed = outbox.claim(outbox.due()[0])
    assert claimed is not None
    outbox.mark(claimed, status=204, delivered=True)

    again = everywhere.client.redeliver(job_id, claimed.id)

    assert (again["webhookId"], again["state"]) == (claimed.webhook_id, "waiting")
    assert outbox.due() == [claimed.id]


@pytest.mark.parametrize("number", ["0", "999999", "x", "9" * 30])
def test_a_notification_that_is_not_there_is_missing(api: Served, number: str) -> None:
    job_id = a_job(api)

    answer = api.http.post(f"/bulk/{job_id}/notifications/{number}/redeliver")

    assert (answer.status_code, answer.json()["field"]) == (404, "notification")


def test_a_tenants_own_address_is_used_where_a_job_names_none(api: Served) -> None:
    before = api.client.tenant()
    api.client.set_notification_url(HOOK)

    job_id = a_job(api)

    assert before == {"notificationUrl": None}
    assert api.client.tenant() == {"notificationUrl": HOOK}
    assert [each["url"] for each in api.client.notifications(job_id).items] == [HOOK]


def test_the_webhook_secret_changes_with_an_overlap(everywhere: Served) -> None:
    [old] = everywhere.client.webhook_secrets()

    new, retiring = everywhere.client.renew_webhook_secret(overlap_seconds=60)

    assert old["secret"].startswith("whsec_")
    assert (retiring["secret"], new["signsUntil"]) == (old["secret"], None)
    assert retiring["signsUntil"] is not None
    assert everywhere.client.webhook_secrets() == [new, retiring]


def test_a_repeated_renewal_makes_no_second_secret_and_keeps_none(api: Served) -> None:
    api.client.webhook_secrets()

    first = api.client.renew_webhook_secret(idempotency_key="again")
    second = api.client.renew_webhook_secret(idempotency_key="again")

    assert first == second
    assert len(second) == 2


def test_only_an_admin_sees_the_webhook_secret(api: Served) -> None:
    headers = {"Authorization": f"Bearer {api.key_with('read', 'submit')}"}

    with httpx.Client(base_url=api.url, headers=headers, trust_env=False) as http:
        answers = [
            http.get("/tenant/webhook-secrets"),
            http.post("/tenant/webhook-secrets"),
            http.patch("/tenant", json={"notificationUrl": None}),
        ]

    assert [(each.status_code, each.json()["code"]) for each in answers] == [(403, "scope_missing")] * 3


WRONG = [
    ({"notificationUrl": "ftp://x.test"}, "invalid", "notificationUrl"),
    ({}, "missing_field", "notificationUrl"),
    ({"notificationURL": HOOK}, "unknown_field", "notificationURL"),
]


@pytest.mark.parametrize(("body", "code", "field"), WRONG, ids=[str(each[0]) for each in WRONG])
def test_a_wrong_setting_is_refused_by_field(steady: Served, body: dict[str, str], code: str, field: str) -> None:
    answer = steady.http.patch("/tenant", json=body)

    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, code, field), answer.text
