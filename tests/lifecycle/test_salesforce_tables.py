"""A download wanted as CSV: Salesforce's own CSV, stored as it came."""

import csv
import io
from typing import Any

import pytest

from orchestrator.job.chunk import Stream
from orchestrator.job.criteria import FileFormat
from orchestrator.job.record import Job
from orchestrator.job.status import JobStatus, StopReason
from orchestrator.results.formats import render
from orchestrator.sandbox.faults import Fault
from orchestrator.sandbox.options import Options
from tests.lifecycle.test_salesforce_query import RESULTS, asked, depots, in_order
from tests.lifecycle.workshop import LEASE_RUNS_OUT, Workshop


@pytest.fixture
def options() -> Options:
    """An org without records of its own."""
    return Options(people=0, accounts=0, others=0, sf_accounts=0, sf_contacts=0, sf_others=0, sf_speed=0)


def file_of(workshop: Workshop, job: Job) -> list[dict[str, Any]]:
    """Return the rows of the job's file; an empty cell is None."""
    parts = workshop.store.parts.of_job(job.id, Stream.RECORDS)
    text = b"".join(render(workshop.objects, parts, FileFormat.CSV)).decode()
    return [{name: cell or None for name, cell in row.items()} for row in csv.DictReader(io.StringIO(text, newline=""))]


def test_every_record_is_in_the_file_and_in_the_pages_as_it_was_loaded(workshop: Workshop) -> None:
    rows = depots(workshop, 1_200)
    job = asked(workshop, page_size=500, format=FileFormat.CSV)

    done = workshop.run(job)

    assert (done.status, done.counts.read, done.counts.stored) == (JobStatus.COMPLETED, 1_200, 1_200)
    assert in_order(file_of(workshop, job)) == in_order(rows)
    assert in_order(workshop.lines(job)) == in_order(rows)


def test_a_worker_that_dies_between_parts_leaves_one_file_with_one_header(
    workshop: Workshop, a_checkpoint_each_page: None
) -> None:
    rows = depots(workshop, 900)
    job = asked(workshop, page_size=100, format=FileFormat.CSV)

    with workshop.asleep(job, freeze_before="commit checkpoint#4"):
        workshop.passes(LEASE_RUNS_OUT)
        workshop.run(job, workshop.worker("worker-2").turns)

    assert in_order(file_of(workshop, job)) == in_order(rows)


@pytest.mark.parametrize("fault", [Fault(drop_rows=3), Fault(miscount=2)])
def test_a_set_of_another_size_than_it_says_is_never_a_green_job(workshop: Workshop, fault: Fault) -> None:
    depots(workshop, 300)
    job = asked(workshop, page_size=100, format=FileFormat.CSV)
    workshop.sandbox.world.order(fault, RESULTS)

    done = workshop.run(job)

    assert (done.status, done.stop_reason) == (JobStatus.ABORTED, StopReason.MISMATCH)


def test_an_empty_result_is_an_empty_file(workshop: Workshop) -> None:
    job = asked(workshop, format=FileFormat.CSV)

    done = workshop.run(job)

    assert (done.status, done.counts.stored) == (JobStatus.COMPLETED, 0)
    assert file_of(workshop, job) == []
