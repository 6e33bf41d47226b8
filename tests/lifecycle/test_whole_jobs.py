"""Whole jobs, from submit to their last commit."""

from orchestrator.job.status import JobOutcome, JobStatus
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
