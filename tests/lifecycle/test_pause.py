"""Pause and resume, in the middle of turns and of everything else."""

from datetime import timedelta

import pytest

from orchestrator.job.errors import Conflict
from orchestrator.job.status import JobStatus
from orchestrator.sandbox.faults import Fault
from tests.lifecycle.workshop import Workshop


@pytest.mark.usefixtures("a_checkpoint_each_page")
def test_a_pause_takes_effect_at_the_next_checkpoint_and_keeps_what_was_read(workshop: Workshop) -> None:
    job = workshop.download(workshop.connect("rest"), "items", page_size=100)

    with workshop.asleep(job, freeze_before="GET /rest/items#5"):
        workshop.lifecycle.pause(workshop.tenant.id, job.id)
    fetch, stored = workshop.step_of(job, "fetch"), workshop.job(job).counts.stored
    calls = sum(workshop.routes.values())
    turns = workshop.round()
    workshop.lifecycle.resume(workshop.tenant.id, job.id)
    done = workshop.run(job)

    assert (fetch["state"], fetch["lease_until"], turns) == ("stopped", None, 0)
    assert calls <= 7
    assert 300 <= stored < 1_000
    assert done.status is JobStatus.COMPLETED
    assert [record["id"] for record in workshop.lines(job)] == list(range(1, 1_001))


def test_a_resume_during_the_turn_that_was_paused_gives_the_step_to_nobody_else(workshop: Workshop) -> None:
    job = workshop.download(workshop.connect("rest"), "items")

    with workshop.asleep(job, freeze_before="GET /rest/items#2"):
        workshop.lifecycle.pause(workshop.tenant.id, job.id)
        workshop.lifecycle.resume(workshop.tenant.id, job.id)
        taken = workshop.round()
    done = workshop.run(job)

    assert taken == 0
    assert done.status is JobStatus.COMPLETED
    assert workshop.step_of(job, "fetch")["lease_epoch"] == 1


@pytest.mark.usefixtures("a_checkpoint_each_page")
def test_a_cancel_fences_a_turn_that_was_paused_and_still_runs(workshop: Workshop) -> None:
    job = workshop.download(workshop.connect("rest"), "items", page_size=100)

    with workshop.asleep(job, freeze_before="GET /rest/items#5"):
        workshop.lifecycle.pause(workshop.tenant.id, job.id)
        workshop.lifecycle.cancel(workshop.tenant.id, job.id)
        stored = workshop.job(job).counts.stored

    assert workshop.job(job).counts.stored == stored
    assert workshop.step_of(job, "fetch")["state"] == "stopped"


def test_a_job_that_is_stopped_while_paused_is_restarted_not_resumed(workshop: Workshop) -> None:
    job = workshop.download(workshop.connect("rest"), "items")
    workshop.sandbox.world.order(Fault(status=403))

    with workshop.asleep(job, freeze_before="commit Stopped"):
        workshop.lifecycle.pause(workshop.tenant.id, job.id)
    stopped = workshop.job(job)
    with pytest.raises(Conflict):
        workshop.lifecycle.resume(workshop.tenant.id, job.id)
    found = workshop.sweeps_find()
    workshop.lifecycle.restart(workshop.tenant.id, job.id)

    assert (stopped.status, found) == (JobStatus.ABORTED, [])
    assert workshop.run(job).status is JobStatus.COMPLETED


def test_a_paused_throttled_job_stays_paused_when_the_day_turns(workshop: Workshop) -> None:
    job = workshop.download(workshop.connect("rest"), "items", page_size=300, api_limit=2)
    workshop.run(job)
    workshop.lifecycle.pause(workshop.tenant.id, job.id)
    workshop.passes(timedelta(days=1))

    while_paused = workshop.store.sweeps.throttled_and_due()
    workshop.lifecycle.resume(workshop.tenant.id, job.id)

    assert while_paused == []
    assert workshop.store.sweeps.throttled_and_due() == [job.id]


def test_a_pause_of_a_job_that_waits_to_begin_holds_it(workshop: Workshop) -> None:
    job = workshop.download(workshop.connect("rest"), "items")

    workshop.lifecycle.pause(workshop.tenant.id, job.id)
    held = workshop.round()
    workshop.lifecycle.resume(workshop.tenant.id, job.id)

    assert held == 0
    assert workshop.run(job).status is JobStatus.COMPLETED
