"""The API on a real socket, over a workshop whose steps take their turns when the test says so."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import httpx
import uvicorn

from orchestrator.api.app import make_app
from orchestrator.api.door import Door
from orchestrator.client import Client
from orchestrator.job.record import Job
from orchestrator.lifecycle.limit_desk import LimitDesk
from orchestrator.lifecycle.planning import PlanDesk
from orchestrator.lifecycle.retry import RetryDesk
from orchestrator.lifecycle.vendor_batch_desk import VendorBatchDesk
from orchestrator.lifecycle.vendor_job_desk import VendorJobDesk
from orchestrator.lifecycle.webhook_desk import WebhookDesk
from orchestrator.runtime import Runtime
from orchestrator.secrets import new_api_key
from tests.lifecycle.workshop import ITEMS, Workshop
from tests.servers import eventually

ALL = ("read", "submit", "admin")


@dataclass
class Served:
    """A running API, and how to speak to it."""

    workshop: Workshop
    url: str
    key: str
    http: httpx.Client
    client: Client

    def key_with(self, *scopes: str, tenant: str = "acme") -> str:
        """Return a new API key."""
        return add_key(self.workshop, scopes, tenant)

    def connect(self, provider: str = "rest", **more: Any) -> dict[str, Any]:
        """Add a connection to the sandbox through the API."""
        token = "sandbox-key" if provider == "rest" else "sandbox-token"
        body: dict[str, Any] = {
            "name": provider,
            "provider": provider,
            "baseUrl": self.workshop.sandbox.url,
            "credentials": {"type": "bearer", "token": token},
            "limits": [{"kind": "rate", "amount": 600_000, "seconds": 60}],
        }
        if provider == "rest":
            body["settings"] = ITEMS
        return self.client.add_connection(body | more)

    def connected(self, *providers: str) -> "Served":
        """Return this API with connections to these providers, added at the first call."""
        names = {each["name"] for each in self.client.connections().items}
        for provider in providers:
            if provider not in names:
                self.connect(provider)
        return self

    def run(self, job_id: int) -> Job:
        """Let the job's steps take turns until it has settled, and not by a mistake of ours."""
        ended = self.workshop.run(self.workshop.store.jobs.by_id(job_id))
        assert ended.status != "ABORTED", self.workshop.story(ended)
        return ended

    def jobs(self) -> int:
        """Return how many jobs there are, of whomever."""
        from sqlalchemy import func, select

        from orchestrator.store.tables import jobs

        with self.workshop.database.read() as connection:
            return int(connection.execute(select(func.count()).select_from(jobs)).scalar_one())

    def inputs(self) -> list[str]:
        """Return the keys of all uploaded files."""
        return [each.key for each in self.workshop.objects.list("inputs/")]


def add_key(workshop: Workshop, scopes: tuple[str, ...], tenant: str = "acme") -> str:
    """Add an API key and return its text."""
    made = new_api_key()
    workshop.store.keys.add_key(workshop.store.keys.ensure_tenant(tenant).id, made.hash, scopes, "test")
    return made.text


def runtime_of(workshop: Workshop) -> Runtime:
    """Return what the API needs of a runtime; the workshop stands in for the rest."""
    limits = LimitDesk(workshop.store, workshop.vendors, workshop.limiter)
    parts = SimpleNamespace(
        store=workshop.store,
        objects=workshop.objects,
        lifecycle=workshop.lifecycle,
        retries=RetryDesk(workshop.store, workshop.objects, workshop.lifecycle),
        connections=workshop.desk,
        webhooks=WebhookDesk(workshop.store.tenants, workshop.keyring),
        vendor_jobs=VendorJobDesk(workshop.store, workshop.vendors),
        vendor_batches=VendorBatchDesk(workshop.store, workshop.vendors),
        limits=limits,
        plans=PlanDesk(workshop.vendors, limits, workshop.objects),
    )
    return cast(Runtime, parts)


@contextmanager
def served(workshop: Workshop) -> Iterator[Served]:
    """Serve the API on a free loopback port while the block lasts."""
    key = add_key(workshop, ALL)
    with listening(runtime_of(workshop)) as url, Client(url, key) as client:
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False) as http:
            yield Served(workshop, url, key, http, client)


@contextmanager
def listening(runtime: Runtime, door: Door | None = None) -> Iterator[str]:
    """Serve the app of a runtime; yields its address."""
    config = uvicorn.Config(make_app(runtime, door), log_level="critical", ws="none", lifespan="off")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        eventually(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=10)
