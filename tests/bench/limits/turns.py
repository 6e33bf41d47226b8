"""Whole turns of real jobs on one budget: what waits behind a closed gate, and who comes next behind a flood."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from celery import Celery
from sqlalchemy import func, select

from orchestrator.dispatch import make_celery, queue_of
from orchestrator.job.criteria import DownloadCriteria
from orchestrator.job.record import Job
from orchestrator.job.status import Direction, JobStatus
from orchestrator.job.step import StepKind, Successor
from orchestrator.lifecycle.connections import Wish
from orchestrator.store.budgets import NewBudget
from orchestrator.store.connections import Connection
from orchestrator.store.jobs import NewJob
from orchestrator.store.tables import jobs
from tests.bench.kit import Bench, bench
from tests.bench.limits.scene import Row, Scene
from tests.conftest import drop_schema, new_schema
from tests.servers import eventually, postgres_answers

STEPS, GATE = 10_000, 5.0
FLOOD, PAGES, HANDS = 100, 5_000, 16
QUEUE = queue_of("rest")


def rows(scene: Scene) -> Iterator[Row]:
    """Measure the gate, then two floods."""
    yield behind_a_gate(scene)
    if scene.quick:
        return
    for whose, connections in (("same tenant's jobs", 1), ("same tenant's over 8 connections", 8)):
        yield behind_a_flood(scene, whose, connections=connections)
        yield behind_a_flood(scene, whose, connections=connections, begun=True)
    yield behind_a_flood(scene, "another tenant's over 8 connections", connections=8, tenants=2)
    yield behind_a_flood(scene, "another tenant's over 8 connections", connections=8, tenants=2, begun=True)


@contextmanager
def a_bench() -> Iterator[Bench]:
    """Run a runtime on PostgreSQL, or on SQLite where there is none."""
    url = new_schema() if postgres_answers() else None
    try:
        with TemporaryDirectory() as folder, bench(Path(folder), url) as ours:
            yield ours
    finally:
        if url is not None:
            drop_schema(url)


def connect(ours: Bench, scene: Scene, account: str, name: str, tenant: int, **wish: Any) -> Connection:
    """Add a connection to an account of the judge."""
    resource = {
        "path": f"/call/{account}",
        "records": "data",
        "paging": {"kind": "id_gt", "size_param": "per_page", "max_size": 1_000},
    }
    wanted = Wish(
        name=name,
        provider="rest",
        base_url=f"http://127.0.0.1:{scene.judge}",
        credentials={"type": "none"},
        settings={"resources": {"items": resource}},
        **wish,
    )
    return ours.runtime.connections.add(tenant, wanted)


def behind_a_gate(scene: Scene) -> Row:
    """Let 10,000 steps be due; the provider refuses the first call and names a time. Count the messages until then."""
    account = scene.account(amount=0, strict=1, gate=GATE)
    with a_bench() as ours:
        limits = [{"kind": "rate", "amount": 60_000, "seconds": 60}]
        connection = connect(ours, scene, account, "gated", ours.tenant, limits=limits)
        ours.runtime.store.jobs.add(with_steps(connection, STEPS))
        app, sent, until = make_celery("memory://"), 0, time.monotonic() + GATE - 1
        while time.monotonic() < until:
            ours.runtime.dispatch.tick()
            steps = _messages(app)
            sent += len(steps)
            for step in steps:
                ours.runtime.lifecycle.take_turn(step)
            time.sleep(0.05)
        app.close()
    refused = len(scene.report(account)["refused"])
    return Row(
        name=f"{STEPS:,} due steps behind a closed gate, {GATE - 1:g} s",
        goal="no task each: 20 messages at most",
        measured=f"{sent} messages, {refused} calls refused",
        ok=0 < sent <= 20 and 0 < refused <= 20,
    )


def with_steps(connection: Connection, steps: int, *, size: int = 1_000, api_limit: int | None = None) -> NewJob:
    """Return a download with so many fetch steps that are due at once."""
    return NewJob(
        tenant_id=connection.tenant_id,
        connection_id=connection.id,
        budget_id=connection.budget_id,
        provider=connection.provider,
        direction=Direction.DOWNLOAD,
        object_name="items",
        criteria=DownloadCriteria(object_name="items", page_size=size),
        request={"objectName": "items"},
        first_steps=[Successor(kind=StepKind.FETCH, partition=n, cursor={"after": n}) for n in range(steps)],
        api_limit=api_limit,
        weight=1.0,
        auto_restart=True,
        give_up_after=timedelta(hours=24),
    )


def _messages(app: Celery) -> list[int]:
    """Take all messages out of the queue and return the steps they name."""
    taken = []
    with app.connection_for_read() as connection, connection.SimpleQueue(QUEUE) as waiting:
        while waiting.qsize():
            message = waiting.get(block=False)
            message.ack()
            taken.append(message.payload[0][0])
    return taken


class Hands:
    """Threads that take turns as workers do, by hints that are given as dispatch gives them; each turn is noted."""

    def __init__(self, ours: Bench, budget: int) -> None:
        self.turns: list[int] = []
        self._ours, self._budget = ours, budget
        self._hints: deque[int] = deque()
        self._dispatching = threading.Lock()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._work) for _ in range(HANDS)]
        for thread in self._threads:
            thread.start()

    def _work(self) -> None:
        while not self._over.is_set():
            step = self._next()
            if step is None:
                self._over.wait(0.02)
            elif self._ours.runtime.lifecycle.take_turn(step):
                self.turns.append(step)

    def _next(self) -> int | None:
        """Return the step of the next hint; whoever finds none gives new ones for all."""
        runtime = self._ours.runtime
        with self._dispatching:
            if not self._hints:
                found = runtime.store.hints.take(self._budget, room=HANDS, cap_of=runtime.vendors.cap)
                self._hints.extend(hint.step_id for hint in found)
            return self._hints.popleft() if self._hints else None

    def stop(self) -> None:
        """Let each end its turn."""
        self._over.set()
        self._ours.runtime.stop()
        for thread in self._threads:
            thread.join()


def behind_a_flood(scene: Scene, whose: str, *, connections: int, tenants: int = 1, begun: bool = False) -> Row:
    """Submit a job of 5 pages behind 100 of 5,000 on one budget: right behind them, or when all have `begun`."""
    with a_bench() as ours:
        flood, mine = _on_one_budget(ours, scene, connections, tenants)
        for number in range(FLOOD):
            _submit(ours, flood[number % len(flood)])
        if begun:
            hands = Hands(ours, mine.budget_id)
            eventually(lambda: _all_have_begun(ours), within=60, every=0.2)
            before, job = len(hands.turns), _submit(ours, mine)
        else:
            before, job = 0, _submit(ours, mine)
            hands = Hands(ours, mine.budget_id)
        submitted = time.monotonic()
        first, done, job = _served(ours, job)
        rounds = (len(hands.turns) - before) / FLOOD
        hands.stop()
    return Row(
        name=f"5 pages {'later than' if begun else 'right behind'} {FLOOD} jobs of {PAGES:,}: {whose}",
        goal="first page in 2 s, done in 3 rounds",
        measured=f"first {first - submitted:.1f} s, done {done - submitted:.1f} s, {rounds:.1f} rounds",
        ok=job.status is JobStatus.COMPLETED and first - submitted <= 2 and rounds <= 3,
    )


def _on_one_budget(ours: Bench, scene: Scene, connections: int, tenants: int) -> tuple[list[Connection], Connection]:
    """Return the connections of a flood and that of the small job, which is of another tenant where there are two."""
    big, few = scene.account(latency=0.01), scene.account(latency=0.01, records=5 * 10 - 1)
    limits = [{"kind": "rate", "amount": 6_000, "seconds": 60}]
    ours.runtime.store.budgets.add(None, NewBudget(name="shared", provider="rest", limits=limits))
    other = ours.tenant if tenants == 1 else ours.runtime.store.keys.add_tenant("another").id
    flood = [connect(ours, scene, big, f"c{number}", ours.tenant, budget="shared") for number in range(connections)]
    return flood, connect(ours, scene, few, "mine", other, budget="shared")


def _all_have_begun(ours: Bench) -> bool:
    query = select(func.count()).where(jobs.c.status == JobStatus.CREATED)
    with ours.runtime.store.database.read() as connection:
        return connection.execute(query).scalar_one() == 0


def _submit(ours: Bench, connection: Connection) -> Job:
    return ours.runtime.lifecycle.submit_download(connection, DownloadCriteria(object_name="items", page_size=10), {})


def _served(ours: Bench, job: Job) -> tuple[float, float, Job]:
    first, deadline = 0.0, time.monotonic() + 30
    while time.monotonic() < deadline:
        now = ours.runtime.store.jobs.by_id(job.id)
        first = first or (time.monotonic() if now.counts.stored else 0.0)
        if now.status is JobStatus.COMPLETED:
            break
        time.sleep(0.02)
    return first or deadline, time.monotonic(), now
