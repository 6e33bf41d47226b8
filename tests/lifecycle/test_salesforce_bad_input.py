"""Bad input is found before a vendor job is spent on it: a bad row goes to the errors, a bad file stops the upload."""

import json
from datetime import timedelta
from typing import Any

import pytest

from orchestrator.job.criteria import Operation
from orchestrator.job.record import Job
from orchestrator.job.status import JobOutcome, JobStatus, StopReason
from orchestrator.lifecycle import turn
from orchestrator.providers.salesforce.ingest import SalesforceIngest
from orchestrator.sandbox.faults import Fault, Match
from orchestrator.sandbox.options import Options
from orchestrator.steps import split
from tests.lifecycle.depots import depots, sent, stored, told
from tests.lifecycle.workshop import Workshop

DESCRIBE = "GET /services/data/vXX.X/sobjects/{id}/describe"


@pytest.fixture
def options() -> Options:
    """An org without records of its own."""
    return Options(people=0, accounts=0, others=0, sf_accounts=0, sf_contacts=0, sf_others=0, sf_speed=0)


def stopped_by(workshop: Workshop, file: bytes, **criteria: Any) -> str:
    """Run an upload that must stop before anything is created; return what it says."""
    done = workshop.run(sent(workshop, file, **criteria))
    assert (done.status, done.stop_reason) == (JobStatus.ABORTED, StopReason.BAD_INPUT)
    assert told(workshop)["ingest"]["jobs"] == []
    return str(done.status_message)


def errors_of(workshop: Workshop, job: Job) -> dict[int | None, tuple[str, str]]:
    """Return code and message of the job's errors, by row."""
    return {error.row: (error.code, error.message) for error in workshop.store.row_errors.list(job.id)}


def test_an_unknown_column_is_answered_with_the_nearest_names(workshop: Workshop) -> None:
    message = stopped_by(workshop, b"Depot_Code__c,Name,Note__c,Xyz\nD-1,Quay,red,1\n")

    assert "Note__c: Depot__c has no such field" in message
    assert "The nearest are Notes__c" in message
    assert "Xyz: Depot__c has no such field" in message


def test_an_unknown_parent_is_answered_with_the_nearest_names(workshop: Workshop) -> None:
    asked: dict[str, Any] = {"object_name": "Contact", "operation": Operation.INSERT, "external_id_field": None}

    message = stopped_by(workshop, b"LastName,Acount.External_Id__c\nL,E\n", **asked)

    assert "Contact has no parent Acount" in message
    assert "Account" in message


def test_a_missing_key_column_is_named(workshop: Workshop) -> None:
    message = stopped_by(workshop, b"Depot_Code,Name\nD-1,Quay\n")

    assert "Depot_Code__c: there is no such column" in message
    assert "The nearest are Depot_Code." in message


@pytest.mark.parametrize("operation", [Operation.UPDATE, Operation.DELETE, Operation.HARD_DELETE])
def test_rows_that_exist_are_named_by_their_id(workshop: Workshop, operation: Operation) -> None:
    message = stopped_by(workshop, b"Name\nQuay\n", operation=operation, external_id_field=None)

    assert "Id: there is no such column" in message


def test_a_key_that_tells_no_records_apart_is_refused_with_those_that_do(workshop: Workshop) -> None:
    message = stopped_by(workshop, b"Notes__c,Name\nx,Quay\n", external_id_field="Notes__c")

    assert "Notes__c does not tell records apart" in message
    assert "Depot_Code__c" in message


@pytest.mark.parametrize(
    "header", ["Depot_Code__c,Name,name", ",".join(["Depot_Code__c", *(f"C{n}" for n in range(5_000))]),
               f"Depot_Code__c,{'x' * 32_000}"],
)  # fmt: skip
def test_a_header_that_no_job_takes_is_refused(workshop: Workshop, header: str) -> None:
    message = stopped_by(workshop, f"{header}\n{'x,' * header.count(',')}x\n".encode())

    assert "file: the " in message


def test_an_object_that_does_not_exist_is_found_before_a_job_is_spent_on_it(workshop: Workshop) -> None:
    message = stopped_by(workshop, depots(3), object_name="Depots__c")

    assert "Depot__c" in message


def test_columns_are_sent_as_the_org_spells_them(workshop: Workshop) -> None:
    job = sent(workshop, b"depot_code__C,NAME,notes__c\nD-1,Quay,x\n")

    done = workshop.run(job)

    assert done.outcome is JobOutcome.SUCCEEDED
    assert stored(workshop) == {"D-1": ("Quay", "x")}
    assert workshop.lines(job)[0]["record"] == {"Depot_Code__c": "D-1", "Name": "Quay", "Notes__c": "x"}


def test_rows_that_are_bad_alone_go_to_the_errors_and_the_rest_goes_on(workshop: Workshop) -> None:
    rows = [
        b"D-1,Quay,",
        b"D-2,Dock,x,too many",
        b",Mole,",
        b"D-4,Pier," + b"x" * 131_073,
        b"D-5,B\xff,\xfe",
        b"D-6,Jetty,",
    ]
    job = sent(workshop, b"Depot_Code__c,Name,Notes__c\n" + b"\n".join(rows) + b"\n", encoding="utf-8")

    done = workshop.run(job)

    assert (done.outcome, done.counts.invalid, done.counts.accepted) == (JobOutcome.PARTIAL, 4, 2)
    errors = errors_of(workshop, job)
    assert {row: code for row, (code, _) in errors.items()} == {
        2: "too_many_cells", 3: "invalid", 4: "invalid", 5: "undecodable",
    }  # fmt: skip
    assert errors[2][1] == "4 cells where the header has 3"
    assert errors[3][1] == "Depot_Code__c: is missing. Each row that is to upsert needs it."
    assert errors[4][1] == "Notes__c: has 131073 characters, more than 131072. Shorten it."
    assert errors[5][1].startswith("it holds bytes that are no utf-8 text; ")
    lines = {line["id"]: line for line in workshop.lines(job)}
    assert lines[3]["record"] == {"Name": "Mole"}
    assert [row for row, line in lines.items() if line["status"] == "error"] == [2, 3, 4, 5]


def test_a_row_that_is_too_long_as_a_whole_goes_to_the_errors(workshop: Workshop) -> None:
    long = "x" * 100_001
    asked: dict[str, Any] = {"object_name": "Account", "operation": Operation.INSERT, "external_id_field": None}
    file = f"Name,Phone,Website,Description\n{long},{long},{long},{long}\nQuay,1,,\n"
    job = sent(workshop, file.encode(), **asked)

    done = workshop.run(job)

    assert (done.counts.invalid, done.counts.accepted) == (1, 1)
    assert errors_of(workshop, job)[1][1].startswith("file: the row has 400004 characters, more than 400000")


def test_a_value_in_a_column_that_cannot_be_written_is_bad_and_an_empty_one_is_not(workshop: Workshop) -> None:
    job = sent(workshop, b"Depot_Code__c,Name,CreatedDate\nD-1,Quay,\nD-2,Dock,2031-04-05T06:07:08.000Z\n")

    done = workshop.run(job)

    assert (done.counts.invalid, done.counts.accepted) == (1, 1)
    code, message = errors_of(workshop, job)[2]
    assert code == "read_only_field"
    assert message.startswith("CreatedDate: cannot be written by upsert. ")


def test_an_unknown_field_of_a_json_row_is_that_rows_alone(workshop: Workshop) -> None:
    rows = [{"Depot_Code__c": f"D-{n}", "Name": "Quay"} | ({"Colour": 1} if n % 3 == 0 else {}) for n in range(1, 10)]
    file = "\n".join(json.dumps(row) for row in rows)
    job = sent(workshop, file.encode(), format="jsonl")

    done = workshop.run(job)

    assert (done.counts.invalid, done.counts.accepted) == (3, 6)
    assert {row: code for row, (code, _) in errors_of(workshop, job).items()} == dict.fromkeys(
        (3, 6, 9), "unknown_field"
    )
    assert workshop.routes[DESCRIBE] == 1


def test_fields_of_parents_may_be_nested_or_mapped(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    accounts: dict[str, Any] = {"object_name": "Account", "external_id_field": "External_Id__c"}
    workshop.run(workshop.upload("salesforce", b"External_Id__c,Name\nA-1,Cedarline\n", **accounts))
    asked: dict[str, Any] = {"object_name": "Contact", "operation": Operation.INSERT, "external_id_field": None}
    mapping = {"Company": "Account.External_Id__c"}

    by_csv = workshop.upload("salesforce", b"LastName,Company\nL,A-1\n", mapping=mapping, **asked)
    row = {"LastName": "M", "account": {"External_Id__c": "A-1"}}
    by_json = workshop.upload("salesforce", json.dumps(row).encode(), format="jsonl", **asked)

    assert [workshop.run(job).outcome for job in (by_csv, by_json)] == [JobOutcome.SUCCEEDED] * 2
    with workshop.sandbox.world.lock:
        contacts = workshop.sandbox.world.salesforce.records("Contact") or []
    assert all(str(each["AccountId"]).startswith("001") for each in contacts)


def test_the_org_is_asked_once_for_its_fields_whatever_the_turns(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SalesforceIngest, "chunk_rows", 2)
    monkeypatch.setattr(turn, "LONG_TURN", timedelta(0))
    monkeypatch.setattr(turn, "SHORT_TURN", timedelta(0))
    job = sent(workshop, depots(9))

    done = workshop.run(job)

    assert (done.outcome, done.counts.accepted) == (JobOutcome.SUCCEEDED, 9)
    assert workshop.routes[DESCRIBE] == 1


def test_a_file_of_bad_rows_alone_is_booked_piece_by_piece(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(split, "MOST_BAD", 1_000)
    job = sent(workshop, b"Depot_Code__c,Name\n" + b",Quay\n" * 50 + b"D-1,Quay\n" + b",Quay\n" * 50)

    done = workshop.run(job)

    assert (done.outcome, done.counts.invalid, done.counts.accepted) == (JobOutcome.PARTIAL, 100, 1)
    assert [line["id"] for line in workshop.lines(job)] == list(range(1, 102))
    assert len([label for label in workshop.seams.seen if label == "commit checkpoint"]) > 10


def test_an_org_that_does_not_answer_is_asked_again_before_anything_is_created(workshop: Workshop) -> None:
    workshop.sandbox.world.order(Fault(status=503), Match(path="/describe"))
    job = sent(workshop, depots(3))

    done = workshop.run(job)

    assert (done.outcome, done.counts.accepted) == (JobOutcome.SUCCEEDED, 3)
    assert workshop.told(job, "vendor.unreachable") != []
