"""An upload by Bulk API 1.0: no row is inserted twice, and each one's fate is tied to its source by its place."""

import csv
import io

import pytest

from orchestrator.job.chunk import ChunkState
from orchestrator.job.criteria import Operation
from orchestrator.job.status import JobOutcome, JobStatus, StopReason
from orchestrator.providers.salesforce.bulk1.sink import AsyncSink
from orchestrator.sandbox.faults import Fault, Match, Moment
from orchestrator.sandbox.options import Options
from orchestrator.sandbox.salesforce import ids
from tests.lifecycle.bulk1 import (
    a_file,
    an_org,
    batches,
    check_nothing_was_done_twice,
    records,
    sent,
    stored,
    told,
)
from tests.lifecycle.workshop import LEASE_RUNS_OUT, Workshop

CALLS = {
    "create": Match(method="POST", path="/async/61.0/job$"),
    "add": Match(method="POST", path="/batch$"),
    "close": Match(method="POST", path="/job/750[^/]*$"),
    "batches": Match(method="GET", path="/batch$"),
    "result": Match(method="GET", path="/result$"),
}
GONE = '{"exceptionCode":"InvalidBatch","exceptionMessage":"Unable to find batch"}'


@pytest.fixture
def options() -> Options:
    """An org without records of its own."""
    return an_org()


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AsyncSink, "chunk_rows", 50)
    monkeypatch.setattr(AsyncSink, "chunks_per_job", 3)


@pytest.mark.parametrize("kind", ["CSV", "JSON", "XML"])
def test_rows_arrive_as_they_were_sent_and_bad_ones_are_tied_by_their_place(workshop: Workshop, kind: str) -> None:
    bad = (3, 50, 51, 199)
    job = sent(workshop, a_file(200, bad), content_type=kind)

    done = workshop.run(job)

    assert (done.status, done.outcome) == (JobStatus.COMPLETED, JobOutcome.PARTIAL)
    assert (done.counts.sent, done.counts.accepted, done.counts.refused) == (200, 196, 4)
    rows = csv.DictReader(io.StringIO(a_file(200, bad).decode(), newline=""))
    assert stored(workshop) == {row["Depot_Code__c"]: (row["Name"], row["Notes__c"]) for row in rows if row["Name"]}
    outcome = {line["id"]: line for line in workshop.lines(job)}
    assert sorted(outcome) == list(range(1, 201))
    assert sorted(row for row, line in outcome.items() if line["status"] == "error") == list(bad)
    assert all(line["record"]["Depot_Code__c"] == f"D-{row}" for row, line in outcome.items())
    assert outcome[3]["error"].startswith("REQUIRED_FIELD_MISSING:")
    assert outcome[1]["resource"]["id"].startswith("a0B")
    assert [len(each["batches"]) for each in told(workshop)["bulk1"]["jobs"]] == [3, 1]
    check_nothing_was_done_twice(workshop)


def test_rows_without_any_value_to_tell_them_apart_find_their_fate(workshop: Workshop) -> None:
    job = sent(workshop, b"Name\n" + b"Quay\n,\n" * 30)

    done = workshop.run(job)

    assert (done.counts.accepted, done.counts.refused + done.counts.invalid) == (30, 30)
    assert [line["id"] for line in workshop.lines(job) if line["status"] == "success"] == list(range(1, 60, 2))


def test_an_upsert_changes_what_is_there_and_a_delete_removes_it(workshop: Workshop) -> None:
    key = {"operation": Operation.UPSERT, "external_id_field": "Depot_Code__c"}
    workshop.run(sent(workshop, a_file(60), **key))
    again = workshop.upload("salesforce", a_file(80), object_name="Depot__c", bulk_api="1.0", **key)
    upserted = workshop.run(again)
    ids = "\n".join(["Id", *(str(each["Id"]) for each in records(workshop)[:10])]).encode()
    removal = {"operation": Operation.DELETE, "external_id_field": None}
    deleted = workshop.run(workshop.upload("salesforce", ids, object_name="Depot__c", bulk_api="1.0", **removal))

    assert (upserted.counts.accepted, deleted.counts.accepted) == (80, 10)
    assert sum(line["resource"]["created"] for line in workshop.lines(again)) == 20
    assert sum(each["IsDeleted"] == "true" for each in records(workshop)) == 10


@pytest.mark.parametrize("moment", [Moment.BEFORE, Moment.AFTER, Moment.BODY])
@pytest.mark.parametrize("call", CALLS)
def test_a_lost_answer_inserts_no_row_twice_and_loses_none(workshop: Workshop, call: str, moment: Moment) -> None:
    job = sent(workshop, a_file(200))
    workshop.sandbox.world.order(Fault(cut=moment), CALLS[call])

    done = workshop.run(job)

    assert (done.status, done.counts.accepted, len(stored(workshop))) == (JobStatus.COMPLETED, 200, 200)
    assert len(records(workshop)) == 200
    check_nothing_was_done_twice(workshop)


@pytest.mark.parametrize("when", [Moment.BEFORE, Moment.AFTER])
@pytest.mark.parametrize("call", CALLS)
def test_a_server_error_before_or_after_the_effect_doubles_nothing(workshop: Workshop, call: str, when: Moment) -> None:
    job = sent(workshop, a_file(200))
    workshop.sandbox.world.order(Fault(status=503, when=when), CALLS[call])

    done = workshop.run(job)

    assert (done.status, done.counts.accepted, len(records(workshop))) == (JobStatus.COMPLETED, 200, 200)
    check_nothing_was_done_twice(workshop)


def test_after_a_lost_answer_the_vendor_job_is_closed_before_anybody_looks(workshop: Workshop) -> None:
    job = sent(workshop, a_file(200))
    workshop.sandbox.world.order(Fault(cut=Moment.BEFORE), CALLS["add"], after=1)

    workshop.run(job)

    first, *others = told(workshop)["bulk1"]["jobs"]
    assert (first["state"], len(first["batches"])) == ("Closed", 1)
    assert sum(len(each["batches"]) for each in others) == 3
    assert [each["found"] for each in workshop.told(job, "batch.looked")] == [False, False]


@pytest.mark.parametrize(
    ("operation", "policy", "accepted", "unprocessed"),
    [
        (Operation.INSERT, None, 100, 50),
        (Operation.INSERT, "at_least_once", 150, 0),
        (Operation.UPSERT, None, 150, 0),
        (Operation.UPSERT, "at_most_once", 100, 50),
    ],
)
def test_what_cannot_be_known_is_told_and_the_jobs_policy_decides(
    workshop: Workshop, operation: Operation, policy: str | None, accepted: int, unprocessed: int
) -> None:
    key = "Depot_Code__c" if operation is Operation.UPSERT else None
    job = sent(workshop, a_file(150), operation=operation, external_id_field=key, on_ambiguous=policy)
    workshop.sandbox.world.order(Fault(cut=Moment.BEFORE), CALLS["add"], after=1)
    workshop.sandbox.world.order(Fault(status=400, body=GONE), CALLS["batches"])

    done = workshop.run(job)

    assert (done.counts.sent, done.counts.accepted, done.counts.unprocessed) == (150, accepted, unprocessed)
    ambiguous = [line for line in workshop.lines(job) if "no longer tells" in str(line["error"])]
    assert [line["code"] for line in ambiguous] == ["ambiguous"] * unprocessed
    (event,) = workshop.told(job, "batch.ambiguous")
    assert event["rows"] == 50
    states = [chunk.state for chunk in workshop.store.chunks.of_job(job.id)]
    assert (ChunkState.AMBIGUOUS in states) is bool(unprocessed)


def test_a_job_that_takes_no_more_batches_is_left_with_those_it_has(workshop: Workshop) -> None:
    job = sent(workshop, a_file(150))
    late = Fault(status=400, body='{"exceptionCode":"InvalidJobState","exceptionMessage":"the Job is not Open"}')
    workshop.sandbox.world.order(late, CALLS["add"], after=1)

    done = workshop.run(job)

    assert (done.counts.accepted, len(records(workshop))) == (150, 150)
    assert [each["rows"] for each in workshop.told(job, "vendor_job.parted")] == [100]
    check_nothing_was_done_twice(workshop)


def test_a_result_with_fewer_fates_than_rows_is_never_a_green_job(workshop: Workshop) -> None:
    job = sent(workshop, a_file(50))
    workshop.sandbox.world.order(Fault(drop_rows=1), CALLS["result"])

    stopped = workshop.run(job)
    workshop.lifecycle.restart(workshop.tenant.id, job.id)
    done = workshop.run(job)

    assert (stopped.status, stopped.stop_reason) == (JobStatus.ABORTED, StopReason.MISMATCH)
    assert (done.status, done.counts.accepted) == (JobStatus.COMPLETED, 50)


def test_nothing_is_added_past_the_error_threshold(workshop: Workshop) -> None:
    workshop.sandbox.world.change({"sf_poison": "HEMLOCK"})
    job = sent(workshop, a_file(150, bad=tuple(range(1, 41)), poison=(120,)), max_errors=30)

    done = workshop.run(job)

    assert (done.status, done.stop_reason) == (JobStatus.ABORTED, StopReason.ERROR_THRESHOLD)
    assert len(batches(workshop)) == 3


def test_a_canceled_upload_aborts_what_waits(workshop: Workshop) -> None:
    workshop.sandbox.world.change({"sf_start_after": 600.0})
    job = sent(workshop, a_file(100))
    workshop.run_until_due(job, "poll")

    workshop.lifecycle.cancel(workshop.tenant.id, job.id)
    done = workshop.run(job)

    assert done.status is JobStatus.CANCELED
    assert [batch["state"] for batch in batches(workshop)] == ["NotProcessed"] * 2


def test_a_worker_that_sleeps_over_its_lease_adds_no_batch_twice(workshop: Workshop) -> None:
    job = sent(workshop, a_file(100))

    with workshop.asleep(job, freeze_before="commit checkpoint#6"):
        workshop.passes(LEASE_RUNS_OUT)
        done = workshop.run(job, workshop.worker("worker-2").turns)

    assert (done.status, done.counts.accepted, len(records(workshop))) == (JobStatus.COMPLETED, 100, 100)
    check_nothing_was_done_twice(workshop)


def test_a_request_that_arrives_after_everybody_has_looked_is_refused_at_the_closed_door(workshop: Workshop) -> None:
    job = sent(workshop, a_file(100))
    with workshop.sandbox.world.lock:
        ours = ids.made("750", 40_000 + (workshop.sandbox.world.salesforce.jobs._made + 1) * 7)

    with workshop.asleep(job, freeze_before=f"POST /services/async/61.0/job/{ours}/batch"):
        struck = workshop.seams.struck
        workshop.passes(LEASE_RUNS_OUT)
        done = workshop.run(job, workshop.worker("worker-2").turns)

    assert struck is not None
    assert (done.status, done.counts.accepted, len(records(workshop))) == (JobStatus.COMPLETED, 100, 100)
    assert workshop.routes["POST /services/async/XX.X/job/{id}/batch"] == 3
    check_nothing_was_done_twice(workshop)


def test_a_days_allowance_of_batches_that_is_used_up_throttles_the_job_and_loses_nothing(workshop: Workshop) -> None:
    workshop.sandbox.world.change({"sf_batches": 2})
    job = sent(workshop, a_file(150))

    waiting = workshop.run(job)
    workshop.sandbox.world.change({"sf_batches": 15_000})
    workshop.lifecycle.restart(workshop.tenant.id, job.id)
    done = workshop.run(job)

    assert (waiting.status, waiting.stop_reason) == (JobStatus.THROTTLED, StopReason.VENDOR_QUOTA)
    assert (done.status, done.counts.accepted, len(records(workshop))) == (JobStatus.COMPLETED, 150, 150)
    check_nothing_was_done_twice(workshop)
