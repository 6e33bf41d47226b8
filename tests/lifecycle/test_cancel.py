"""Cancel, in every status and at every moment: what the vendor must not do, it never does."""

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
    ended = workshop.run(job)

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
