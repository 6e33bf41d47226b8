"""Secrets are planted everywhere, and nothing that a run leaves behind, shows or answers holds one of them."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from orchestrator.api.app import make_app
from orchestrator.lifecycle.webhook_desk import WebhookDesk
from orchestrator.notify import Notifier
from orchestrator.secrets import hash_api_key
from orchestrator.store.tables import metadata
from tests.api.kit import Served, runtime_of
from tests.lifecycle.workshop import ITEMS

CANARIES = {
    "token that works": "sandbox-key",
    "token that is refused": "canary-token-1f0a",
    "client secret": "canary-client-7be2",
    "refresh token": "canary-refresh-90cd",
    "password": "canary-password-55aa",
    "private key": "canary-private-e3e3",
    "header value": "canary-header-2d2d",
}
CLOSED = "https://127.0.0.9:1/hook"  # nobody listens there, and it may not be called
OAUTH = {"tokenUrl": "https://127.0.0.9:1/token", "clientId": "c", "clientSecret": CANARIES["client secret"]}
CREDENTIALS = {
    "refused": {"type": "bearer", "token": CANARIES["token that is refused"]},
    "basic": {"type": "basic", "username": "u", "password": CANARIES["password"]},
    "header": {"type": "api_key", "in": "query", "name": "key", "value": CANARIES["header value"]},
    "refreshing": {"type": "oauth2_refresh", "refreshToken": CANARIES["refresh token"], **OAUTH},
    "client": {"type": "oauth2_client", **OAUTH},
}
WRONG: list[dict[str, Any]] = [
    {"type": "bearer", "tokn": CANARIES["token that is refused"]},
    {"type": "bearer", "token": [CANARIES["token that is refused"]]},
    {"type": CANARIES["token that is refused"], "token": "x"},
    {"type": "jwt_bearer", "clientId": "c", "username": "u", "privateKey": CANARIES["private key"]},
    {"type": "oauth2_refresh", "refreshToken": CANARIES["refresh token"], **OAUTH, "tokenUrl": "ftp://x"},
]


def asked(api: Served) -> Iterator[httpx.Response]:
    """Use every kind of credentials, right and wrong, and yield the answers."""
    rest = {"provider": "rest", "baseUrl": api.workshop.sandbox.url, "settings": ITEMS}
    for name, credentials in CREDENTIALS.items():
        yield api.http.post("/connections", json={"name": name, "credentials": credentials, **rest})
        yield api.http.post(f"/connections/{name}/check")
    for number, credentials in enumerate(WRONG):
        body = {"name": f"w{number}", "credentials": credentials, **rest}
        yield api.http.post("/connections", json=body)
        yield api.http.post("/connections", content=json.dumps(body)[:-1])  # cut off
        yield api.http.post("/schedules", json=body)
    canary = CANARIES["token that is refused"]
    for header in (canary, f"Bearer {canary}", f"Basic {canary}"):
        yield api.http.get("/bulk/jobs", headers={"Authorization": header})


def ran(api: Served) -> None:
    """Run a job with each connection, with a notification that cannot be delivered, and deliver it."""
    for name in ("rest", *CREDENTIALS):
        criteria = {"connection": name, "objectName": "items", "limit": 5, "notificationUrl": CLOSED}
        receipt = api.client.download(criteria, idempotency_key=name)
        for _ in range(3):
            api.workshop.round()
        if api.client.status(receipt.id)["jobStatus"] == "STARTED":
            api.client.cancel(receipt.id)
    desk = WebhookDesk(api.workshop.store.tenants, api.workshop.keyring)
    client = api.workshop.pool.token_client
    Notifier(api.workshop.store.outbox, client=client, keys=desk.keys, now=api.workshop.time_told.now).deliver()


def looked(api: Served) -> Iterator[str]:
    """Yield what every GET of every job, connection and schedule answers, and OpenAPI itself."""
    app = make_app(runtime_of(api.workshop))
    yield json.dumps(app.openapi())
    ids = [str(each["id"]) for each in api.client.jobs().items]
    for path in app.openapi()["paths"]:
        values = ids if "{job_id}" in path else list(CREDENTIALS)
        for value in values if "{" in path and "webhook-secrets" not in path else ():
            filled = path.replace("{job_id}", value).replace("{name}", value).replace("{code}", "internal")
            yield api.http.get(filled, params={"partial": "true"} if path.endswith("{job_id}") else {}).text


def kept(api: Served) -> Iterator[str]:
    """Yield every row of every table, and every object."""
    for table in metadata.tables.values():
        yield from (str(dict(row)) for row in api.workshop.rows(table.select()))
    for prefix in ("jobs/", "inputs/"):
        yield from (api.workshop.objects.get(each.key).decode() for each in api.workshop.objects.list(prefix))


def test_no_secret_is_left_anywhere(everywhere: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    everywhere.connect()
    [signing] = [each["secret"].removeprefix("whsec_") for each in everywhere.client.webhook_secrets()]

    answers = [answer.text for answer in asked(everywhere)]
    ran(everywhere)

    secrets = CANARIES | {"API key": everywhere.key, "webhook secret": signing}
    logs = [f"{record.getMessage()} {vars(record)}" for record in caplog.records]
    places = {"answers": answers, "views": looked(everywhere), "rows": kept(everywhere), "logs": logs}
    found = [
        (secret, where, text[:300])
        for where, texts in places.items()
        for text in texts
        for secret, value in secrets.items()
        if value in text
    ]
    stories = {each["jobStatus"] for each in everywhere.client.jobs().items}
    assert found == []
    assert stories >= {"COMPLETED", "ABORTED", "CANCELED"}
    assert hash_api_key(everywhere.key) in "".join(kept(everywhere))
