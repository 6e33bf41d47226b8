"""Nothing crosses tenants: every route is tried with another's ids, without a key, and with too small a scope."""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from orchestrator.api.app import make_app
from orchestrator.store.tables import metadata
from tests.api.kit import Served, runtime_of

OPEN = ("/health/", "/errors")  # for everybody
CRITERIA = {"connection": "rest", "objectName": "items", "limit": 3}
METADATA = {"connection": "rest", "objectName": "items", "operation": "insert"}
BODIES: Mapping[tuple[str, str], Any] = {
    ("post", "/bulk/download"): CRITERIA,
    ("post", "/bulk/upload"): {"metaData": METADATA, "data": [{}]},
    ("post", "/schedules"): {"name": "own", "everySeconds": 60, "criteria": CRITERIA},
    ("post", "/connections"): {"name": "own", "provider": "rest", "credentials": {"type": "none"}},
    ("put", "/connections/{name}/vendor-jobs/{vendor_job}"): {"state": "Aborted"},
}
NAMES = {"name": "rest", "number": "1", "code": "internal"}
OWN = ("/tenant", "/bulk/jobs")  # what a tenant has itself


def routes(api: Served) -> list[tuple[str, str]]:
    """Return method and path of every route that needs a key."""
    paths = make_app(runtime_of(api.workshop)).openapi()["paths"]
    every = [(method, path) for path, methods in paths.items() for method in methods]
    return [(method, path) for method, path in every if not path.startswith(OPEN)]


def filled(path: str, job_id: int) -> str:
    """Return the path with the ids of acme's things."""
    if path.startswith("/schedules"):
        return path.replace("{name}", "often")
    names = {**NAMES, "job_id": str(job_id)}
    parts = [names.get(each[1:-1], "1") if each.startswith("{") else each for each in path.split("/")]
    return "/".join(parts)


def call(http: httpx.Client, method: str, path: str, job_id: int) -> httpx.Response:
    """Send a request that its route would take."""
    body = {} if method == "get" else {"json": BODIES.get((method, path), {})}
    return http.request(method.upper(), filled(path, job_id), **body)


@pytest.fixture
def job_id(api: Served) -> int:
    """A finished job of acme's, with a connection, a schedule and a notification."""
    api.connect()
    api.client.add_schedule({"name": "often", "everySeconds": 90, "criteria": CRITERIA})
    receipt = api.client.download(CRITERIA | {"notificationUrl": "https://hooks.orchard.test/b"})
    api.run(receipt.id)
    return receipt.id


@pytest.fixture
def stranger(api: Served) -> Iterator[httpx.Client]:
    """An admin of another tenant."""
    headers = {"Authorization": f"Bearer {api.key_with('admin', tenant='globex')}"}
    with httpx.Client(base_url=api.url, headers=headers, trust_env=False, timeout=30) as http:
        yield http


def everything(api: Served) -> dict[str, Any]:
    """Return all rows of all tables but the stranger's own and those of keys."""
    shown = {}
    for name, table in metadata.tables.items():
        if name not in {"tenants", "api_keys", "idempotency_keys", "webhook_secrets"}:
            shown[name] = [str(row) for row in api.workshop.rows(table.select())]
    return shown


def test_every_route_is_blind_for_the_things_of_others(api, job_id, stranger):
    before = everything(api)
    answers = {}

    for method, path in routes(api):
        if "{" in path:
            answers[method, path] = call(stranger, method, path, job_id)

    seen = {route: answer.text for route, answer in answers.items() if answer.status_code != 404}
    assert seen == {}
    assert len(answers) > 20
    assert everything(api) == before


def test_lists_show_nothing_of_others(api, job_id, stranger):
    lists = [path for method, path in routes(api) if method == "get" and "{" not in path and path != "/tenant"]

    shown = {path: stranger.get(path).json() for path in lists if "webhook-secrets" not in path}

    assert set(shown) >= {"/bulk/jobs", "/connections", "/schedules"}
    assert all(found == [] for found in shown.values())


def test_nothing_is_started_with_the_connection_of_another(api, job_id, stranger):
    started = [call(stranger, "post", path, job_id) for path in ("/bulk/download", "/bulk/upload", "/schedules")]

    assert [(each.status_code, each.json()["code"]) for each in started] == [(422, "unknown_connection")] * 3


def test_no_route_answers_without_a_key(api, job_id):
    with httpx.Client(base_url=api.url, trust_env=False) as nobody:
        answers = {route: call(nobody, *route, job_id).status_code for route in routes(api)}

    assert {route: status for route, status in answers.items() if status != 401} == {}


def test_a_key_that_only_reads_changes_nothing(api, job_id):
    headers = {"Authorization": f"Bearer {api.key_with('read')}"}
    before = everything(api)

    with httpx.Client(base_url=api.url, headers=headers, trust_env=False) as reader:
        answers = {route: call(reader, *route, job_id).status_code for route in routes(api) if route[0] != "get"}

    assert {route: status for route, status in answers.items() if status != 403} == {}
    assert everything(api) == before


def test_a_revoked_key_is_no_key(api):
    text = api.key_with("read")
    keys, tenant = api.workshop.store.keys, api.workshop.tenant
    headers = {"Authorization": f"Bearer {text}"}

    with httpx.Client(base_url=api.url, headers=headers, trust_env=False) as http:
        before = http.get("/bulk/jobs").status_code
        keys.revoke(tenant.id, keys.list(tenant.id)[-1].id)
        after = http.get("/bulk/jobs").status_code

    assert (before, after) == (200, 401)
