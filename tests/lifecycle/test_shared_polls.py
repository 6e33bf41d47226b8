"""Many vendor jobs are looked at by one call of the vendor's list."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.job.criteria import Operation
from orchestrator.job.record import Job
from orchestrator.job.status import JobStatus, WaitReason
from orchestrator.providers.salesforce.ingest import SalesforceIngest
from orchestrator.sandbox.faults import Fault, Match
from orchestrator.sandbox.options import Options
from tests.lifecycle.seams import Died
from tests.lifecycle.workshop import LEASE_RUNS_OUT, Workshop

LIST, LOOK = "GET /services/data/vXX.X/jobs/ingest", "GET /services/data/vXX.X/jobs/ingest/{id}"
VENDOR_JOBS = 6
CALLS = 1 + 3 * VENDOR_JOBS  # to see the fields; then to make, fill and release each


@pytest.fixture
def options(options: Options) -> Options:
    """An org with a dozen jobs of other integrations, whose own are seen to run once."""
    return replace(options, sf_speed=0, sf_foreign_jobs=12)


@pytest.fixture(autouse=True)
def _small_vendor_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SalesforceIngest, "chunk_rows", 1)


def polling(workshop: Workshop, rows: int = VENDOR_JOBS, **criteria: Any) -> tuple[Job, Sequence[int]]:
    """Return a job whose vendor jobs are all released, and its polls, all of them due."""
    asked: dict[str, Any] = {"object_name": "Contact", "operation": Operation.INSERT, "external_id_field": None}
    file = "LastName\n" + "".join(f"Amber {number}\n" for number in range(rows))
    job = workshop.upload("salesforce", file.encode(), **(asked | criteria))
    while len(polls := workshop.due("poll")) < rows:
        if not sum(workshop.turns.take_turn(step) for step in workshop.due("split", "create", "upload", "release")):
            workshop.waits()
    return job, polls


def calls(workshop: Workshop) -> tuple[int, int]:
    """Return how often the list was asked for, and a job alone."""
    return workshop.routes.get(LIST, 0), workshop.routes.get(LOOK, 0)


def test_one_list_call_takes_the_place_of_many_looks(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    job, polls = polling(workshop)
    before = workshop.job(job)

    workshop.turns.take_turn(polls[0])

    waiting = [step["wait_reason"] for step in workshop.steps_of(job) if step["kind"] == "poll"]
    assert (calls(workshop), waiting) == ((1, 0), [WaitReason.VENDOR_JOB] * VENDOR_JOBS)
    assert workshop.row_of(job)["api_calls_total"] == workshop.row_of(before)["api_calls_total"]
    assert sum(workshop.store.usage.of(job.budget_id).values()) == 0


def test_a_job_that_is_polled_by_lists_ends_as_any_other(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    job, _ = polling(workshop)

    done = workshop.run(job)

    lists, looks = calls(workshop)
    assert (done.status, done.counts.sent, done.counts.accepted) == (JobStatus.COMPLETED, VENDOR_JOBS, VENDOR_JOBS)
    assert lists + looks < VENDOR_JOBS
    assert workshop.sweeps_find() == []


def test_a_poll_alone_looks_at_its_job_alone(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    job, _ = polling(workshop, rows=1)

    workshop.run(job)

    assert calls(workshop) == (0, 2)


def test_a_shared_call_is_paid_for_by_the_budget_and_not_by_the_jobs_own_limit(workshop: Workshop) -> None:
    workshop.connect("salesforce", limits=[{"kind": "quota", "amount": 100_000}])
    job, polls = polling(workshop, api_limit=CALLS)
    before = sum(workshop.store.usage.of(job.budget_id).values())

    workshop.turns.take_turn(polls[0])

    after = workshop.row_of(job)
    assert (after["api_calls_total"], after["status"]) == (CALLS, JobStatus.RUNNING)
    assert sum(workshop.store.usage.of(job.budget_id).values()) == before + 1


def test_what_a_long_list_does_not_show_in_time_is_looked_at_by_itself(workshop: Workshop) -> None:
    workshop.sandbox.world.change({"sf_list_page": 8, "sf_shuffle": 0})
    workshop.connect("salesforce")
    job, polls = polling(workshop)

    workshop.turns.take_turn(polls[0])

    lists, looks = calls(workshop)
    assert (lists, 0 < looks < VENDOR_JOBS) == (1, True)
    assert workshop.run(job).counts.accepted == VENDOR_JOBS


def test_an_outage_of_the_list_lets_all_of_them_wait(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    job, polls = polling(workshop)
    workshop.sandbox.world.order(Fault(status=503), Match(method="GET", path="jobs/ingest"))

    workshop.turns.take_turn(polls[0])

    waiting = [step["wait_reason"] for step in workshop.steps_of(job) if step["kind"] == "poll"]
    assert waiting == [WaitReason.BACK_OFF] * VENDOR_JOBS
    assert workshop.run(job).counts.accepted == VENDOR_JOBS


def test_a_poll_that_somebody_else_holds_is_left_to_them(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    job, polls = polling(workshop)
    theirs = workshop.store.claims.claim(polls[3], "worker-2")

    workshop.turns.take_turn(polls[0])

    epochs = {step["id"]: step["lease_epoch"] for step in workshop.steps_of(job) if step["kind"] == "poll"}
    assert theirs is not None
    assert epochs == dict.fromkeys(polls, 1)
    assert [step["lease_owner"] for step in workshop.steps_of(job) if step["id"] == polls[3]] == ["worker-2"]


@pytest.mark.parametrize("moment", ["GET /services/data/v61.0/jobs/ingest", "claim#5", "commit Wait#5"])
def test_a_worker_that_dies_with_many_polls_in_hand_costs_no_row(workshop: Workshop, moment: str) -> None:
    workshop.connect("salesforce")
    job, polls = polling(workshop)
    workshop.seams.begin(die_after=moment)

    with pytest.raises(Died):
        workshop.turns.take_turn(polls[0])
    workshop.passes(LEASE_RUNS_OUT)
    done = workshop.run(job, workshop.worker("worker-2").turns)

    assert (done.status, done.counts.accepted) == (JobStatus.COMPLETED, VENDOR_JOBS)
    assert workshop.sweeps_find() == []


def test_a_job_that_is_canceled_while_the_list_is_read_is_not_moved(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    job, _ = polling(workshop)

    with workshop.asleep(job, once=True, freeze_after="GET /services/data/v61.0/jobs/ingest"):
        workshop.lifecycle.cancel(workshop.tenant.id, job.id)
    canceled = workshop.run(job)

    assert canceled.status is JobStatus.CANCELED
    assert [step["state"] for step in workshop.steps_of(job) if step["kind"] == "poll"] == ["stopped"] * VENDOR_JOBS


def test_polls_of_several_jobs_share_a_call_and_those_of_others_do_not(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    first, _ = polling(workshop, rows=3)
    second, polls = polling(workshop, rows=4)

    workshop.turns.take_turn(polls[0])

    assert calls(workshop) == (1, 0)
    assert {workshop.step_of(job, "split")["state"] for job in (first, second)} == {"done"}
