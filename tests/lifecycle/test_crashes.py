"""The crash table: a worker dies after, or sleeps before, every single thing it does; another one goes on.

I1, I2, I3 and I9 at once: whatever the moment, each row is handled exactly once, no row is told twice, and the result
is what an undisturbed run gives.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from orchestrator.job.record import Job
from orchestrator.job.status import JobOutcome, JobStatus
from orchestrator.sandbox.faults import Fault, Match, Moment
from tests.lifecycle.seams import Died
from tests.lifecycle.workshop import LEASE_RUNS_OUT, Workshop, people

pytestmark = pytest.mark.usefixtures("small_chunks", "a_checkpoint_each_page")

BAD_ROW = b"too,many,cells\n"
MORE_ROW = b"late@orchard.test,Lena\n"


def the_file() -> bytes:
    """Return two chunks of rows that the vendor takes, rows that it refuses, and rows that are never sent."""
    return people(30, bad=3) + BAD_ROW + MORE_ROW + BAD_ROW


def dies_or_not(workshop: Workshop, job: Job) -> None:
    """Run with the first worker until it dies, if it does; then let another one go on."""
    try:
        workshop.run(job)
    except Died:
        workshop.passes(LEASE_RUNS_OUT)
        workshop.run(job, workshop.worker("worker-2").turns)


def sleeps_or_not(workshop: Workshop, job: Job, number: int) -> None:
    """Run with a worker that may fall asleep; another one ends the job, then the first wakes up and goes on."""
    with workshop.asleep(job, freeze_before=number) as sleeper:
        sleeper.heartbeat.ages(LEASE_RUNS_OUT)
        workshop.passes(LEASE_RUNS_OUT)
        workshop.run(job, workshop.worker("worker-2").turns)


def an_upload(workshop: Workshop) -> Job:
    """Submit the file to a vendor that knows nothing yet."""
    workshop.sandbox.world.reset()
    return workshop.upload("salesloft", the_file())


def check_upload(workshop: Workshop, job: Job) -> None:
    """Check what must be true of an upload whatever happened on the way."""
    done, bulk = workshop.job(job), workshop.bulk
    counts = done.counts
    assert (done.status, done.outcome) == (JobStatus.COMPLETED, JobOutcome.PARTIAL)
    assert (counts.sent, counts.accepted, counts.refused, counts.invalid) == (31, 28, 3, 2)
    assert [line["id"] for line in workshop.lines(job)] == list(range(1, 34))
    assert (bulk["rows_released"], bulk["duplicates"], bulk["released"]) == (31, 0, 1)
    assert workshop.sweeps_find() == []


def check_download(workshop: Workshop, job: Job, undisturbed: Job) -> None:
    """Check that a download ended as it would have without any disturbance, byte for byte."""
    done = workshop.job(job)
    assert done.status is JobStatus.COMPLETED
    assert workshop.result(job) == workshop.result(undisturbed)
    assert done.counts == workshop.job(undisturbed).counts
    assert workshop.sweeps_find() == []


@contextmanager
def told(workshop: Workshop, job: Job) -> Iterator[None]:
    """Tell with a failure at which moment it happened, and what became of the job."""
    try:
        yield
    except AssertionError as error:
        error.add_note(f"at {workshop.seams.struck}; {workshop.steps_of(job)} {workshop.story(job)}")
        raise


def moments_of(workshop: Workshop, job: Job) -> range:
    """Run the job without any disturbance, and return the numbers of its moments.

    On PostgreSQL every third is enough: the moments are the same, and races have tests of their own.
    """
    workshop.seams.begin()
    workshop.run(job)
    return range(0, len(workshop.seams.seen), 3 if workshop.database.dialect == "postgresql" else 1)


def test_an_upload_survives_a_death_after_anything_it_does(workshop: Workshop) -> None:
    workshop.connect("salesloft")

    for number in moments_of(workshop, an_upload(workshop)):
        job = an_upload(workshop)
        workshop.seams.begin(die_after=number)
        dies_or_not(workshop, job)

        with told(workshop, job):
            check_upload(workshop, job)


def test_an_upload_survives_a_sleeper_that_wakes_up_before_anything_it_does(workshop: Workshop) -> None:
    workshop.connect("salesloft")

    for number in moments_of(workshop, an_upload(workshop)):
        job = an_upload(workshop)
        sleeps_or_not(workshop, job, number)

        with told(workshop, job):
            check_upload(workshop, job)


@pytest.mark.parametrize("total", [True, False], ids=["total is told", "total is not told"])
def test_an_upload_survives_a_death_while_it_looks_for_a_lost_fill(workshop: Workshop, total: bool) -> None:
    workshop.connect("salesloft")
    lost = Match(method="POST", path="job_data")

    def with_a_lost_fill() -> Job:
        job = an_upload(workshop)
        workshop.sandbox.world.change({"total_while_open": total})
        workshop.sandbox.world.order(Fault(cut=Moment.BEFORE), lost)
        return job

    moments = moments_of(workshop, with_a_lost_fill())
    first = workshop.seams.seen.index("POST /v2/bulk_jobs/90417/job_data")

    for number in range(first, first + 20, moments.step):
        job = with_a_lost_fill()
        workshop.seams.begin(die_after=number)
        dies_or_not(workshop, job)

        with told(workshop, job):
            check_upload(workshop, job)


def test_a_download_survives_a_death_after_anything_it_does(workshop: Workshop) -> None:
    workshop.connect("rest")
    undisturbed = workshop.download("rest", "items", page_size=200)

    for number in moments_of(workshop, undisturbed):
        job = workshop.download("rest", "items", page_size=200)
        workshop.seams.begin(die_after=number)
        dies_or_not(workshop, job)

        with told(workshop, job):
            check_download(workshop, job, undisturbed)


def test_a_download_survives_a_sleeper_that_wakes_up_before_anything_it_does(workshop: Workshop) -> None:
    workshop.connect("rest")
    undisturbed = workshop.download("rest", "items", page_size=200)

    for number in moments_of(workshop, undisturbed):
        job = workshop.download("rest", "items", page_size=200)
        sleeps_or_not(workshop, job, number)

        with told(workshop, job):
            check_download(workshop, job, undisturbed)
