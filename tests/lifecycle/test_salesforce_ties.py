"""Fates of an upload to Salesforce: told in no order, and written anew, each finds its source row."""

from typing import Any

import pytest

from orchestrator.job.criteria import Operation
from orchestrator.job.status import JobOutcome, JobStatus
from orchestrator.sandbox.options import Options
from tests.lifecycle.depots import depots, sent
from tests.lifecycle.workshop import Workshop


@pytest.fixture
def options() -> Options:
    """An org without records of its own."""
    return Options(people=0, accounts=0, others=0, sf_accounts=0, sf_contacts=0, sf_others=0, sf_speed=0)


def test_rows_whose_values_come_back_written_anew_are_tied_by_their_external_id(workshop: Workshop) -> None:
    workshop.sandbox.world.change({"sf_rerender": True})
    file = b"LastName,External_Id__c,Score__c\n" + b"".join(b"L%d,E-%d,91226003%d\n" % (n, n, n) for n in range(9))
    job = sent(workshop, file, object_name="Contact", external_id_field="External_Id__c")

    done = workshop.run(job)

    assert (done.status, done.outcome) == (JobStatus.COMPLETED, JobOutcome.SUCCEEDED)
    assert {line["id"]: line["record"]["External_Id__c"] for line in workshop.lines(job)} == {
        n + 1: f"E-{n}" for n in range(9)
    }
    assert workshop.told(job, "fate.untied") == []


def test_rows_to_be_inserted_are_tied_by_the_worth_of_their_numbers(workshop: Workshop) -> None:
    workshop.sandbox.world.change({"sf_rerender": True})
    file = b"LastName,Score__c\n" + b"".join(b"L,91226003%d\n" % (n % 3) for n in range(9))
    job = sent(workshop, file, object_name="Contact", operation=Operation.INSERT, external_id_field=None)

    done = workshop.run(job)

    assert (done.status, done.counts.accepted) == (JobStatus.COMPLETED, 9)
    assert {line["id"]: float(line["record"]["Score__c"]) for line in workshop.lines(job)} == {
        n + 1: 912260030 + n % 3 for n in range(9)
    }


@pytest.mark.parametrize("operation", [Operation.INSERT, Operation.UPSERT])
def test_rows_are_tied_by_the_columns_that_came_back(workshop: Workshop, operation: Operation) -> None:
    workshop.sandbox.world.change({"sf_rerender": True, "sf_lost_columns": ("External_Id__c", "Title")})
    rows = [f"L{n},,E-{n},T{n},91226003{n}" if n % 4 else f",F{n},E-{n},T{n},91226003{n}" for n in range(1, 9)]
    file = "LastName,FirstName,External_Id__c,Title,Score__c\n" + "\n".join(rows)
    key = "External_Id__c" if operation is Operation.UPSERT else None
    asked: dict[str, Any] = {"object_name": "Contact", "operation": operation, "external_id_field": key}
    job = sent(workshop, file.encode(), **asked)

    done = workshop.run(job)

    outcome = [(line["id"], line["status"], line["record"]["External_Id__c"]) for line in workshop.lines(job)]
    assert (done.status, done.counts.accepted, done.counts.refused) == (JobStatus.COMPLETED, 6, 2)
    assert outcome == [(n, "success" if n % 4 else "error", f"E-{n}") for n in range(1, 9)]
    assert workshop.told(job, "fate.untied") == []


def test_rows_that_look_the_same_are_paired_in_order_and_it_is_said(workshop: Workshop) -> None:
    file = b"LastName,Title\nSame,x\nOther,x\nSame,x\n,x\n,x\n"
    job = sent(workshop, file, object_name="Contact", operation=Operation.INSERT, external_id_field=None)

    done = workshop.run(job)

    assert (done.status, done.counts.accepted, done.counts.refused) == (JobStatus.COMPLETED, 3, 2)
    assert [(line["id"], line["status"], line.get("tie", False)) for line in workshop.lines(job)] == [
        (1, "success", True), (2, "success", False), (3, "success", True), (4, "error", True), (5, "error", True),
    ]  # fmt: skip
    assert len({line["resource"]["id"] for line in workshop.lines(job)[:3]}) == 3


def test_a_refusal_is_told_by_code_message_and_the_users_own_key(workshop: Workshop) -> None:
    workshop.sandbox.world.change({"sf_lock_every": 2})
    job = sent(workshop, depots(4, bad=(3,)))

    workshop.run(job)

    errors = {error.row: error for error in workshop.store.row_errors.list(job.id)}
    missing = "Required fields are missing: [Name]"
    busy = "unable to obtain exclusive access to this record"
    assert {row: (error.code, error.message, error.retryable, error.identifier) for row, error in errors.items()} == {
        2: ("UNABLE_TO_LOCK_ROW", busy, True, "D-2"),
        3: ("REQUIRED_FIELD_MISSING", missing, False, "D-3"),
        4: ("UNABLE_TO_LOCK_ROW", busy, True, "D-4"),
    }
    lines = {line["id"]: line for line in workshop.lines(job)}
    assert (lines[3]["vendorCode"], lines[3]["retryable"]) == ("REQUIRED_FIELD_MISSING", False)
    assert (lines[4]["vendorCode"], lines[4]["retryable"]) == ("UNABLE_TO_LOCK_ROW", True)
    assert "vendorCode" not in lines[1]
