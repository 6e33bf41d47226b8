"""An upload to Salesforce: no row is released twice, and each one's fate finds its source row."""

import csv
import io
from typing import Any

import pytest

from orchestrator.job.chunk import VendorJobState
from orchestrator.job.criteria import Operation
from orchestrator.job.status import JobOutcome, JobStatus, StopReason
from orchestrator.providers.salesforce.ingest import SalesforceIngest
from orchestrator.sandbox.faults import Fault, Match, Moment
from orchestrator.sandbox.options import Options
from orchestrator.sandbox.salesforce import ids
from tests.lifecycle.depots import changed, depots, sent, shown, stored, told
from tests.lifecycle.workshop import LEASE_RUNS_OUT, Workshop

CALLS = {
    "create": Match(method="POST", path="/jobs/ingest$"),
    "fill": Match(method="PUT", path="/batches$"),
    "release": Match(method="PATCH", path="/jobs/ingest/750"),
}


@pytest.fixture
def options() -> Options:
    """An org without records of its own, and a dozen jobs of other integrations, one of them like ours."""
    return Options(
        people=0, accounts=0, others=0, sf_accounts=0, sf_contacts=0, sf_others=0, sf_speed=0, sf_foreign_jobs=12
    )


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SalesforceIngest, "chunk_rows", 200)


def check_nothing_was_done_twice(workshop: Workshop) -> None:
    ingest = told(workshop)["ingest"]
    assert (ingest["released_twice"], ingest["rows_sent_twice"]) == (0, 0)
    assert told(workshop)["jobs"]["foreign_writes"] == 0
    assert all(each["puts"] <= 1 for each in ingest["jobs"])


def test_rows_arrive_as_they_were_sent_and_bad_ones_are_tied_to_their_source(workshop: Workshop) -> None:
    bad = (3, 250, 251, 499)
    job = sent(workshop, depots(500, bad))

    done = workshop.run(job)

    assert (done.status, done.outcome) == (JobStatus.COMPLETED, JobOutcome.PARTIAL)
    assert (done.counts.sent, done.counts.accepted, done.counts.refused) == (500, 496, 4)
    rows = csv.DictReader(io.StringIO(depots(500, bad).decode(), newline=""))
    sources = {row["Depot_Code__c"]: (row["Name"], row["Notes__c"]) for row in rows if row["Name"]}
    assert stored(workshop) == sources
    outcome = {line["id"]: line for line in workshop.lines(job)}
    assert sorted(outcome) == list(range(1, 501))
    assert sorted(row for row, line in outcome.items() if line["status"] == "error") == list(bad)
    assert all(line["record"]["Depot_Code__c"] == f"D-{row}" for row, line in outcome.items())
    assert outcome[3]["error"].startswith("REQUIRED_FIELD_MISSING:")
    assert outcome[1]["resource"]["id"].startswith("a0B")
    assert outcome[1]["resource"]["created"] is True
    check_nothing_was_done_twice(workshop)
    assert told(workshop)["ingest"]["released"] == 3


@pytest.mark.parametrize("moment", [Moment.BEFORE, Moment.AFTER, Moment.BODY])
@pytest.mark.parametrize("call", CALLS)
def test_a_lost_answer_releases_no_row_twice(workshop: Workshop, call: str, moment: Moment) -> None:
    job = sent(workshop, depots(300))
    workshop.sandbox.world.order(Fault(cut=moment), CALLS[call])

    done = workshop.run(job)

    assert (done.status, done.counts.accepted, len(stored(workshop))) == (JobStatus.COMPLETED, 300, 300)
    check_nothing_was_done_twice(workshop)
    assert told(workshop)["ingest"]["released"] == 2


@pytest.mark.parametrize("when", [Moment.BEFORE, Moment.AFTER])
@pytest.mark.parametrize("call", CALLS)
def test_a_server_error_before_or_after_the_effect_doubles_nothing(workshop: Workshop, call: str, when: Moment) -> None:
    job = sent(workshop, depots(300))
    workshop.sandbox.world.order(Fault(status=503, when=when), CALLS[call])

    done = workshop.run(job)

    assert (done.status, done.counts.accepted, len(stored(workshop))) == (JobStatus.COMPLETED, 300, 300)
    check_nothing_was_done_twice(workshop)


def test_an_empty_job_that_nobody_names_is_suspected_and_left_alone(workshop: Workshop) -> None:
    job = sent(workshop, depots(10))
    workshop.sandbox.world.order(Fault(cut=Moment.AFTER), CALLS["create"])

    workshop.run(job)

    first, second = told(workshop)["ingest"]["jobs"]
    assert {"vendorJobId": first["id"]} in workshop.told(job, "vendor_job.suspected_orphan")
    assert (first["state"], first["puts"], second["state"]) == ("Open", 0, "JobComplete")


def test_a_job_whose_fill_was_lost_is_aborted_and_its_rows_go_into_another(workshop: Workshop) -> None:
    job = sent(workshop, depots(10))
    workshop.sandbox.world.order(Fault(cut=Moment.AFTER), CALLS["fill"])

    done = workshop.run(job)

    states = [each["state"] for each in told(workshop)["ingest"]["jobs"]]
    ours = [each.state for each in workshop.store.vendor_jobs.of_job(job.id)]
    assert (done.status, states) == (JobStatus.COMPLETED, ["Aborted", "JobComplete"])
    assert ours == [VendorJobState.ABANDONED, VendorJobState.DONE]


@pytest.mark.parametrize("moment", ["PUT", "PATCH", "POST"])
def test_a_worker_that_sleeps_over_its_lease_releases_nothing_twice(workshop: Workshop, moment: str) -> None:
    job = sent(workshop, depots(10))
    with workshop.sandbox.world.lock:
        key = workshop.sandbox.world.salesforce.jobs._made + 1
    ours = ids.made("750", 40_000 + key * 7)
    paths = {"POST": "", "PUT": f"/{ours}/batches", "PATCH": f"/{ours}"}

    with workshop.asleep(job, freeze_before=f"{moment} /services/data/v61.0/jobs/ingest{paths[moment]}"):
        struck = workshop.seams.struck
        workshop.passes(LEASE_RUNS_OUT)
        done = workshop.run(job, workshop.worker("worker-2").turns)

    assert str(struck).startswith(moment)
    assert (done.status, done.counts.accepted) == (JobStatus.COMPLETED, 10)
    check_nothing_was_done_twice(workshop)


def test_a_null_empties_a_field_and_an_empty_cell_leaves_it(workshop: Workshop) -> None:
    connection = workshop.connect("salesforce")
    asked = {"object_name": "Depot__c", "operation": Operation.UPSERT, "external_id_field": "Depot_Code__c"}
    workshop.run(workshop.upload(connection, b"Depot_Code__c,Name,Notes__c\nA,Quay,x\nB,Dock,y\n", **asked))

    file = b"Depot_Code__c,Name,Notes__c\nA,Quay,\nB,Dock,#N/A\n"
    done = workshop.run(workshop.upload(connection, file, **asked))

    assert done.outcome is JobOutcome.SUCCEEDED
    assert stored(workshop) == {"A": ("Quay", "x"), "B": ("Dock", None)}


@pytest.mark.parametrize("operation", [Operation.DELETE, Operation.HARD_DELETE])
def test_records_are_deleted_by_their_ids_alone(workshop: Workshop, operation: Operation) -> None:
    workshop.run(sent(workshop, depots(4)))
    with workshop.sandbox.world.lock:
        gone = [str(each["Id"]) for each in workshop.sandbox.world.salesforce.records("Depot__c") or []]
    file = "Id,Name\n" + "".join(f"{each},whatever\n" for each in gone[:3])

    asked: dict[str, Any] = {"object_name": "Depot__c", "operation": operation, "external_id_field": None}
    done = workshop.run(workshop.upload("salesforce", file.encode(), **asked))

    assert (done.outcome, done.counts.accepted) == (JobOutcome.SUCCEEDED, 3)
    assert told(workshop)["records"]["Depot__c"] == 1


def test_a_row_without_its_key_is_found_before_a_job_is_spent_on_it(workshop: Workshop) -> None:
    job = sent(workshop, b"Depot_Code__c,Name\n,Quay\n,Dock\n")

    done = workshop.run(job)

    assert (done.outcome, done.counts.invalid, done.counts.sent) == (JobOutcome.FAILED, 2, 0)
    assert told(workshop)["ingest"]["jobs"] == []


def test_a_canceled_upload_aborts_its_open_jobs(workshop: Workshop) -> None:
    job = sent(workshop, depots(10))
    workshop.run_until_due(job, "release")

    workshop.lifecycle.cancel(workshop.tenant.id, job.id)
    done = workshop.run(job)

    assert done.status is JobStatus.CANCELED
    assert [each["state"] for each in told(workshop)["ingest"]["jobs"]] == ["Aborted"]
    assert stored(workshop) == {}


def test_an_open_job_that_the_vendor_has_closed_is_replaced_by_another(workshop: Workshop) -> None:
    job = sent(workshop, depots(10))
    workshop.run_until_due(job, "upload")
    (ours,) = told(workshop)["ingest"]["jobs"]
    changed(workshop, ours["id"], "Aborted")

    done = workshop.run(job)

    assert (done.status, done.counts.accepted, len(stored(workshop))) == (JobStatus.COMPLETED, 10, 10)
    assert [each["state"] for each in told(workshop)["ingest"]["jobs"]] == ["Aborted", "JobComplete"]
    assert workshop.told(job, "vendor_job.abandoned") == [{"vendorJobId": ours["id"]}]
    check_nothing_was_done_twice(workshop)


def test_a_filled_job_that_the_vendor_has_closed_is_replaced_as_none_of_its_rows_was_let_go(workshop: Workshop) -> None:
    job = sent(workshop, depots(10))
    workshop.run_until_due(job, "release")
    changed(workshop, told(workshop)["ingest"]["jobs"][0]["id"], "Aborted")

    done = workshop.run(job)

    assert (done.status, done.counts.accepted, done.counts.unprocessed) == (JobStatus.COMPLETED, 10, 0)
    assert len(workshop.told(job, "vendor_job.abandoned")) == 1
    check_nothing_was_done_twice(workshop)


def test_cases_and_leads_are_given_to_their_owners_by_a_rule(workshop: Workshop) -> None:
    rule = "01Q5f000000abcd"
    file = b"LastName,Company,External_Id__c\nL,C,E-1\n"
    asked: dict[str, Any] = {"object_name": "Lead", "external_id_field": "External_Id__c"}

    done = workshop.run(sent(workshop, file, assignment_rule_id=rule, **asked))

    (ours,) = told(workshop)["ingest"]["jobs"]
    assert done.outcome is JobOutcome.SUCCEEDED
    assert shown(workshop, ours["id"])["assignmentRuleId"] == rule


@pytest.mark.parametrize(
    ("most", "stops"),
    [
        ({"max_error_rate": 0.2}, True),
        ({"max_error_rate": 0.9}, False),
        ({"max_errors": 5}, True),
        ({"max_errors": 90}, False),
    ],
    ids=str,
)
def test_a_threshold_of_errors_stops_before_the_next_release(
    workshop: Workshop, most: dict[str, Any], stops: bool
) -> None:
    job = sent(workshop, depots(400, tuple(range(1, 81))), **most)
    workshop.turns.take_turn(workshop.run_until_due(job, "split"))
    while first := [step for step in workshop.steps_of(job) if step["vendor_seq"] == 1 and step["state"] == "ready"]:
        if not any(workshop.turns.take_turn(step["id"]) for step in first):
            workshop.waits()

    ended = workshop.run(job)

    reason = StopReason.ERROR_THRESHOLD if stops else None
    assert (ended.status, ended.stop_reason) == (JobStatus.ABORTED if stops else JobStatus.COMPLETED, reason)
    assert ended.counts.refused == 80
    assert ended.counts.accepted == (120 if stops else 320)
