"""What a batch of Bulk API 1.0 leaves undone: halved, sent again in smaller batches, one by one, or refused."""

import pytest

from orchestrator.job.status import JobOutcome, JobStatus, StopReason
from orchestrator.providers.salesforce.bulk1.sink import AsyncSink
from orchestrator.sandbox.options import Options
from tests.lifecycle.bulk1 import a_file, an_org, batches, check_nothing_was_done_twice, records, sent, told
from tests.lifecycle.workshop import Workshop


@pytest.fixture
def options() -> Options:
    """An org without records of its own."""
    return an_org()


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AsyncSink, "chunk_rows", 50)
    monkeypatch.setattr(AsyncSink, "chunks_per_job", 3)


def test_two_poisoned_rows_are_found_by_halving_and_all_others_go_through(workshop: Workshop) -> None:
    workshop.sandbox.world.change({"sf_poison": "HEMLOCK"})
    job = sent(workshop, a_file(200, bad=(7, 8), poison=(60, 130)))

    done = workshop.run(job)

    assert (done.status, done.counts.accepted, done.counts.refused) == (JobStatus.COMPLETED, 196, 4)
    outcome = {line["id"]: line for line in workshop.lines(job)}
    assert sorted(outcome) == list(range(1, 201))
    assert sorted(row for row, line in outcome.items() if line["status"] == "error") == [7, 8, 60, 130]
    assert "could not be processed" in outcome[60]["error"]
    assert len(records(workshop)) == 196
    check_nothing_was_done_twice(workshop)


def test_rows_that_spoil_every_batch_are_not_tried_one_by_one(workshop: Workshop) -> None:
    workshop.sandbox.world.change({"sf_poison": "HEMLOCK"})
    job = sent(workshop, a_file(50, poison=tuple(range(1, 51))))

    done = workshop.run(job)

    assert (done.outcome, done.counts.refused) == (JobOutcome.FAILED, 50)
    assert len(batches(workshop)) == 1 + 2 + 4 + 8 + 16
    assert [line["id"] for line in workshop.lines(job)] == list(range(1, 51))


def test_a_column_that_does_not_exist_stops_the_job_before_a_batch_is_spent_on_it(workshop: Workshop) -> None:
    job = sent(workshop, b"Name,Colour__c\n" + b"Quay,red\n" * 100)

    done = workshop.run(job)

    assert (done.status, done.stop_reason) == (JobStatus.ABORTED, StopReason.BAD_INPUT)
    assert "Colour__c" in str(done.status_message)
    assert batches(workshop) == []


def test_rows_under_a_lock_are_sent_again_in_small_batches_then_one_after_the_other(workshop: Workshop) -> None:
    workshop.sandbox.world.change({"sf_lock_every": 10})
    job = sent(workshop, a_file(100))

    done = workshop.run(job)

    modes = [each["mode"] for each in told(workshop)["bulk1"]["jobs"]]
    assert (done.counts.accepted, done.counts.refused) == (100, 0)
    assert modes == ["Parallel"] * 3
    check_nothing_was_done_twice(workshop)


def test_rows_whose_lock_never_ends_are_refused_after_a_serial_try(workshop: Workshop) -> None:
    workshop.sandbox.world.change({"sf_lock_every": 1})
    job = sent(workshop, a_file(100))

    done = workshop.run(job)

    modes = [each["mode"] for each in told(workshop)["bulk1"]["jobs"]]
    assert (done.outcome, done.counts.refused) == (JobOutcome.FAILED, 100)
    assert modes.count("Serial") == 2
    assert all("UNABLE_TO_LOCK_ROW" in line["error"] for line in workshop.lines(job))
    assert {(line["code"], line["retryable"]) for line in workshop.lines(job)} == {("vendor_refused_row", True)}


def test_a_batch_that_fails_half_way_keeps_what_it_did_and_sends_the_rest_again(workshop: Workshop) -> None:
    workshop.sandbox.world.change({"sf_fail_after": 30})
    job = sent(workshop, a_file(50))

    done = workshop.run(job)

    assert (done.status, done.counts.accepted, len(records(workshop))) == (JobStatus.COMPLETED, 50, 50)
    check_nothing_was_done_twice(workshop)


def test_batches_that_are_too_large_in_their_own_format_are_halved_before_they_are_sent(workshop: Workshop) -> None:
    rows = b"".join(b"D-%d,N%d,%b\n" % (n, n, b"&" * 30_000) for n in range(120))
    job = sent(workshop, b"Depot_Code__c,Name,Notes__c\n" + rows, content_type="XML")

    done = workshop.run(job)

    assert (done.counts.accepted, len(records(workshop))) == (120, 120)
    assert max(batch["bytes"] for batch in batches(workshop)) <= 10_000_000
    assert min(batch["processed"] for batch in batches(workshop)) < 50
