"""I5, and whatever else must hold: people, workers, vendors and time do what they like, in any order.

After each act the sweeps find nothing; in the end every job that was not canceled can be brought to its end, and then
each of its rows is there exactly once.
"""

import shutil
import tempfile
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from orchestrator.job.errors import Conflict
from orchestrator.job.record import Job
from orchestrator.job.status import Direction, JobStatus
from orchestrator.sandbox.faults import Fault, Match, Moment
from orchestrator.sandbox.server import Running
from orchestrator.store.engine import Database
from tests.conftest import TimeTold
from tests.lifecycle.seams import Died
from tests.lifecycle.workshop import LEASE_RUNS_OUT, Workshop, people

ROWS = 25
HOUR = timedelta(hours=1)
FAULTS = (
    Fault(cut=Moment.BEFORE),
    Fault(cut=Moment.AFTER),
    Fault(status=503),
    Fault(status=503, when=Moment.AFTER),
    Fault(status=429, retry_after="7"),
    Fault(status=403),
    Fault(status=401),
)
ACTS = ("pause", "resume", "cancel", "restart")
jobs_ = st.integers(0, 1)


class AnyOrder(RuleBasedStateMachine):
    """A download and an upload among people, workers, vendors and time."""

    sandbox: Running
    template: Path

    @initialize(api_limit=st.sampled_from([None, 4, 9]))
    def begin(self, api_limit: int | None) -> None:
        self.directory = Path(tempfile.mkdtemp())
        shutil.copy(self.template, self.directory / "bulkhead.db")
        time_told = TimeTold()
        self.database = Database(f"sqlite:///{self.directory}/bulkhead.db", clock_shift=time_told)
        self.sandbox.world.reset()
        self.workshop = Workshop(self.database, time_told, self.sandbox)
        self.workshop.connect("rest")
        self.workshop.connect("salesloft")
        url = "https://listener.test/hook"
        self.jobs = [
            self.workshop.download("rest", "items", page_size=7, api_limit=api_limit, notification_url=url),
            self.workshop.upload("salesloft", people(ROWS, bad=2), api_limit=api_limit, notification_url=url),
        ]

    @rule(number=st.integers(0, 5))
    def a_worker_takes_a_turn(self, number: int) -> None:
        due = self.workshop.due()
        if due:
            self.workshop.turns.take_turn(due[number % len(due)])

    @rule(number=st.integers(0, 5), moment=st.integers(0, 12))
    def a_worker_dies(self, number: int, moment: int) -> None:
        self.workshop.seams.begin(die_after=moment)
        with suppress(Died):
            self.a_worker_takes_a_turn(number)
        self.workshop.seams.begin()

    @rule(number=jobs_, moment=st.integers(0, 12), act=st.sampled_from(ACTS), other=st.booleans())
    def somebody_acts_while_a_worker_sleeps(self, number: int, moment: int, act: str, other: bool) -> None:
        with self.workshop.asleep(self.jobs[number], freeze_before=moment, once=True):
            self.somebody_acts(number, act)
            if other:
                self.workshop.passes(LEASE_RUNS_OUT)
                self.workshop.round()

    @rule(number=jobs_, act=st.sampled_from(ACTS))
    def somebody_acts(self, number: int, act: str) -> None:
        with suppress(Conflict):
            getattr(self.workshop.lifecycle, act)(self.workshop.tenant.id, self.jobs[number].id)

    @rule(seconds=st.sampled_from([1, 11, 70, 3600, 86_400]))
    def time_passes(self, seconds: int) -> None:
        self.workshop.passes(timedelta(seconds=seconds))

    @rule()
    def beat_looks_after_throttled_jobs(self) -> None:
        for job_id in self.workshop.store.sweeps.throttled_and_due():
            self.workshop.lifecycle.restart(None, job_id)

    @rule(fault=st.sampled_from(FAULTS), method=st.sampled_from(["GET", "POST", "PUT"]))
    def a_vendor_is_unwell(self, fault: Fault, method: str) -> None:
        self.sandbox.world.order(fault, Match(method=method))

    @invariant()
    def nothing_is_forgotten(self) -> None:
        assert self.workshop.sweeps_find() == []

    @invariant()
    def a_final_status_has_been_told_and_no_other_has(self) -> None:
        for job in map(self.workshop.job, self.jobs):
            told = [each.kind for each in self.workshop.store.outbox.of_job(job.id)]
            assert (f"job.{job.status.lower()}" in told) or job.status not in (JobStatus.COMPLETED, JobStatus.CANCELED)
            assert told.count("job.completed") + told.count("job.canceled") <= 1

    def teardown(self) -> None:
        if not hasattr(self, "workshop"):
            return
        self.sandbox.world.faults.clear()
        try:
            for job in self.jobs:
                self.comes_to_its_end(job)
        finally:
            self.workshop.close()
            self.database.dispose()
            shutil.rmtree(self.directory)

    def comes_to_its_end(self, job: Job) -> None:
        self.workshop.passes(timedelta(days=1))
        for _ in range(60):
            with suppress(Conflict):
                self.workshop.lifecycle.resume(self.workshop.tenant.id, job.id)
            now = self.workshop.run(job)
            if now.status in (JobStatus.COMPLETED, JobStatus.CANCELED):
                break
            self.workshop.passes(timedelta(days=1))
            self.workshop.lifecycle.restart(self.workshop.tenant.id, job.id)
        if now.status is JobStatus.COMPLETED:
            self.everything_is_there_once(now)

    def everything_is_there_once(self, job: Job) -> None:
        ids = [line["id"] for line in self.workshop.lines(job)]
        if job.direction is Direction.DOWNLOAD:
            assert ids == list(range(1, 51))
            return
        assert ids == list(range(1, ROWS + 1))
        assert (job.counts.accepted, job.counts.refused) == (ROWS - 2, 2)
        assert self.workshop.bulk["rows_released"] == ROWS
        assert self.workshop.bulk["duplicates"] == 0


@pytest.mark.usefixtures("small_chunks", "a_checkpoint_each_page")
def test_no_order_of_events_forgets_a_step_or_a_row(sandbox: Running, sqlite_template: Path) -> None:
    sandbox.world._first = type(sandbox.world.switches.now)(
        people=0, accounts=0, others=0, rest_records=50, rate=0, speed=0
    )
    machine = type("Machine", (AnyOrder,), {"sandbox": sandbox, "template": sqlite_template})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
