"""A sandbox in a thread, taken over the network as every caller takes it."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from orchestrator.sandbox.options import Options
from orchestrator.sandbox.server import Running, running

from .bulk1 import Async
from .salesforce import Org


class Caller:
    """One caller of a sandbox, with helpers for its control plane."""

    def __init__(self, url: str) -> None:
        self.api = httpx.Client(base_url=url, headers={"authorization": "Bearer sandbox-token"})

    def control(self, path: str, **body: Any) -> Any:
        answer = self.api.post(f"/_sandbox/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def switch(self, **options: Any) -> None:
        answer = self.api.patch("/_sandbox/options", json=options)
        assert answer.is_success, answer.text

    def order(self, fault: dict[str, Any], *, path: str | None = None, **rest: Any) -> None:
        method = rest.pop("method", None)
        self.control("faults", match={"path": path, "method": method}, fault=fault, **rest)

    def stats(self) -> Any:
        return self.api.get("/_sandbox/stats").json()

    def data(self, path: str, **query: Any) -> Any:
        answer = self.api.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def job(self, *records: Any, type: str = "person/upsert", release: bool = True) -> str:
        """Create a bulk job, fill it, release it; return its path."""
        made = self.api.post("/v2/bulk_jobs", json={"type": type, "name": "marker"}).json()["data"]
        path = f"/v2/bulk_jobs/{made['id']}"
        if records:
            assert self.api.post(f"{path}/job_data", json={"data": list(records)}).is_success
        if release:
            assert self.api.put(path, json={"ready_to_execute": True}).is_success
        return path


def person(number: int, **fields: Any) -> dict[str, Any]:
    return {"upsert_key": "email_address", "email_address": f"new-{number}@row.test", "first_name": "Ines", **fields}


@pytest.fixture(scope="session")
def shared() -> Iterator[Running]:
    with running(Options(told_clock=True, rest_records=1_000)) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared: Running) -> Iterator[Caller]:
    """A sandbox as new, whose clock stands."""
    shared.world.reset()
    caller = Caller(shared.url)
    yield caller
    caller.api.close()


@pytest.fixture
def org(sandbox: Caller) -> Org:
    """The imitated Salesforce, whose jobs handle all their rows at once."""
    sandbox.switch(sf_speed=0)
    return Org(sandbox)


@pytest.fixture
def batches(sandbox: Caller) -> Iterator[Async]:
    """The imitated Bulk API 1.0, whose batches handle all their rows at once."""
    sandbox.switch(sf_speed=0)
    caller = Async(sandbox)
    yield caller
    caller.api.close()


@pytest.fixture
def started() -> Iterator[Any]:
    """Start sandboxes with options of their own."""
    opened: list[Any] = []

    def start(**options: Any) -> Caller:
        context = running(Options(**options))
        caller = Caller(context.__enter__().url)
        opened.append((context, caller))
        return caller

    yield start
    for context, caller in opened:
        caller.api.close()
        context.__exit__(None, None, None)
