"""Everything of one process but the broker: jobs are submitted, and steps take their turns when the test says so."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Thread
from threading import enumerate as enumerate_threads
from typing import Any

import msgspec
from sqlalchemy import Select, case, func, select

from orchestrator.job.chunk import Stream
from orchestrator.job.criteria import DownloadCriteria, Operation, UploadCriteria
from orchestrator.job.record import Job
from orchestrator.job.status import Direction, JobStatus
from orchestrator.job.step import Lease
from orchestrator.lifecycle import Lifecycle
from orchestrator.lifecycle.connections import ConnectionDesk, Wish
from orchestrator.lifecycle.heartbeat import Heartbeat, Pulse
from orchestrator.lifecycle.take import TurnTaker
from orchestrator.lifecycle.vendors import Vendors
from orchestrator.limits.memory import MemoryLimiter
from orchestrator.providers.provider import Family
from orchestrator.results.manifest import stream_records
from orchestrator.runtime import FAMILIES
from orchestrator.sandbox.server import Running
from orchestrator.secrets import Keyring, generate
from orchestrator.store.engine import Database
from orchestrator.store.store import Store
from orchestrator.store.tables import jobs, steps
from tests.conftest import TimeTold
from tests.lifecycle.seams import Seams, WatchedClaims, WatchedCommits, WatchedObjects, WatchedPool
from tests.servers import eventually

LEASE_RUNS_OUT = timedelta(seconds=11)
STOPPED = (JobStatus.COMPLETED, JobStatus.ABORTED, JobStatus.CANCELED, JobStatus.THROTTLED)
ITEMS = {
    "resources": {
        "items": {
            "path": "/rest/items",
            "records": "data",
            "total": "total",
            "paging": {"kind": "id_gt", "size_param": "per_page"},
        }
    }
}


class ToldHeartbeat(Heartbeat):
    """A heartbeat that beats when told, and can be as old as the test says."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.claims.renew)
        self.begun: list[Pulse] = []

    def begin(self, lease: Lease, *given: Any, **named: Any) -> Pulse:
        pulse = super().begin(lease, *given, **named)
        self.begun.append(pulse)
        return pulse

    def ages(self, by: timedelta) -> None:
        """Let the last proof of every lease be older by this much, as if this process had slept."""
        for pulse in self.begun:
            pulse.proved_at -= by.total_seconds()


@dataclass
class Worker:
    """One worker process: it takes turns, and its heart beats when told."""

    turns: TurnTaker
    heartbeat: ToldHeartbeat


@dataclass
class Workshop:
    """One process's parts over a real store, a real object store and a sandbox."""

    database: Database
    time_told: TimeTold
    sandbox: Running
    dispatched: list[int] = field(default_factory=list)
    seams: Seams = field(default_factory=Seams)
    families: Mapping[str, Family] = field(default_factory=lambda: FAMILIES)

    def __post_init__(self) -> None:
        self.store = self._store()
        self.objects = WatchedObjects.open("memory://")
        self.objects.seams = self.seams
        self.keyring = Keyring.from_text(generate())
        self.limiter = MemoryLimiter(self.time_told)
        self.pool = WatchedPool(allow=["127.0.0.0/8"], clock=self.time_told)
        self.pool.seams = self.seams
        self.vendors = Vendors(
            store=self.store,
            families=self.families,
            limiter=self.limiter,
            pool=self.pool,
            keyring=self.keyring,
            clock=self.time_told,
        )
        self.turns = self.worker("worker-1").turns
        self.lifecycle = Lifecycle(
            store=self.store, families=self.families, turns=self.turns, dispatch=self.dispatched.append
        )
        self.desk = ConnectionDesk(self.store, self.families, self.keyring, self.vendors)
        self.tenant = self.store.keys.add_tenant("acme")
        self._inputs = 0

    def _store(self) -> Store:
        store, claims, commits = Store(self.database), WatchedClaims(self.database), WatchedCommits(self.database)
        claims.seams = commits.seams = self.seams
        store.claims, store.commits = claims, commits
        return store

    def worker(self, owner: str) -> Worker:
        """Return another worker process on the same store, with a heartbeat of its own."""
        heartbeat = ToldHeartbeat(self.store)
        turns = TurnTaker(
            store=self.store,
            objects=self.objects,
            vendors=self.vendors,
            heartbeat=heartbeat,
            owner=owner,
            dispatch=self.dispatched.append,
        )
        return Worker(turns=turns, heartbeat=heartbeat)

    def connect(self, provider: str, name: str = "", **wish: Any) -> str:
        """Add a connection to the sandbox's vendor and return its name."""
        given: dict[str, Any] = {"credentials": {"type": "bearer", "token": "sandbox-token"}}
        if provider == "rest":
            given = {"credentials": {"type": "bearer", "token": "sandbox-key"}, "settings": ITEMS}
        given |= {"limits": [{"kind": "rate", "amount": 600_000, "seconds": 60}]} | wish
        name = name or provider
        given.setdefault("base_url", self.sandbox.url)
        self.desk.add(self.tenant.id, Wish(name=name, provider=provider, **given))
        return name

    def download(self, connection: str, object_name: str, **criteria: Any) -> Job:
        """Submit a download."""
        found = self.store.connections.get(self.tenant.id, connection)
        return self.lifecycle.submit_download(found, DownloadCriteria(object_name=object_name, **criteria), {})

    def upload(self, connection: str, csv: bytes, **criteria: Any) -> Job:
        """Submit an upload of people."""
        found = self.store.connections.get(self.tenant.id, connection)
        self._inputs += 1
        key = f"inputs/{self._inputs}"
        self.objects.put_new(key, csv)
        asked = {"object_name": "person", "operation": Operation.UPSERT, "external_id_field": "email_address"}
        wanted = UploadCriteria(**(asked | criteria))
        return self.lifecycle.submit_upload(found, wanted, {}, input_key=key, input_bytes=len(csv))

    def close(self) -> None:
        """Close the connections to the vendors, once the last request that was made ahead is answered."""
        eventually(lambda: not [thread for thread in enumerate_threads() if thread.name == "ahead"])
        self.pool.close()

    def passes(self, period: timedelta) -> None:
        """Let time go by for everybody."""
        self.time_told.passes(period)

    def due(self, *kinds: str) -> list[int]:
        """Return the steps that are due now, of these kinds only if any is given."""
        query = select(steps.c.id).where(steps.c.state == "ready", steps.c.due_at <= self.database.now)
        if kinds:
            query = query.where(steps.c.kind.in_(kinds))
        return [row["id"] for row in self.rows(query.order_by(steps.c.vtime, steps.c.id))]

    def waits(self) -> None:
        """Let time pass until the next step is due and nobody's; a second where there is none."""
        held_until = func.coalesce(steps.c.lease_until, 0)
        free_at = case((held_until > steps.c.due_at, held_until), else_=steps.c.due_at)
        query = select(func.min(free_at - self.database.now).label("wait")).where(steps.c.state == "ready")
        wait = self.rows(query)[0]["wait"]
        self.passes(timedelta(seconds=1) if wait is None else timedelta(milliseconds=2, microseconds=max(0, wait)))

    def round(self, turns: TurnTaker | None = None) -> int:
        """Let every due step take one turn; return how many did."""
        return sum((turns or self.turns).take_turn(step) for step in self.due())

    def run(
        self,
        job: Job,
        turns: TurnTaker | None = None,
        until: Callable[[], object] = lambda: False,
        rounds: int = 400,
    ) -> Job:
        """Let steps take turns, and time pass while none is due, until the job has stopped, or `until` is true."""
        for _ in range(rounds):
            now = self.job(job)
            if now.status in STOPPED or until():
                return now
            if not self.round(turns):
                self.waits()
        raise AssertionError(f"job {job.id} did not end: {self.story(job)} {self.steps_of(job)}")

    @contextmanager
    def asleep(self, job: Job, *, once: bool = False, **moment: int | str) -> Iterator[Worker]:
        """Run the job with a worker that falls asleep at the moment given, if it comes; it wakes up as the block ends.

        After the block the sleeper has ended its turn. `once`: it takes each due step once, and no more.
        """
        sleeper = self.worker("sleeper")
        self.seams.begin(**moment)
        work = (self.round, sleeper.turns) if once else (self.run, job, sleeper.turns, self.seams.frozen.is_set)
        thread = Thread(target=work[0], args=work[1:])
        thread.start()
        eventually(lambda: self.seams.frozen.is_set() or not thread.is_alive(), every=0.002)
        if not self.seams.frozen.is_set():
            self.seams.begin()  # its moment did not come; nobody else shall fall asleep in its place
        try:
            yield sleeper
        finally:
            self.seams.thaw()
            thread.join(20)
        assert not thread.is_alive()

    def run_until_due(self, job: Job, kind: str) -> int:
        """Run the job until a step of this kind is due, and return that step; it has not taken its turn."""
        for _ in range(400):
            if found := self.due(kind):
                return found[0]
            if not sum(self.turns.take_turn(step) for step in self.due()):
                self.waits()
        raise AssertionError(f"no {kind} step came: {self.story(job)}")

    def job(self, job: Job) -> Job:
        """Return the job as it is now."""
        return self.store.jobs.by_id(job.id)

    def story(self, job: Job) -> list[tuple[str, Mapping[str, Any]]]:
        """Return the job's timeline."""
        return [(event.name, event.data) for event in self.store.events.list(job.id)]

    def told(self, job: Job, name: str) -> list[Mapping[str, Any]]:
        """Return the data of the job's events of one name."""
        return [data for event, data in self.story(job) if event == name]

    def rows(self, query: Select[Any]) -> Sequence[Mapping[str, Any]]:
        """Return the rows of a query of the test."""
        with self.database.read() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def steps_of(self, job: Job) -> Sequence[Mapping[str, Any]]:
        """Return the job's steps as they are in the database."""
        return self.rows(select(steps).where(steps.c.job_id == job.id).order_by(steps.c.id))

    def step_of(self, job: Job, kind: str) -> Mapping[str, Any]:
        """Return the job's only step of this kind."""
        (found,) = [step for step in self.steps_of(job) if step["kind"] == kind]
        return found

    def row_of(self, job: Job) -> Mapping[str, Any]:
        """Return the job as it is in the database."""
        return self.rows(select(jobs).where(jobs.c.id == job.id))[0]

    def lines(self, job: Job) -> list[Any]:
        """Return the job's result, line by line."""
        return [msgspec.json.decode(line) for line in self.result(job).splitlines()]

    def result(self, job: Job) -> bytes:
        """Return the job's result as bytes."""
        stream = Stream.RECORDS if job.direction is Direction.DOWNLOAD else Stream.OUTCOME
        return b"".join(stream_records(self.objects, self.store.parts.of_job(job.id, stream)))

    @property
    def bulk(self) -> Mapping[str, Any]:
        """What Salesloft counted of its bulk jobs."""
        world = self.sandbox.world
        with world.lock:
            counted: Mapping[str, Any] = world.salesloft.stats()["bulk"]
            return counted

    @property
    def routes(self) -> Mapping[str, int]:
        """How often each route of the vendors was called."""
        with self.sandbox.world.lock:
            routes: Mapping[str, int] = self.sandbox.world.ledger.stats()["routes"]
            return routes

    def sweeps_find(self) -> list[int]:
        """Return what must never be there (I5)."""
        sweeps = self.store.sweeps
        return [*sweeps.forgotten_steps(), *sweeps.running_without_steps(), *sweeps.ready_under_stopped_jobs()]


def people(count: int, bad: int = 0, first: int = 0) -> bytes:
    """Return a CSV file of people; the last `bad` ones have no address and are refused by the vendor."""
    rows = [f"p{first + n}@orchard.test,Pat {n}" for n in range(count - bad)]
    rows += [f",Nobody {n}" for n in range(bad)]
    return ("email_address,first_name\n" + "\n".join(rows) + "\n").encode()
