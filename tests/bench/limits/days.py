"""A job with an apiLimit whose eight steps are taken by eight processes, some of which die; and the days after."""

import logging
import multiprocessing
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from datetime import time as time_of_day
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from tempfile import TemporaryDirectory

from orchestrator.http.pool import ClientPool
from orchestrator.job.record import Job
from orchestrator.job.status import JobStatus, StopReason
from orchestrator.limits.redis import RedisLimiter
from orchestrator.results.objects import ObjectStore
from orchestrator.runtime import Runtime
from orchestrator.secrets import Keyring, generate
from orchestrator.settings import Settings
from orchestrator.store.migrations import upgrade
from orchestrator.store.store import Store
from tests.bench.kit import Bench
from tests.bench.limits.scene import Row, Scene
from tests.bench.limits.turns import connect, with_steps
from tests.conftest import drop_schema, new_schema
from tests.servers import postgres_answers

SIDE_BY_SIDE, LIMIT = 8, 100
PAGES, SIZE = 20, 10  # that each of the steps reads
DAY, LEASE_RUNS_OUT = timedelta(days=1), timedelta(seconds=12)
DEATHS = 5


def rows(scene: Scene) -> Iterator[Row]:
    """Measure a day on which nothing dies and what follows it, then one full of deaths."""
    yield from a_limited_job(scene, deaths=0)
    if not scene.quick:
        yield from a_limited_job(scene, deaths=DEATHS)


def open_runtime(settings: Settings) -> Runtime:
    """Wire a runtime for vendors on this computer."""
    return Runtime(
        settings,
        store=Store.open(settings.database_url, clock_shift=settings.clock_shift),
        objects=ObjectStore.open(f"file://{settings.home}/store"),
        limiter=RedisLimiter(settings.redis_url),
        pool=ClientPool(allow=["127.0.0.0/8"]),
        keyring=Keyring.from_text(settings.keys or ""),
    )


def hand(settings: Settings, job: int, number: int) -> None:
    """Be one worker process of this job until it stops."""
    logging.disable(logging.WARNING)  # the dead are fenced: that is what is measured
    runtime = open_runtime(settings)
    runtime.heartbeat.start()
    while runtime.store.jobs.by_id(job).status in (JobStatus.CREATED, JobStatus.STARTED, JobStatus.RUNNING):
        due = runtime.store.jobs.due_steps(job)
        if not sum(runtime.lifecycle.take_turn(step) for step in [*due[number:], *due[:number]]):
            time.sleep(0.05)
    runtime.close()


class Day:
    """The worker processes of one day of a job, and those who end them."""

    def __init__(self, settings: Settings, job: Job) -> None:
        self._settings, self._job = settings, job
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.bench.limits.days"])
        self._hands = [self._hire(number) for number in range(SIDE_BY_SIDE)]

    def _hire(self, number: int) -> ForkServerProcess:
        process = self._context.Process(target=hand, args=(self._settings, self._job.id, number), daemon=True)
        process.start()
        return process

    def kill_one(self) -> None:
        """Kill a worker at any moment, and hire another."""
        number = random.randrange(SIDE_BY_SIDE)
        self._hands[number].kill()
        self._hands[number].join()
        self._hands[number] = self._hire(number)

    def end(self, within: float) -> None:
        """Wait until all have gone home; who has not by then is killed."""
        deadline = time.monotonic() + within
        for process in self._hands:
            process.join(max(0.0, deadline - time.monotonic()))
            process.kill()
            process.join()


@contextmanager
def an_office(scene: Scene) -> Iterator[Settings]:
    """Make an empty database and a home for its workers."""
    url = new_schema() if postgres_answers() else None
    try:
        with TemporaryDirectory() as folder:
            database = url or f"sqlite:///{folder}/days.db"
            upgrade(database)
            yield Settings(
                home=Path(folder),
                database_url=database,
                broker_url="memory://",
                redis_url=scene.valkey.url,
                keys=generate(),
            )
    finally:
        if url is not None:
            drop_schema(url)


def a_limited_job(scene: Scene, deaths: int) -> Sequence[Row]:
    """Let eight processes work on a job until it is throttled, then let the day turn until the job is complete."""
    scene.valkey.flush()
    account = scene.account(latency=0.02, records=PAGES * SIZE)
    with an_office(scene) as settings:
        runtime = open_runtime(settings)
        ours = Bench(runtime, runtime.store.keys.add_tenant("bench").id)
        limits = [{"kind": "rate", "amount": 600_000, "seconds": 60}]
        connection = connect(ours, scene, account, "limited", ours.tenant, limits=limits)
        job = runtime.store.jobs.add(with_steps(connection, SIDE_BY_SIDE, size=SIZE, api_limit=LIMIT))
        day = Day(settings, job)
        for _ in range(deaths):
            _let_work(scene, account)
            day.kill_one()
            scene.valkey.flush()
        day.end(2.0 if deaths else 20.0)
        if deaths:  # the leases of the dead run out
            Day(_later(settings, LEASE_RUNS_OUT), job).end(20.0)
        throttled, calls = runtime.store.jobs.by_id(job.id), len(scene.report(account)["calls"])
        first = _first_day(throttled, calls, deaths, runtime.store.database_time())
        last = _days_after(scene, settings, job, account)
        runtime.close()
    return (first, last)


def _let_work(scene: Scene, account: str) -> None:
    """Return after some more calls, or after a second: the steps of the dead may be all there are."""
    seen, until = len(scene.report(account)["calls"]), time.monotonic() + 1
    while len(scene.report(account)["calls"]) < seen + 8 and time.monotonic() < until:
        time.sleep(0.02)


def _later(settings: Settings, by: timedelta) -> Settings:
    return settings.model_copy(update={"clock_shift": by})


def _first_day(job: Job, calls: int, deaths: int, now: datetime) -> Row:
    midnight = datetime.combine(now.date() + DAY, time_of_day(), now.tzinfo)
    told = job.restart_at is not None and abs(job.restart_at - midnight) < timedelta(minutes=1)
    throttled = job.status is JobStatus.THROTTLED and job.stop_reason is StopReason.API_LIMIT
    fate = f"{deaths} x kill -9 and FLUSHALL" if deaths else "nothing dies"
    return Row(
        name=f"apiLimit {LIMIT}, {SIDE_BY_SIDE} steps, {fate}",
        goal=f"at most {LIMIT} calls" if deaths else f"exactly {LIMIT} calls",
        measured=f"{calls} calls, {job.status}, restart {'told' if told else 'not told'}",
        ok=throttled and told and (0 < calls <= LIMIT if deaths else calls == LIMIT),
    )


def _days_after(scene: Scene, settings: Settings, job: Job, account: str) -> Row:
    calls, days, most = len(scene.report(account)["calls"]), 1, 0
    while (now := _job(settings, job)).status is JobStatus.THROTTLED and days < 6:
        tomorrow = _later(settings, days * DAY + LEASE_RUNS_OUT)
        beat = open_runtime(tomorrow)
        beat.upkeep.day_turn()
        beat.close()
        Day(tomorrow, job).end(30.0)
        made = len(scene.report(account)["calls"])
        calls, days, most = made, days + 1, max(most, made - calls)
    return Row(
        name="and it goes on by itself as the day turns",
        goal=f"COMPLETED, {LIMIT} calls a day at most",
        measured=f"{now.status} on day {days}, {now.counts.stored} records, {most} calls a day at most",
        ok=now.status is JobStatus.COMPLETED and most <= LIMIT and now.counts.stored == _records(),
    )


def _job(settings: Settings, job: Job) -> Job:
    store = Store.open(settings.database_url)
    try:
        return store.jobs.by_id(job.id)
    finally:
        store.close()


def _records() -> int:
    return sum(PAGES * SIZE - number for number in range(SIDE_BY_SIDE))  # each step begins one record later
