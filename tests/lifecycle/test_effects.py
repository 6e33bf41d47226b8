"""I9: an intent precedes every effect that cannot be repeated; presence proves, absence does not."""

import pytest
from sqlalchemy import select

from orchestrator.job.chunk import VendorJobState
from orchestrator.job.status import JobStatus
from orchestrator.sandbox.faults import Fault, Match, Moment
from orchestrator.store.tables import chunks, vendor_jobs
from tests.lifecycle.workshop import LEASE_RUNS_OUT, Workshop, people

FILL = "POST /v2/bulk_jobs/90417/job_data"
RELEASE = "PUT /v2/bulk_jobs/90417"
FILLS = Match(method="POST", path="job_data")


@pytest.mark.parametrize(
    ("moment", "vendor_job", "chunk"),
    [
        ("POST /v2/bulk_jobs", VendorJobState.INTENT, "new"),
        (FILL, VendorJobState.OPEN, "sent"),
        (RELEASE, VendorJobState.RELEASING, "acked"),
    ],
)
def test_an_intent_is_committed_before_the_request_leaves(
    workshop: Workshop, moment: str, vendor_job: VendorJobState, chunk: str
) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(3))

    with workshop.asleep(job, freeze_before=moment):
        vendor_job_states = [row["state"] for row in workshop.rows(select(vendor_jobs))]
        chunk_states = [row["state"] for row in workshop.rows(select(chunks))]

    assert (vendor_job_states, chunk_states) == ([vendor_job], [chunk])


@pytest.mark.parametrize("total", [True, False], ids=["total is told", "total is not told"])
def test_rows_that_are_found_after_a_lost_answer_are_not_sent_again(workshop: Workshop, total: bool) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(3))
    workshop.sandbox.world.change({"total_while_open": total})
    workshop.sandbox.world.order(Fault(cut=Moment.AFTER), FILLS)

    done = workshop.run(job)

    assert (done.status, done.counts.accepted) == (JobStatus.COMPLETED, 3)
    assert (workshop.bulk["created"], workshop.bulk["rows_received"]) == (1, 3)
    assert workshop.told(job, "upload.looked") == [{"chunk": 1, "found": "arrived"}]


def test_rows_that_are_not_found_leave_their_vendor_job_unreleased(workshop: Workshop) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(3))
    workshop.sandbox.world.order(Fault(cut=Moment.BEFORE), FILLS)

    done = workshop.run(job)

    assert (done.status, done.counts.accepted) == (JobStatus.COMPLETED, 3)
    assert (workshop.bulk["created"], workshop.bulk["released"]) == (2, 1)
    assert workshop.told(job, "upload.looked") == [{"chunk": 1, "found": "unproven"}]
    assert workshop.told(job, "vendor_job.abandoned") == [{"vendorJobId": "90417"}]


def test_rows_that_arrive_after_a_look_that_found_nothing_are_never_released(workshop: Workshop) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(3))

    with workshop.asleep(job, freeze_before=FILL):
        workshop.passes(LEASE_RUNS_OUT)
        workshop.run(job, workshop.worker("worker-2").turns)

    assert (workshop.bulk["rows_received"], workshop.bulk["rows_released"]) == (6, 3)


def test_half_of_the_rows_is_no_proof(workshop: Workshop) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(4))
    workshop.sandbox.world.order(Fault(cut=Moment.AFTER, drop_rows=2), FILLS)

    done = workshop.run(job)

    assert (done.status, done.counts.accepted) == (JobStatus.COMPLETED, 4)
    assert (workshop.bulk["created"], workshop.bulk["rows_released"]) == (2, 4)


@pytest.mark.parametrize("moment", [Moment.BEFORE, Moment.AFTER, Moment.BODY])
@pytest.mark.parametrize("method", ["POST", "PUT"], ids=["create", "release"])
def test_a_lost_answer_to_create_or_release_makes_no_second_job(
    workshop: Workshop, method: str, moment: Moment
) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(3))
    workshop.sandbox.world.order(Fault(cut=moment), Match(method=method, path=r"bulk_jobs(/\d+)?$"))

    done = workshop.run(job)

    assert done.status is JobStatus.COMPLETED
    assert (workshop.bulk["created"], workshop.bulk["released"], workshop.bulk["duplicates"]) == (1, 1, 0)


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("when", [Moment.BEFORE, Moment.AFTER])
@pytest.mark.parametrize("path", [r"bulk_jobs$", "job_data", r"bulk_jobs/\d+$"])
def test_a_server_error_before_or_after_the_effect_doubles_nothing(
    workshop: Workshop, path: str, when: Moment, status: int
) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(3))
    for method in ("POST", "PUT"):
        workshop.sandbox.world.order(Fault(status=status, when=when), Match(method=method, path=path))

    done = workshop.run(job)

    assert (done.status, done.counts.accepted) == (JobStatus.COMPLETED, 3)
    assert (workshop.bulk["released"], workshop.bulk["rows_released"], workshop.bulk["duplicates"]) == (1, 3, 0)
