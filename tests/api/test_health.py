"""Readiness is proved by what works, and outages are told as outages."""

import re
import time

import httpx

from orchestrator.http.pool import ClientPool
from orchestrator.limits.memory import MemoryLimiter
from orchestrator.runtime import Runtime
from orchestrator.secrets import Keyring, generate
from orchestrator.settings import Settings
from orchestrator.store.engine import Database
from orchestrator.store.store import Store
from tests.api.kit import Served, add_key, listening
from tests.servers import free_port


def test_a_live_process_is_not_ready_until_a_worker_consumes(api: Served) -> None:
    live = httpx.get(f"{api.url}/health/live", trust_env=False)
    api.workshop.store.workers.beat("worker-1", ["p.rest"], 16)
    before = httpx.get(f"{api.url}/health/ready", trust_env=False)

    api.workshop.store.workers.prove("worker-1")

    after = httpx.get(f"{api.url}/health/ready", trust_env=False)
    assert live.status_code == 200
    assert (before.status_code, before.json()["checks"]["workers"]) == (503, "none consumes")
    assert (after.status_code, after.json()["status"]) == (200, "ready")


def test_a_job_is_accepted_within_a_second_while_the_broker_is_down(api: Served) -> None:
    api.connect()
    key = add_key(api.workshop, ("submit",))
    runtime = Runtime(
        Settings.load(broker_url=f"redis://127.0.0.1:{free_port()}/0"),
        store=api.workshop.store,
        objects=api.workshop.objects,
        limiter=MemoryLimiter(api.workshop.time_told),
        pool=ClientPool(),
        keyring=Keyring.from_text(generate()),
    )

    with listening(runtime) as url:
        began = time.monotonic()
        answer = httpx.post(
            f"{url}/bulk/download",
            json={"connection": "rest", "objectName": "items"},
            headers={"Authorization": f"Bearer {key}"},
            trust_env=False,
        )
        took = time.monotonic() - began

    assert answer.status_code == 202
    assert took < 1.0


def test_a_database_that_is_down_is_a_503_that_says_so(api: Served) -> None:
    nowhere = Store(Database(f"postgresql://nobody@127.0.0.1:{free_port()}/none"))
    runtime = Runtime(
        Settings.load(),
        store=nowhere,
        objects=api.workshop.objects,
        limiter=MemoryLimiter(api.workshop.time_told),
        pool=ClientPool(),
        keyring=Keyring.from_text(generate()),
    )

    with listening(runtime) as url:
        answer = httpx.get(f"{url}/bulk/jobs", headers={"Authorization": "Bearer x"}, trust_env=False)
        ready = httpx.get(f"{url}/health/ready", trust_env=False)

    assert (answer.status_code, answer.json()["code"]) == (503, "store_down")
    assert answer.headers["retry-after"] == "2"
    assert (ready.status_code, ready.json()["checks"]["database"]) == (503, "store_down")


def test_the_api_describes_itself(api: Served) -> None:
    page = httpx.get(f"{api.url}/docs", trust_env=False)
    described = httpx.get(f"{api.url}/openapi.json", trust_env=False).json()

    assert page.status_code == 200
    assert {"/bulk/download", "/bulk/upload", "/bulk/{job_id}/status", "/connections"} <= set(described["paths"])


def test_the_page_of_the_api_needs_nothing_from_elsewhere(api: Served) -> None:
    page = httpx.get(f"{api.url}/docs", trust_env=False)

    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)

    assert loaded
    assert all(address.startswith((api.url, "/")) for address in loaded)
    assert {httpx.get(httpx.URL(api.url).join(each), trust_env=False).status_code for each in loaded} == {200}
