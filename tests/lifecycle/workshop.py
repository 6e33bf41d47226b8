"""Everything of one process but the broker: jobs are submitted, and steps take their turns when the test says so."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec

from orchestrator.http.pool import ClientPool
from orchestrator.job.criteria import DownloadCriteria, Operation, UploadCriteria
from orchestrator.job.record import Job
from orchestrator.job.status import JobStatus
from orchestrator.lifecycle import Lifecycle
from orchestrator.lifecycle.connections import ConnectionDesk, Wish
from orchestrator.lifecycle.heartbeat import Heartbeat
from orchestrator.lifecycle.take import TurnTaker
from orchestrator.lifecycle.vendors import Vendors
from orchestrator.limits.memory import MemoryLimiter
from orchestrator.results.manifest import stream_records
from orchestrator.results.objects import ObjectStore
from orchestrator.runtime import FAMILIES
from orchestrator.secrets import Keyring, generate
from orchestrator.store.engine import Database
from orchestrator.store.store import Store
from tests.conftest import TimeTold

ITEMS = {
    "resources": {
        "items": {"path": "/rest/items", "records": "data", "paging": {"kind": "id_gt", "size_param": "per_page"}}
    }
}


@dataclass
class Workshop:
    """One process's parts over a real store, a real object store and a sandbox."""

    database: Database
    time_told: TimeTold
    sandbox_url: str
    objects: ObjectStore = field(default_factory=lambda: ObjectStore.open("memory://"))
    dispatched: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = Store(self.database)
        self.keyring = Keyring.from_text(generate())
        self.limiter = MemoryLimiter(self.time_told)
        self.pool = ClientPool(allow=["127.0.0.0/8"], clock=self.time_told)
        self.vendors = Vendors(
            store=self.store,
            families=FAMILIES,
            limiter=self.limiter,
            pool=self.pool,
            keyring=self.keyring,
            clock=self.time_told,
        )
        self.heartbeat = Heartbeat(self.store.claims.renew)
        self.turns = self.worker("worker-1")
        self.lifecycle = Lifecycle(
            store=self.store, families=FAMILIES, turns=self.turns, dispatch=self.dispatched.append
        )
        self.desk = ConnectionDesk(self.store, FAMILIES, self.keyring, self.vendors.opened)
        self.tenant = self.store.keys.add_tenant("acme")

    def worker(self, owner: str) -> TurnTaker:
        """Return another worker on the same store."""
        return TurnTaker(
            store=self.store,
            objects=self.objects,
            vendors=self.vendors,
            heartbeat=self.heartbeat,
            owner=owner,
            dispatch=self.dispatched.append,
        )

    def connect(self, provider: str, **wish: Any) -> str:
        """Add a connection to the sandbox's vendor and return its name."""
        given: dict[str, Any] = {"credentials": {"type": "bearer", "token": "sandbox-token"}}
        if provider == "rest":
            given = {"credentials": {"type": "bearer", "token": "sandbox-key"}, "settings": ITEMS}
        given |= {"limits": [{"kind": "rate", "amount": 600_000, "seconds": 60}]} | wish
        self.desk.add(
            self.tenant.id, Wish(name=provider, provider=provider, base_url=self.sandbox_url, **given)
        )
        return provider

    def download(self, connection: str, object_name: str, **criteria: Any) -> Job:
        """Submit a download."""
        found = self.store.connections.get(self.tenant.id, connection)
        return self.lifecycle.submit_download(found, DownloadCriteria(object_name=object_name, **criteria), {})

    def upload(self, connection: str, csv: bytes, **criteria: Any) -> Job:
        """Submit an upload of people."""
        found = self.store.connections.get(self.tenant.id, connection)
        key = f"inputs/{len(self.dispatched)}"
        self.objects.put_new(key, csv)
        asked = {"object_name": "person", "operation": Operation.UPSERT, "external_id_field": "email_address"}
        wanted = UploadCriteria(**(asked | criteria))
        return self.lifecycle.submit_upload(found, wanted, {}, input_key=key, input_bytes=len(csv))

    def due(self) -> list[int]:
        """Return the steps that are due now."""
        from sqlalchemy import select

        from orchestrator.store.tables import steps

        with self.database.read() as connection:
            query = select(steps.c.id).where(steps.c.state == "ready", steps.c.due_at <= self.database.now)
            return list(connection.execute(query.order_by(steps.c.vtime, steps.c.id)).scalars())

    def round(self) -> int:
        """Let every due step take one turn; return how many did."""
        return sum(self.turns.take_turn(step) for step in self.due())

    def run(self, job: Job, rounds: int = 400) -> Job:
        """Let steps take turns, and time pass while none is due, until the job has ended."""
        for _ in range(rounds):
            now = self.store.jobs.by_id(job.id)
            if now.status in (JobStatus.COMPLETED, JobStatus.ABORTED, JobStatus.CANCELED, JobStatus.THROTTLED):
                return now
            if not self.round():
                self.time_told.passes(timedelta(seconds=1))
        raise AssertionError(f"job {job.id} did not end: {self.story(job)}")

    def story(self, job: Job) -> list[tuple[str, Mapping[str, Any]]]:
        """Return the job's timeline."""
        return [(event.name, event.data) for event in self.store.events.list(job.id)]

    def lines(self, job: Job) -> list[Any]:
        """Return the job's result, line by line."""
        parts = self.store.jobs.settled_parts(job.id, self.stream_of(job))
        return [msgspec.json.decode(line) for line in b"".join(stream_records(self.objects, parts)).splitlines()]

    @staticmethod
    def stream_of(job: Job) -> Any:
        """Return the stream that holds the job's result."""
        from orchestrator.job.chunk import Stream
        from orchestrator.job.status import Direction

        return Stream.RECORDS if job.direction is Direction.DOWNLOAD else Stream.OUTCOME
