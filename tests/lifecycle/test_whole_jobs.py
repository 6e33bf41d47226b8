"""Whole jobs, from submit to their last commit."""

from orchestrator.job.status import JobOutcome, JobStatus, StopReason
from orchestrator.sandbox.faults import Fault, Match
from orchestrator.sandbox.server import Running
from tests.lifecycle.workshop import Workshop, people


def test_a_download_stores_every_record_once(workshop: Workshop) -> None:
    job = workshop.download(workshop.connect("rest"), "items")

    done = workshop.run(job)

    assert done.status is JobStatus.COMPLETED, workshop.story(job)
    assert [record["id"] for record in workshop.lines(job)] == list(range(1, 1_001))
    assert done.counts.read == done.counts.stored == 1_000


def test_an_upload_tells_the_fate_of_every_row(workshop: Workshop) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(120, bad=7))

    done = workshop.run(job)

    assert done.status is JobStatus.COMPLETED, workshop.story(job)
    assert done.outcome is JobOutcome.PARTIAL
    assert (done.counts.sent, done.counts.accepted, done.counts.refused) == (120, 113, 7)
    assert [line["id"] for line in workshop.lines(job)] == list(range(1, 121))


def test_a_list_that_grew_while_it_was_read_is_no_mismatch(workshop: Workshop, sandbox: Running) -> None:
    sandbox.world.order(Fault(miscount=3), Match(path="/rest/items"), times=1)
    job = workshop.download(workshop.connect("rest"), "items", page_size=100)

    done = workshop.run(job)

    assert done.status is JobStatus.COMPLETED, workshop.story(job)
    assert ("count.moved", {"before": 997, "after": 1_000, "read": 1_000}) in workshop.story(job)


def test_a_list_of_which_records_are_missing_is_never_green(workshop: Workshop, sandbox: Running) -> None:
    sandbox.world.order(Fault(miscount=-3), Match(path="/rest/items"), times=None)
    job = workshop.download(workshop.connect("rest"), "items", page_size=100)

    stopped = workshop.run(job)

    assert (stopped.status, stopped.stop_reason) == (JobStatus.ABORTED, StopReason.MISMATCH)
