"""A vendor job that ends before its rows do: what was handled stays, and a restart sends just the rest."""

from typing import Any

import pytest
from sqlalchemy import select

from orchestrator.job.criteria import Operation
from orchestrator.job.record import Counts, Job
from orchestrator.job.status import JobOutcome, JobStatus, StopReason
from orchestrator.providers.salesforce import fates
from orchestrator.providers.salesforce.ingest import SalesforceIngest
from orchestrator.sandbox.faults import Fault, Match, Moment
from orchestrator.sandbox.options import Options
from orchestrator.store.tables import steps
from tests.lifecycle.depots import changed, told
from tests.lifecycle.seams import Died
from tests.lifecycle.workshop import LEASE_RUNS_OUT, Workshop

ROWS = 10
FILE = b"LastName,External_Id__c\n" + b"".join(b"L%d,E-%d\n" % (n, n) for n in range(1, ROWS + 1))
WHOLE = Counts(sent=ROWS, accepted=ROWS)


@pytest.fixture
def options() -> Options:
    """An org without records, in which ingest jobs fail after four rows until it is told otherwise."""
    return Options(
        people=0, accounts=0, others=0, sf_accounts=0, sf_contacts=0, sf_others=0, sf_speed=0, sf_fail_after=4
    )


def an_insert(workshop: Workshop, file: bytes = FILE) -> Job:
    """Submit contacts to be inserted: rows that are sent twice are there twice."""
    asked: dict[str, Any] = {"object_name": "Contact", "operation": Operation.INSERT, "external_id_field": None}
    return workshop.upload("salesforce", file, **asked)


def mended(workshop: Workshop) -> None:
    """Let the org's jobs succeed from now on."""
    workshop.sandbox.world.change({"sf_fail_after": -1})


def restarted(workshop: Workshop, job: Job) -> Job:
    """Restart the job in an org that is well again, and run it to its end."""
    mended(workshop)
    workshop.lifecycle.restart(workshop.tenant.id, job.id)
    return workshop.run(job)


def without_bytes(counts: Counts) -> Counts:
    """Return the rows alone."""
    return Counts(**{name: getattr(counts, name) for name in Counts.__dataclass_fields__ if name != "bytes"})


def test_a_job_that_failed_half_way_keeps_what_it_did_and_names_the_rest(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    job = an_insert(workshop)

    stopped = workshop.run(job)

    assert (stopped.status, stopped.stop_reason) == (JobStatus.ABORTED, StopReason.VENDOR_FAILED)
    assert str(stopped.status_message).startswith("TooManyLockFailure : Too many lock failure")
    assert without_bytes(stopped.counts) == Counts(sent=ROWS, accepted=4, unprocessed=6)
    lines = {line["id"]: line["error"] for line in workshop.lines(job)}
    assert lines == dict.fromkeys(range(1, 5)) | dict.fromkeys(range(5, 11), "the vendor told no fate")
    errors = workshop.store.row_errors.list(job.id)
    assert [(error.row, error.code, error.retryable) for error in errors] == [
        *((row, "unprocessed", True) for row in range(5, 11)),
        (None, "vendor_failed", False),
    ]
    (ended,) = workshop.told(job, "vendor_job.ended_early")
    assert (ended["state"], ended["processed"]) == ("Failed", 4)


def test_no_step_moves_between_the_failure_and_the_restart(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    job = an_insert(workshop)

    workshop.run(job)

    found = workshop.rows(select(steps.c.kind, steps.c.state).where(steps.c.job_id == job.id).order_by(steps.c.id))
    assert [(step["kind"], step["state"]) for step in found[-2:]] == [("fetch", "done"), ("create", "stopped")]
    assert workshop.sweeps_find() == []


def test_a_restart_sends_just_the_rows_that_were_never_handled(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    job = an_insert(workshop)
    workshop.run(job)

    done = restarted(workshop, job)

    assert (done.status, done.outcome) == (JobStatus.COMPLETED, JobOutcome.SUCCEEDED)
    assert without_bytes(done.counts) == WHOLE
    assert [each["processed"] for each in told(workshop)["ingest"]["jobs"]] == [4, 6]
    assert told(workshop)["ingest"]["rows_sent_twice"] == 0
    assert told(workshop)["records"]["Contact"] == ROWS
    assert [(line["id"], line["record"]["External_Id__c"]) for line in workshop.lines(job)] == [
        (row, f"E-{row}") for row in range(1, ROWS + 1)
    ]
    assert workshop.store.row_errors.list(job.id) == []
    assert workshop.store.row_errors.counts(job.id) == {}


def test_rows_that_are_on_their_way_again_are_no_longer_unprocessed(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    job = an_insert(workshop)
    workshop.run(job)

    workshop.lifecycle.restart(workshop.tenant.id, job.id)
    workshop.run_until_due(job, "upload")

    assert without_bytes(workshop.job(job).counts) == Counts(sent=ROWS, accepted=4)
    assert sorted(line["id"] for line in workshop.lines(job)) == [1, 2, 3, 4]


def test_a_job_that_fails_again_and_again_gets_on_with_each_restart(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    job = an_insert(workshop)
    counted = [workshop.run(job).counts]

    for _ in range(2):
        workshop.lifecycle.restart(workshop.tenant.id, job.id)
        counted.append(workshop.run(job).counts)

    assert [(counts.accepted, counts.unprocessed) for counts in counted] == [(4, 6), (8, 2), (10, 0)]
    assert workshop.job(job).outcome is JobOutcome.SUCCEEDED
    assert told(workshop)["records"]["Contact"] == ROWS


def test_a_job_that_somebody_aborts_at_the_vendor_stops_with_that_reason(workshop: Workshop) -> None:
    workshop.sandbox.world.change({"sf_fail_after": -1, "sf_start_after": 3600.0})
    workshop.connect("salesforce")
    job = an_insert(workshop)
    workshop.run_until_due(job, "poll")

    changed(workshop, told(workshop)["ingest"]["jobs"][0]["id"], "Aborted")
    stopped = workshop.run(job)
    workshop.sandbox.world.change({"sf_start_after": 0.0})
    done = restarted(workshop, job)

    assert (stopped.status, stopped.stop_reason) == (JobStatus.ABORTED, StopReason.VENDOR_ABORTED)
    assert without_bytes(stopped.counts) == Counts(sent=ROWS, unprocessed=ROWS)
    assert (done.status, without_bytes(done.counts)) == (JobStatus.COMPLETED, WHOLE)
    assert told(workshop)["records"]["Contact"] == ROWS


def test_rows_are_not_sent_again_where_the_vendor_does_not_confirm_that_it_left_them(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    job = an_insert(workshop)
    fewer = Fault(status=200, body="LastName,External_Id__c\nL10,E-10\n", media="text/csv")
    workshop.sandbox.world.order(fewer, Match(path="unprocessedrecords"))

    stopped = workshop.run(job)
    workshop.lifecycle.restart(workshop.tenant.id, job.id)
    again = workshop.run(job)

    assert (stopped.status, stopped.stop_reason) == (JobStatus.ABORTED, StopReason.MISMATCH)
    assert "6 rows have no fate, but 1 are said to be unprocessed" in str(stopped.status_message)
    assert (again.stop_reason, again.counts.unprocessed) == (StopReason.VENDOR_FAILED, 6)
    assert len(told(workshop)["ingest"]["jobs"]) == 1


def test_other_vendor_jobs_of_a_stopped_job_go_on_with_the_restart(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SalesforceIngest, "chunk_rows", 5)
    workshop.connect("salesforce")
    job = an_insert(workshop)
    workshop.run(job)

    mended(workshop)
    done = workshop.job(job)
    while done.status is JobStatus.ABORTED:
        workshop.lifecycle.restart(workshop.tenant.id, job.id)
        done = workshop.run(job)

    assert (done.status, without_bytes(done.counts)) == (JobStatus.COMPLETED, WHOLE)
    assert [line["id"] for line in workshop.lines(job)] == list(range(1, ROWS + 1))
    assert told(workshop)["records"]["Contact"] == ROWS


def worked_through(workshop: Workshop, job: Job, number: int | None) -> None:
    """Run a job that fails, is restarted, and ends; let the first worker die after its moment, if one is given."""
    workshop.seams.begin(die_after=number)
    turns = workshop.turns
    for _ in range(4):
        try:
            if workshop.run(job, turns).status is JobStatus.COMPLETED:
                return
            mended(workshop)
            workshop.lifecycle.restart(workshop.tenant.id, job.id)
        except Died:
            workshop.passes(LEASE_RUNS_OUT)
            turns = workshop.worker("worker-2").turns


@pytest.mark.usefixtures("a_checkpoint_each_page")
@pytest.mark.parametrize("first", range(3))
def test_a_failure_and_its_restart_survive_a_worker_that_dies_at_any_moment(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    monkeypatch.setattr(fates, "PAGE", 3)
    workshop.connect("salesforce")
    worked_through(workshop, an_insert(workshop), None)

    for number in range(first, len(workshop.seams.seen), 27 if workshop.database.dialect == "postgresql" else 9):
        workshop.sandbox.world.reset()
        job = an_insert(workshop)
        worked_through(workshop, job, number)

        done, at = workshop.job(job), f"at {workshop.seams.struck}: {workshop.story(job)}"
        assert (done.status, without_bytes(done.counts)) == (JobStatus.COMPLETED, WHOLE), at
        assert [line["id"] for line in workshop.lines(job)] == list(range(1, ROWS + 1)), at
        assert told(workshop)["records"]["Contact"] == ROWS, at
        assert workshop.store.row_errors.counts(job.id) == {}, at
        assert workshop.sweeps_find() == [], at


@pytest.mark.parametrize("moment", [Moment.BEFORE, Moment.AFTER])
@pytest.mark.parametrize("path", ["successfulResults", "failedResults", "unprocessedrecords"])
def test_a_result_that_is_lost_on_its_way_is_asked_for_again(workshop: Workshop, path: str, moment: Moment) -> None:
    workshop.connect("salesforce")
    job = an_insert(workshop)
    workshop.sandbox.world.order(Fault(cut=moment), Match(path=path))

    stopped = workshop.run(job)

    assert (stopped.stop_reason, stopped.counts.accepted, stopped.counts.unprocessed) == (
        StopReason.VENDOR_FAILED, 4, 6,
    )  # fmt: skip
