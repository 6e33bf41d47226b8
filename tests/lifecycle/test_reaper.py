"""What is left over at the vendor is stopped where we made it and nobody needs it, never where it might be foreign."""

from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest

from orchestrator.job.criteria import Operation
from orchestrator.job.record import Job
from orchestrator.job.status import JobStatus
from orchestrator.lifecycle.reaper import Reaper
from orchestrator.providers.salesforce.ingest import SalesforceIngest
from orchestrator.sandbox.faults import Fault, Match, Moment
from orchestrator.sandbox.options import Options
from orchestrator.upkeep import Upkeep
from tests.lifecycle.workshop import LEASE_RUNS_OUT, Workshop, people

HOURS = timedelta(hours=2)
NO = Fault(status=403, body='[{"errorCode":"NO","message":"no"}]', media="application/json")
CREATE, FILL = Match(method="POST", path="ingest$"), Match(path="batches")


@pytest.fixture
def options(options: Options) -> Options:
    """An org with a dozen jobs of other integrations."""
    return Options(people=0, rate=0, speed=0, sf_speed=0, sf_foreign_jobs=12)


def an_upload(workshop: Workshop) -> Job:
    asked: dict[str, Any] = {"object_name": "Contact", "operation": Operation.INSERT, "external_id_field": None}
    return workshop.upload("salesforce", b"LastName\nAmber\nBirch\n", **asked)


def stopped(workshop: Workshop, fill: int = 1) -> Job:
    """Return a job that the vendor's refusal of its first fill, or a later one, has stopped."""
    workshop.connect("salesforce")
    workshop.sandbox.world.order(NO, FILL, after=fill - 1)
    job = workshop.run(an_upload(workshop))
    assert job.status is JobStatus.ABORTED
    return job


def states(workshop: Workshop) -> dict[str, str]:
    """Return the state of every ingest job of ours at the vendor."""
    with workshop.sandbox.world.lock:
        return {job["id"]: str(job["state"]) for job in workshop.sandbox.world.salesforce.stats()["ingest"]["jobs"]}


def foreign(workshop: Workshop) -> dict[str, str]:
    """Return the state of every job of somebody else."""
    with workshop.sandbox.world.lock:
        jobs = workshop.sandbox.world.salesforce.jobs
        assert jobs.foreign_writes == 0
        return {job.id: str(job.state) for job in jobs.all.values() if job.foreign}


def ingest(workshop: Workshop) -> Any:
    with workshop.sandbox.world.lock:
        return workshop.sandbox.world.salesforce.stats()["ingest"]


@pytest.mark.parametrize("fill", [1, 2])
def test_what_an_aborted_job_left_open_is_stopped_and_a_restart_sends_its_rows_anew(
    workshop: Workshop, upkeep: Upkeep, monkeypatch: pytest.MonkeyPatch, fill: int
) -> None:
    monkeypatch.setattr(SalesforceIngest, "chunk_rows", 1)
    job = stopped(workshop, fill)
    others = foreign(workshop)
    workshop.passes(HOURS)

    reaped = upkeep.reap()
    left = set(states(workshop).values())
    workshop.lifecycle.restart(workshop.tenant.id, job.id)
    done = workshop.run(job)

    assert (reaped, left, workshop.told(job, "vendor_job.reaped")[0]["aborted"]) == (2, {"Aborted"}, True)
    assert (done.status, done.counts.sent, done.counts.accepted) == (JobStatus.COMPLETED, 2, 2)
    assert (ingest(workshop)["released"], ingest(workshop)["rows_sent_twice"]) == (2, 0)
    assert (foreign(workshop), len(others)) == (others, 12)
    assert workshop.sweeps_find() == []


def test_an_aborted_job_has_an_hour_for_its_restart(workshop: Workshop, upkeep: Upkeep) -> None:
    job = stopped(workshop)

    reaped = upkeep.reap()
    workshop.lifecycle.restart(workshop.tenant.id, job.id)
    workshop.run(job)

    assert (reaped, len(states(workshop))) == (0, 1)


@pytest.mark.parametrize("kind", ["create", "upload", "release", "poll"])
def test_what_a_job_that_goes_on_needs_is_left_alone(workshop: Workshop, upkeep: Upkeep, kind: str) -> None:
    workshop.connect("salesforce")
    job = an_upload(workshop)
    workshop.run_until_due(job, kind)
    workshop.passes(HOURS)

    reaped = upkeep.reap()

    assert reaped == 0
    assert workshop.run(job).counts.accepted == 2


def test_a_suspected_orphan_is_reported_and_never_touched(workshop: Workshop, upkeep: Upkeep) -> None:
    workshop.connect("salesforce")
    workshop.sandbox.world.order(Fault(status=503, when=Moment.AFTER), CREATE)
    job = workshop.run(an_upload(workshop))
    workshop.passes(HOURS)

    upkeep.reap()

    (orphan,) = (data["vendorJobId"] for data in workshop.told(job, "vendor_job.suspected_orphan"))
    assert (job.status, states(workshop)[orphan]) == (JobStatus.COMPLETED, "Open")
    assert len(foreign(workshop)) == 12


def test_what_a_worker_made_after_it_was_fenced_is_known_and_stopped(workshop: Workshop, upkeep: Upkeep) -> None:
    workshop.connect("salesforce")
    job = an_upload(workshop)

    with workshop.asleep(job, freeze_after="POST /services/data/v61.0/jobs/ingest"):
        workshop.passes(LEASE_RUNS_OUT)
        workshop.run(job, workshop.worker("worker-2").turns)
    reaped = upkeep.reap()

    (late,) = workshop.told(job, "vendor_job.late_id")
    assert (reaped, states(workshop)[late["id"]], late["kept"]) == (1, "Aborted", False)
    assert sorted(states(workshop).values()) == ["Aborted", "JobComplete"]
    assert (workshop.job(job).counts.accepted, len(foreign(workshop))) == (2, 12)


def test_an_answer_that_comes_late_does_not_name_the_job_in_use_as_left_over(
    workshop: Workshop, upkeep: Upkeep
) -> None:
    workshop.connect("salesloft")
    job = workshop.upload("salesloft", people(3))

    with workshop.asleep(job, freeze_after="POST /v2/bulk_jobs"):
        workshop.passes(LEASE_RUNS_OUT)
        workshop.run(job, workshop.worker("worker-2").turns)

    assert workshop.job(job).counts.accepted == 3
    assert len(workshop.store.vendor_jobs.of_job(job.id)) == 1
    assert upkeep.reap() == 0


def test_what_a_lost_fill_left_is_done_with_once(workshop: Workshop, upkeep: Upkeep) -> None:
    workshop.connect("salesforce")
    workshop.sandbox.world.order(Fault(status=503, when=Moment.AFTER), FILL)
    job = workshop.run(an_upload(workshop))

    reaped = [upkeep.reap(), upkeep.reap()]

    assert (job.status, reaped) == (JobStatus.COMPLETED, [1, 0])
    assert sorted(states(workshop).values()) == ["Aborted", "JobComplete"]


def test_a_vendor_job_that_is_gone_is_done_with_too(workshop: Workshop, upkeep: Upkeep) -> None:
    job = stopped(workshop)
    workshop.passes(HOURS)
    with workshop.sandbox.world.lock:
        workshop.sandbox.world.salesforce.jobs.all.clear()

    reaped = upkeep.reap()

    assert (reaped, workshop.told(job, "vendor_job.reaped")[0]["aborted"]) == (1, False)


def test_a_vendor_that_is_down_is_asked_again_the_next_time(workshop: Workshop, upkeep: Upkeep) -> None:
    stopped(workshop)
    workshop.passes(HOURS)
    workshop.sandbox.world.order(Fault(status=503), times=1)

    reaped = [upkeep.reap(), upkeep.reap()]

    assert reaped == [0, 1]
    assert list(states(workshop).values()) == ["Aborted"]


def test_a_budget_that_is_used_up_is_left_alone(workshop: Workshop, upkeep: Upkeep) -> None:
    workshop.connect("salesforce", limits=[{"kind": "quota", "amount": 2}])
    workshop.sandbox.world.order(NO, FILL)
    workshop.run(an_upload(workshop))
    workshop.passes(HOURS)
    before = dict(workshop.routes)

    reaped = upkeep.reap()

    assert (reaped, dict(workshop.routes)) == (0, before)


def test_several_reapers_at_once_do_no_harm(workshop: Workshop) -> None:
    job = stopped(workshop)
    workshop.passes(HOURS)
    barrier = Barrier(3)

    def reap() -> None:
        barrier.wait(10)
        Reaper(workshop.store, workshop.vendors).reap()

    threads = [Thread(target=reap) for _ in range(3)]
    [thread.start() for thread in threads]
    [thread.join(20) for thread in threads]

    assert list(states(workshop).values()) == ["Aborted"]
    assert len(workshop.told(job, "vendor_job.reaped")) == 1


def test_a_restart_at_the_same_moment_keeps_its_vendor_job(workshop: Workshop) -> None:
    job = stopped(workshop)
    workshop.passes(HOURS)
    (owned,) = workshop.store.reaping.due()

    workshop.lifecycle.restart(workshop.tenant.id, job.id)
    abandoned = workshop.store.reaping.abandon(owned)

    assert not abandoned
    assert workshop.run(job).counts.accepted == 2
    assert list(states(workshop).values()) == ["JobComplete"]
