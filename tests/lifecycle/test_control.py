"""What a person does to a job, at any moment of its life: cancel, pause, resume, restart."""

from datetime import timedelta

import pytest

from orchestrator.job.chunk import VendorJobState
from orchestrator.job.errors import Conflict
from orchestrator.job.record import Job
from orchestrator.job.status import JobStatus, StopReason
from orchestrator.sandbox.faults import Fault
from tests.lifecycle.seams import Died
from tests.lifecycle.workshop import LEASE_RUNS_OUT, Workshop, people

RELEASE = "PUT /v2/bulk_jobs/90417"
HOUR = timedelta(hours=1)


def cancel(workshop: Workshop, job: Job) -> JobStatus:
    return workshop.lifecycle.cancel(workshop.tenant.id, job.id).status


def state_of_the_vendor_job(workshop: Workshop, job: Job) -> VendorJobState:
    (vendor_job,) = workshop.store.vendor_jobs.of_job(job.id)
    return vendor_job.state


@pytest.mark.parametrize("step", ["split", "create"])
def test_a_job_that_the_vendor_does_not_know_is_canceled_at_once(workshop: Workshop, step: str) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(3))
    workshop.run_until_due(job, step)

    status = cancel(workshop, job)

    assert status is JobStatus.CANCELED
    assert workshop.round() == 0
    assert workshop.routes == {}


@pytest.mark.parametrize("step", ["upload", "release"])
def test_an_unreleased_vendor_job_is_abandoned_and_never_released(workshop: Workshop, step: str) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(3))
    workshop.run_until_due(job, step)

    status = cancel(workshop, job)
    ended = workshop.run(job)

    assert status is JobStatus.CANCELLATION_PENDING
    assert (ended.status, ended.stop_reason) == (JobStatus.CANCELED, None)
    assert state_of_the_vendor_job(workshop, job) is VendorJobState.ABANDONED
    assert workshop.bulk["released"] == 0
    assert workshop.sweeps_find() == []


def test_a_released_vendor_job_runs_on_and_the_job_says_so(workshop: Workshop) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(3))
    workshop.run_until_due(job, "poll")

    cancel(workshop, job)
    ended = workshop.run(job)

    assert (ended.status, ended.stop_reason) == (JobStatus.CANCELED, StopReason.VENDOR_RUNS_ON)
    assert workshop.told(job, "vendor_job.runs_on") == [{"vendorJobId": "90417", "rowsDone": 3}]


def test_a_release_that_may_be_on_its_way_is_not_called_harmless(workshop: Workshop) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(3))

    with workshop.asleep(job, freeze_before=RELEASE):
        cancel(workshop, job)
    ended = workshop.run(job)

    assert (ended.status, ended.stop_reason) == (JobStatus.CANCELED, StopReason.VENDOR_RUNS_ON)
    assert workshop.bulk["released"] == 1


def test_a_vendor_job_that_is_done_needs_no_abort(workshop: Workshop) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(3))
    workshop.run_until_due(job, "fetch")

    status = cancel(workshop, job)

    assert status is JobStatus.CANCELED


@pytest.mark.parametrize("moment", ["before the release", "after the release"])
def test_a_cancel_between_fill_and_release_decides_once_and_for_all(workshop: Workshop, moment: str) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(3))
    release = workshop.run_until_due(job, "release")
    if moment == "after the release":
        workshop.turns.take_turn(release)

    cancel(workshop, job)
    workshop.turns.take_turn(release)
    workshop.run(job)

    assert workshop.bulk["released"] == (moment == "after the release")


def test_a_throttled_job_is_canceled(workshop: Workshop) -> None:
    job = workshop.download(workshop.connect("rest"), "items", page_size=100, api_limit=2)
    assert workshop.run(job).status is JobStatus.THROTTLED

    status = cancel(workshop, job)

    assert status is JobStatus.CANCELED
    workshop.passes(timedelta(days=2))
    assert workshop.store.sweeps.throttled_and_due() == []


def test_a_paused_job_is_canceled_and_cannot_be_resumed_any_more(workshop: Workshop) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(3))
    workshop.run_until_due(job, "upload")
    workshop.lifecycle.pause(workshop.tenant.id, job.id)

    cancel(workshop, job)
    ended = workshop.run(job)

    assert ended.status is JobStatus.CANCELED
    with pytest.raises(Conflict):
        workshop.lifecycle.resume(workshop.tenant.id, job.id)
    assert workshop.due() == []


def test_an_id_that_comes_after_the_cancel_is_kept_and_its_vendor_job_aborted(workshop: Workshop) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(3))

    with workshop.asleep(job, freeze_after="POST /v2/bulk_jobs"):
        status = cancel(workshop, job)
    workshop.round()

    assert status is JobStatus.CANCELED
    (vendor_job,) = workshop.store.vendor_jobs.of_job(job.id)
    assert (vendor_job.remote_id, vendor_job.state) == ("90417", VendorJobState.ABANDONED)
    assert workshop.told(job, "vendor_job.late_id") == [{"id": "90417", "kept": True}]
    assert workshop.step_of(job, "abort")["state"] == "done"


def test_a_cancel_that_comes_before_the_last_commit_wins(workshop: Workshop) -> None:
    url = "https://listener.test/hook"
    job = workshop.upload(workshop.connect("salesloft"), people(3), notification_url=url)

    with workshop.asleep(job, freeze_before="commit Finished"):
        cancel(workshop, job)
    ended = workshop.run(job)

    assert (ended.status, ended.outcome) == (JobStatus.CANCELED, None)
    assert [told.kind for told in workshop.store.outbox.of_job(job.id)] == ["job.canceled"]


def test_a_cancel_that_comes_after_the_last_commit_is_refused(workshop: Workshop) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(3))
    workshop.run(job)

    with pytest.raises(Conflict):
        cancel(workshop, job)

    assert workshop.job(job).status is JobStatus.COMPLETED


def test_a_cancel_does_not_wait_for_a_vendor_that_is_down(workshop: Workshop) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(3))
    workshop.run_until_due(job, "poll")
    workshop.sandbox.world.order(Fault(status=503), times=None)

    cancel(workshop, job)
    ended = workshop.run(job, rounds=4_000)

    assert (ended.status, ended.stop_reason) == (JobStatus.CANCELED, StopReason.VENDOR_RUNS_ON)


def test_an_abort_that_kills_its_workers_does_not_hold_the_cancel_up(workshop: Workshop) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(3))
    workshop.run_until_due(job, "poll")
    cancel(workshop, job)

    for _ in range(5):
        workshop.seams.begin(die_after="GET /v2/bulk_jobs/90417")
        with pytest.raises(Died):
            workshop.round()
        workshop.passes(LEASE_RUNS_OUT)
    workshop.seams.begin()
    workshop.round()

    ended = workshop.job(job)
    assert (ended.status, ended.stop_reason) == (JobStatus.CANCELED, StopReason.VENDOR_RUNS_ON)
    assert "GET /v2/bulk_jobs/90417" not in workshop.seams.seen


@pytest.mark.usefixtures("a_checkpoint_each_page")
def test_a_pause_takes_effect_at_the_next_checkpoint_and_keeps_what_was_read(workshop: Workshop) -> None:
    job = workshop.download(workshop.connect("rest"), "items", page_size=100)

    with workshop.asleep(job, freeze_before="GET /rest/items#5"):
        workshop.lifecycle.pause(workshop.tenant.id, job.id)

    fetch = workshop.step_of(job, "fetch")
    assert (fetch["state"], fetch["lease_until"]) == ("stopped", None)
    assert workshop.routes["GET /rest/items"] <= 7
    assert 300 <= workshop.job(job).counts.stored < 1_000
    assert workshop.round() == 0

    workshop.lifecycle.resume(workshop.tenant.id, job.id)
    done = workshop.run(job)

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
        cancel(workshop, job)
        stored = workshop.job(job).counts.stored

    assert workshop.job(job).counts.stored == stored
    assert workshop.step_of(job, "fetch")["state"] == "stopped"


def test_a_job_that_is_stopped_while_paused_is_restarted_not_resumed(workshop: Workshop) -> None:
    job = workshop.download(workshop.connect("rest"), "items")
    workshop.sandbox.world.order(Fault(status=403))

    with workshop.asleep(job, freeze_before="commit Stopped"):
        workshop.lifecycle.pause(workshop.tenant.id, job.id)

    assert workshop.job(job).status is JobStatus.ABORTED
    with pytest.raises(Conflict):
        workshop.lifecycle.resume(workshop.tenant.id, job.id)
    assert workshop.sweeps_find() == []

    workshop.lifecycle.restart(workshop.tenant.id, job.id)
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


def test_a_vendor_that_is_down_for_too_long_ends_in_an_outage_and_a_restart_goes_on(workshop: Workshop) -> None:
    job = workshop.download(workshop.connect("rest"), "items", page_size=100, give_up_after=HOUR)
    workshop.sandbox.world.order(Fault(status=503), after=3, times=None)

    stopped = workshop.run(job, rounds=8_000)
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
def test_too_many_errors_stop_the_job_before_its_next_release(workshop: Workshop) -> None:
    job = workshop.upload(
        workshop.connect("salesloft"), people(40, bad=10) + people(40).split(b"\n", 1)[1], max_errors=5
    )
    workshop.turns.take_turn(workshop.run_until_due(job, "split"))
    while first := [step for step in workshop.steps_of(job) if step["vendor_seq"] == 1 and step["state"] == "ready"]:
        workshop.passes(timedelta(seconds=1))
        workshop.turns.take_turn(first[0]["id"])

    stopped = workshop.run(job)

    assert (stopped.status, stopped.stop_reason) == (JobStatus.ABORTED, StopReason.ERROR_THRESHOLD)
    assert (stopped.counts.accepted, stopped.counts.refused) == (30, 10)
    assert workshop.bulk["released"] == 1


def test_a_vendor_job_that_stands_still_is_given_up_and_a_restart_looks_again(workshop: Workshop) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(3), give_up_after=HOUR)
    workshop.sandbox.world.change({"speed": 1, "start_after": 1e9})

    stopped = workshop.run(job, rounds=8_000)
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
