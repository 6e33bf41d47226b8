"""What the measurements share: a provider, a runtime on real servers, and the floor."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec

from orchestrator.http.pool import ClientPool
from orchestrator.job.criteria import DownloadCriteria
from orchestrator.job.record import Job
from orchestrator.job.status import JobStatus
from orchestrator.lifecycle.connections import Wish
from orchestrator.limits.redis import RedisLimiter
from orchestrator.results.objects import ObjectStore
from orchestrator.runtime import Runtime
from orchestrator.secrets import Keyring, generate
from orchestrator.settings import Settings
from orchestrator.store.migrations import upgrade
from orchestrator.store.store import Store
from tests.servers import ValkeyServer, free_port
from workers.memory import give_large_blocks_back

RESOURCE = {
    "path": "/items",
    "records": "data",
    "paging": {"kind": "id_gt", "size_param": "per_page", "max_size": 100_000},
}
PLENTY = [{"kind": "rate", "amount": 600_000_000, "seconds": 60}]


@contextmanager
def provider(size: int, records: int, latency_ms: float = 0, module: str = "provider") -> Iterator[str]:
    """Run a provider in a process of its own; give its address."""
    port = free_port()
    command = [sys.executable, "-m", f"tests.bench.{module}", str(port), str(size), str(records), str(latency_ms)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


@dataclass
class Bench:
    """A runtime whose turns are taken here, with no broker between."""

    runtime: Runtime
    tenant: int

    def number(self) -> int:
        """Return another number each time."""
        return time.monotonic_ns()

    def download(self, url: str, size: int, **criteria: object) -> Job:
        """Submit a download of everything at `url`, in pages of `size`."""
        name = f"bench-{self.number()}"
        wish = Wish(
            name=name,
            provider="rest",
            base_url=url,
            credentials={"type": "none"},
            settings={"resources": {"items": RESOURCE}},
            limits=PLENTY,
        )
        connection = self.runtime.connections.add(self.tenant, wish)
        wanted = DownloadCriteria(object_name="items", page_size=size, **criteria)  # type: ignore[arg-type]
        return self.runtime.lifecycle.submit_download(connection, wanted, {})

    def run(self, job: Job) -> Job:
        """Let the job's steps take turns until it is complete."""
        while (now := self.runtime.store.jobs.by_id(job.id)).status is not JobStatus.COMPLETED:
            assert now.status in (JobStatus.CREATED, JobStatus.STARTED, JobStatus.RUNNING), now
            for step in self.runtime.store.jobs.due_steps(job.id):
                self.runtime.lifecycle.take_turn(step)
        return now


@contextmanager
def bench(folder: Path, database_url: str | None = None) -> Iterator[Bench]:
    """Run a runtime on a database (SQLite by default), a Valkey and a directory of its own."""
    url = database_url or f"sqlite:///{folder}/bench.db"
    upgrade(url)
    give_large_blocks_back()  # as a worker does
    valkey = ValkeyServer(folder / "valkey")
    valkey.start()
    settings = Settings(home=folder, database_url=url, broker_url="memory://", redis_url=valkey.url)
    runtime = Runtime(
        settings,
        store=Store.open(url),
        objects=ObjectStore.open(f"file://{folder}/store"),
        limiter=RedisLimiter(valkey.url),
        pool=ClientPool(allow=["127.0.0.0/8"]),
        keyring=Keyring.from_text(generate()),
    )
    runtime.heartbeat.start()
    try:
        yield Bench(runtime, runtime.store.keys.ensure_tenant("bench").id)
    finally:
        runtime.close()
        valkey.kill()


class _Page(msgspec.Struct):
    data: list[msgspec.Raw]


class _Id(msgspec.Struct):
    id: int


def floor(url: str, size: int, target: Path) -> int:
    """Follow the cursor with a bare client, split each page, write the records unchanged; return their number."""
    page, last = msgspec.json.Decoder(_Page), msgspec.json.Decoder(_Id)
    cursor, rows = 0, 0
    with httpx.Client(base_url=url) as client, target.open("wb") as out:
        while True:
            answer = client.get("/items", params={"id[gt]": cursor, "per_page": size})
            records = page.decode(answer.content).data
            if not records:
                return rows
            out.write(b"\n".join(records))
            out.write(b"\n")
            rows += len(records)
            cursor = last.decode(records[-1]).id
