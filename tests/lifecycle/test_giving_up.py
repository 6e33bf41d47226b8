"""When a job is given up and why, and what a restart makes of it."""

from datetime import timedelta
from typing import Any

import pytest

from orchestrator.job.status import JobStatus, StopReason
from orchestrator.lifecycle.take import back_off
from orchestrator.sandbox.faults import Fault, Match
from tests.lifecycle.seams import Died
from tests.lifecycle.workshop import LEASE_RUNS_OUT, Workshop, people
from tests.servers import free_port

HOUR = timedelta(hours=1)


def test_a_vendor_that_is_down_for_too_long_ends_in_an_outage_and_a_restart_goes_on(workshop: Workshop) -> None:
    job = workshop.download(workshop.connect("rest"), "items", page_size=100, give_up_after=HOUR)
    workshop.sandbox.world.order(Fault(status=503), after=3, times=None)

    stopped = workshop.run(job)
    stored = stopped.counts.stored
    workshop.sandbox.world.faults.clear()
    workshop.lifecycle.restart(workshop.tenant.id, job.id)
    done = workshop.run(job)

    assert (stopped.status, stopped.stop_reason) == (JobStatus.ABORTED, StopReason.OUTAGE)
    assert HOUR < stopped.completed_at - stopped.progress_at < HOUR + timedelta(minutes=6)
    assert 0 < stored < 1_000
    assert done.status is JobStatus.COMPLETED
    assert done.counts.read == 1_000
    assert [record["id"] for record in workshop.lines(job)] == list(range(1, 1_001))


def test_a_step_that_kills_five_workers_stops_its_job_and_a_restart_gives_it_another_chance(workshop: Workshop) -> None:
    job = workshop.download(workshop.connect("rest"), "items")
    for _ in range(5):
        workshop.seams.begin(die_after="GET /rest/items")
        with pytest.raises(Died):
            workshop.round()
        workshop.passes(LEASE_RUNS_OUT)

    workshop.seams.begin()
    stopped = workshop.run(job)
    calls = workshop.seams.seen.count("GET /rest/items")
    workshop.lifecycle.restart(workshop.tenant.id, job.id)

    assert (stopped.status, stopped.stop_reason) == (JobStatus.ABORTED, StopReason.POISON_STEP)
    assert calls == 0
    assert workshop.run(job).status is JobStatus.COMPLETED


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("most", [{"max_errors": 5}, {"max_error_rate": 0.2}], ids=str)
def test_too_many_errors_stop_the_job_before_its_next_release(workshop: Workshop, most: dict[str, Any]) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(40, bad=10) + people(40).split(b"\n", 1)[1], **most)
    workshop.turns.take_turn(workshop.run_until_due(job, "split"))
    while first := [step for step in workshop.steps_of(job) if step["vendor_seq"] == 1 and step["state"] == "ready"]:
        workshop.passes(timedelta(seconds=1))
        workshop.turns.take_turn(first[0]["id"])

    stopped = workshop.run(job)

    assert (stopped.status, stopped.stop_reason) == (JobStatus.ABORTED, StopReason.ERROR_THRESHOLD)
    assert (stopped.counts.accepted, stopped.counts.refused) == (30, 10)
    assert workshop.bulk["released"] == 1


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("most", [{"max_errors": 10}, {"max_error_rate": 0.5}], ids=str)
def test_errors_up_to_the_threshold_stop_nothing(workshop: Workshop, most: dict[str, Any]) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(40, bad=10) + people(40).split(b"\n", 1)[1], **most)

    done = workshop.run(job)

    assert (done.status, done.counts.accepted, done.counts.refused) == (JobStatus.COMPLETED, 70, 10)


def test_a_vendor_job_that_stands_still_is_given_up_and_a_restart_looks_again(workshop: Workshop) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(3), give_up_after=HOUR)
    workshop.sandbox.world.change({"speed": 1, "start_after": 1e9})

    stopped = workshop.run(job)
    workshop.sandbox.world.change({"speed": 0, "start_after": 0})
    workshop.lifecycle.restart(workshop.tenant.id, job.id)
    done = workshop.run(job)

    assert (stopped.status, stopped.stop_reason) == (JobStatus.ABORTED, StopReason.VENDOR_STUCK)
    assert done.status is JobStatus.COMPLETED
    assert workshop.bulk["released"] == 1


def test_workers_that_were_away_do_not_take_their_own_absence_for_the_vendor_s(workshop: Workshop) -> None:
    world = workshop.sandbox.world
    world.change({"speed": 1})
    world.clock.tell(True)
    job = workshop.upload(workshop.connect("salesloft"), people(3), give_up_after=HOUR)
    workshop.run_until_due(job, "poll")
    world.clock.advance(1)
    workshop.round()

    workshop.passes(timedelta(days=3))
    world.clock.advance(1)
    workshop.round()
    world.clock.advance(1)
    done = workshop.run(job)

    assert done.status is JobStatus.COMPLETED


def test_a_job_that_stood_in_line_for_days_is_not_given_up_at_its_first_failure(workshop: Workshop) -> None:
    job = workshop.download(workshop.connect("rest"), "items", give_up_after=HOUR)
    workshop.sandbox.world.order(Fault(status=503), after=1, times=3)
    workshop.seams.begin(die_after="GET /rest/items")
    with pytest.raises(Died):
        workshop.round()

    workshop.passes(timedelta(days=3))
    done = workshop.run(job)

    assert done.status is JobStatus.COMPLETED


def test_failures_double_the_back_off_up_to_five_minutes() -> None:
    pauses = [back_off(failures).total_seconds() for failures in range(40)]

    assert all(2.0**failures / 2 <= pauses[failures] <= 2.0**failures for failures in range(9))
    assert all(150 <= pause <= 300 for pause in pauses[9:])
    assert len(set(pauses)) == 40


def test_a_step_that_fails_again_and_again_waits_longer_each_time_and_an_answer_forgives_it(
    workshop: Workshop,
) -> None:
    job = workshop.download(workshop.connect("rest"), "items")
    workshop.sandbox.world.order(Fault(status=503), times=3)
    failures = []

    for _ in range(4):
        workshop.round()
        failures.append(workshop.step_of(job, "fetch")["failures"])
        workshop.waits()

    assert failures == [1, 2, 3, 0]


def test_a_vendor_that_cannot_even_be_reached_is_given_up_too(workshop: Workshop) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    job = workshop.upload(workshop.connect("salesloft", base_url=nobody), people(3), give_up_after=HOUR)

    stopped = workshop.run(job)

    assert (stopped.status, stopped.stop_reason) == (JobStatus.ABORTED, StopReason.OUTAGE)
    assert stopped.completed_at is not None
    assert stopped.completed_at - stopped.created_at < 2 * HOUR


def test_rows_that_the_vendor_loses_again_and_again_are_not_sent_for_ever(workshop: Workshop) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(3))
    workshop.sandbox.world.order(Fault(status=500), Match(method="POST", path="job_data"), times=None)

    stopped = workshop.run(job)
    created = workshop.bulk["created"]
    workshop.sandbox.world.faults.clear()
    workshop.lifecycle.restart(workshop.tenant.id, job.id)
    done = workshop.run(job)

    assert (stopped.status, stopped.stop_reason) == (JobStatus.ABORTED, StopReason.OUTAGE)
    assert created == 9
    assert (done.status, done.counts.accepted) == (JobStatus.COMPLETED, 3)
    assert workshop.bulk["rows_released"] == 3
