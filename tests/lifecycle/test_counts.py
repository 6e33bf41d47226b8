"""I12: a mismatch is an error, never a green job."""

from orchestrator.job.status import JobOutcome, JobStatus, StopReason
from orchestrator.sandbox.faults import Fault, Match
from tests.lifecycle.workshop import Workshop, people

FILLS = Match(method="POST", path="job_data")
RESULTS = Match(method="GET", path="results")


def test_a_list_that_ends_before_the_vendor_s_own_count_is_a_mismatch(workshop: Workshop) -> None:
    job = workshop.download(workshop.connect("rest"), "items", page_size=100)
    workshop.sandbox.world.order(Fault(miscount=-5), times=None)

    ended = workshop.run(job)

    assert (ended.status, ended.stop_reason, ended.outcome) == (JobStatus.ABORTED, StopReason.MISMATCH, None)
    assert ended.status_message == "the vendor counted 1005 records, but 1000 were read"


def test_fates_that_are_fewer_than_the_rows_handled_are_a_mismatch_and_a_restart_asks_again(
    workshop: Workshop,
) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(5))
    workshop.sandbox.world.order(Fault(drop_rows=1), RESULTS)

    ended = workshop.run(job)
    workshop.lifecycle.restart(workshop.tenant.id, job.id)
    done = workshop.run(job)

    assert (ended.status, ended.stop_reason) == (JobStatus.ABORTED, StopReason.MISMATCH)
    assert ended.counts.accepted == 0
    assert (done.status, done.outcome, done.counts.accepted) == (JobStatus.COMPLETED, JobOutcome.SUCCEEDED, 5)
    assert [line["id"] for line in workshop.lines(job)] == [1, 2, 3, 4, 5]


def test_fates_that_are_told_twice_are_a_mismatch(workshop: Workshop) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(150))
    workshop.sandbox.world.order(Fault(overlap=1), RESULTS, after=1)

    ended = workshop.run(job)

    assert (ended.status, ended.stop_reason) == (JobStatus.ABORTED, StopReason.MISMATCH)


def test_a_vendor_that_takes_fewer_rows_than_were_sent_is_not_trusted_with_them(workshop: Workshop) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(5))
    workshop.sandbox.world.order(Fault(drop_rows=1), FILLS)

    ended = workshop.run(job)
    workshop.lifecycle.restart(workshop.tenant.id, job.id)
    done = workshop.run(job)

    assert (ended.status, ended.stop_reason) == (JobStatus.ABORTED, StopReason.MISMATCH)
    assert (done.status, done.counts.accepted) == (JobStatus.COMPLETED, 5)
    assert workshop.bulk["rows_released"] == 5
