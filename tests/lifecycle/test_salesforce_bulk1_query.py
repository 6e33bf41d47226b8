"""A download by Bulk API 1.0: whole or split by primary key, in three formats, whatever is lost on the way."""

from typing import Any

import pytest

from orchestrator.job.record import Job
from orchestrator.job.status import JobStatus, StopReason
from orchestrator.sandbox.faults import Fault, Match, Moment
from orchestrator.sandbox.options import Options
from tests.lifecycle.bulk1 import an_org, depots, told
from tests.lifecycle.workshop import LEASE_RUNS_OUT, Workshop

CALLS = {
    "create": Match(method="POST", path="/async/61.0/job$"),
    "add": Match(method="POST", path="/batch$"),
    "close": Match(method="POST", path="/job/750[^/]*$"),
    "batches": Match(method="GET", path="/batch$"),
    "results": Match(method="GET", path="/result$"),
    "rows": Match(method="GET", path="/result/752"),
}


@pytest.fixture
def options() -> Options:
    """An org whose queries have two results each."""
    return an_org(sf_result_files=2)


def asked(workshop: Workshop, **criteria: Any) -> Job:
    """Submit a download of the depots' own fields."""
    given = {"select_fields": ("Name", "Depot_Code__c", "Notes__c"), "bulk_api": "1.0"}
    return workshop.download(workshop.connect("salesforce"), "Depot__c", **(given | criteria))


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: str(row["Depot_Code__c"]))


def jobs(workshop: Workshop) -> Any:
    return told(workshop)["bulk1"]["jobs"]


@pytest.mark.parametrize("kind", ["CSV", "JSON", "XML"])
def test_a_query_returns_every_record_as_it_was_loaded(workshop: Workshop, kind: str) -> None:
    rows = depots(workshop, 1_200)
    job = asked(workshop, content_type=kind)

    done = workshop.run(job)

    assert (done.status, done.counts.stored, done.vendor_counted) == (JobStatus.COMPLETED, 1_200, 1_200)
    assert in_order(workshop.lines(job)) == in_order(rows)
    assert [(each["state"], each["contentType"]) for each in jobs(workshop)] == [("Closed", kind)]


@pytest.mark.parametrize("kind", ["CSV", "JSON", "XML"])
def test_a_query_that_finds_nothing_is_a_finished_download(workshop: Workshop, kind: str) -> None:
    job = asked(workshop, content_type=kind)

    done = workshop.run(job)

    assert (done.status, done.counts.read, workshop.result(job)) == (JobStatus.COMPLETED, 0, b"")


def test_a_split_query_is_complete_and_its_job_closed_after_the_last_row(workshop: Workshop) -> None:
    rows = depots(workshop, 1_200)
    job = asked(workshop, pk_chunking={"chunkSize": 100})

    done = workshop.run(job)

    assert (done.status, done.counts.stored) == (JobStatus.COMPLETED, 1_200)
    assert in_order(workshop.lines(job)) == in_order(rows)
    (made,) = jobs(workshop)
    assert [batch["state"] for batch in made["batches"]] == ["NotProcessed"] + ["Completed"] * 13
    assert made["state"] == "Closed"


@pytest.mark.parametrize("word", ["Not Processed", "NOT_PROCESSED"])
def test_a_replaced_batch_is_known_in_every_spelling(workshop: Workshop, word: str) -> None:
    depots(workshop, 50)
    workshop.sandbox.world.order(Fault(state_word=word), CALLS["batches"])
    job = asked(workshop, pk_chunking={"chunkSize": 10})

    done = workshop.run(job)

    assert (done.status, done.counts.stored) == (JobStatus.COMPLETED, 50)
    assert workshop.told(job, "vendor_job.unknown_state") == []


def test_a_million_rows_split_by_primary_key_come_once_each(workshop: Workshop) -> None:
    workshop.sandbox.world.change({"sf_crates": 1_000_000, "sf_result_files": 1})
    connection = workshop.connect("salesforce")
    job = workshop.download(connection, "Crate__c", select_fields=("Id",), pk_chunking={"chunkSize": 125_000})

    done = workshop.run(job)

    ids = workshop.result(job).splitlines()
    assert (done.status, done.counts.stored, len(ids), len(set(ids))) == (JobStatus.COMPLETED, *[1_000_000] * 3)


@pytest.mark.parametrize("moment", [Moment.BEFORE, Moment.AFTER, Moment.BODY])
@pytest.mark.parametrize("call", CALLS)
def test_a_lost_answer_loses_no_row_and_doubles_none(workshop: Workshop, call: str, moment: Moment) -> None:
    rows = depots(workshop, 60)
    job = asked(workshop)
    workshop.sandbox.world.order(Fault(cut=moment), CALLS[call])

    done = workshop.run(job)

    assert done.status is JobStatus.COMPLETED
    assert in_order(workshop.lines(job)) == in_order(rows)
    named = workshop.told(job, "vendor_job.suspected_orphan")
    assert len(jobs(workshop)) <= 1 + len(named)
    assert told(workshop)["jobs"]["foreign_writes"] == 0


def test_a_worker_that_dies_in_the_middle_of_the_results_repeats_none_that_was_committed(
    workshop: Workshop, a_checkpoint_each_page: None
) -> None:
    rows = depots(workshop, 300)
    job = asked(workshop, pk_chunking={"chunkSize": 50})

    with workshop.asleep(job, freeze_before="commit checkpoint#9"):
        workshop.passes(LEASE_RUNS_OUT)
        workshop.run(job, workshop.worker("worker-2").turns)

    assert in_order(workshop.lines(job)) == in_order(rows)
    assert len(jobs(workshop)) == 1


def test_a_result_without_all_of_its_rows_is_never_a_green_job(workshop: Workshop) -> None:
    depots(workshop, 60)
    job = asked(workshop)
    workshop.sandbox.world.order(Fault(drop_rows=3), CALLS["rows"])

    done = workshop.run(job)

    assert (done.status, done.stop_reason) == (JobStatus.ABORTED, StopReason.MISMATCH)


def test_a_query_that_fails_stops_the_job_with_the_vendors_words(workshop: Workshop) -> None:
    workshop.sandbox.world.change({"sf_query_error": "QUERY_TIMEOUT: too long"})
    rows = depots(workshop, 20)
    job = asked(workshop)

    failed = workshop.run(job)
    workshop.sandbox.world.change({"sf_query_error": ""})
    workshop.lifecycle.restart(workshop.tenant.id, job.id)
    done = workshop.run(job)

    assert (failed.status, failed.stop_reason) == (JobStatus.ABORTED, StopReason.VENDOR_FAILED)
    assert "QUERY_TIMEOUT" in str(failed.status_message)
    assert done.status is JobStatus.COMPLETED
    assert in_order(workshop.lines(job)) == in_order(rows)


def test_a_session_that_ends_is_refreshed_and_the_call_repeated(workshop: Workshop) -> None:
    depots(workshop, 20)
    credentials = {
        "type": "oauth2_refresh",
        "clientId": "sandbox-client",
        "clientSecret": "sandbox-secret",
        "refreshToken": "sandbox-refresh",
        "tokenUrl": f"{workshop.sandbox.url}/services/oauth2/token",
    }
    name = workshop.connect("salesforce", credentials=credentials)
    job = workshop.download(name, "Depot__c", select_fields=("Id",), bulk_api="1.0")
    workshop.run_until_due(job, "fetch")
    with workshop.sandbox.world.lock:
        workshop.sandbox.world.salesforce.sessions.revoke()

    done = workshop.run(job)

    assert (done.status, done.counts.stored) == (JobStatus.COMPLETED, 20)
    assert told(workshop)["refreshes"] == 2


def test_a_session_that_cannot_be_refreshed_asks_a_person(workshop: Workshop) -> None:
    job = asked(workshop)
    with workshop.sandbox.world.lock:
        workshop.sandbox.world.salesforce.sessions.revoke()

    done = workshop.run(job)

    assert (done.status, done.stop_reason) == (JobStatus.ABORTED, StopReason.REAUTHORIZE)


def test_a_canceled_download_stops_the_query(workshop: Workshop) -> None:
    depots(workshop, 30)
    workshop.sandbox.world.change({"sf_start_after": 600.0})
    job = asked(workshop)
    workshop.run_until_due(job, "poll")

    workshop.lifecycle.cancel(workshop.tenant.id, job.id)
    done = workshop.run(job)

    assert done.status is JobStatus.CANCELED
    assert [each["state"] for each in jobs(workshop)] == ["Aborted"]
