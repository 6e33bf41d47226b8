"""Salesforce by Bulk API 1.0, as the tests of whole jobs see it."""

import csv
import io
from typing import Any

from orchestrator.job.criteria import Operation
from orchestrator.job.record import Job
from orchestrator.sandbox.options import Options
from tests.lifecycle.workshop import Workshop

COLUMNS = ("Depot_Code__c", "Name", "Notes__c")
NASTY = (
    'say "no"',
    "two\nlines",
    "a,b",
    "naïve 😀 \U0002070e",
    "'; drop",
    "a < b && c > d",
    "tab\there",
    "]]>",
)


def an_org(**changed: Any) -> Options:
    """An org without records of its own, and a dozen jobs of other integrations."""
    plain: dict[str, Any] = {"people": 0, "accounts": 0, "others": 0}
    empty: dict[str, Any] = {"sf_accounts": 0, "sf_contacts": 0, "sf_others": 0, "sf_speed": 0, "sf_foreign_jobs": 12}
    return Options(**(plain | empty | changed))


def told(workshop: Workshop) -> Any:
    """Return what Salesforce counted."""
    with workshop.sandbox.world.lock:
        return workshop.sandbox.world.salesforce.stats()


def depots(workshop: Workshop, count: int) -> list[dict[str, Any]]:
    """Put depots into the org, whose notes are as nasty as texts can be; every tenth has none."""
    rows = [
        {
            "Name": f"{NASTY[n % len(NASTY)]} {n}",
            "Depot_Code__c": f"D-{n}",
            "Notes__c": None if n % 10 == 0 else NASTY[n % len(NASTY)] * 3,
        }
        for n in range(count)
    ]
    with workshop.sandbox.world.lock:
        workshop.sandbox.world.salesforce.add({}, {"Depot__c": rows}, [])
    return rows


def records(workshop: Workshop, name: str = "Depot__c") -> list[dict[str, str | None]]:
    """Return what the org holds."""
    with workshop.sandbox.world.lock:
        return workshop.sandbox.world.salesforce.records(name) or []


def a_file(count: int, bad: tuple[int, ...] = (), poison: tuple[int, ...] = ()) -> bytes:
    """Return a CSV file of depots; rows numbered `bad`, from 1, have no name; those of `poison` spoil their batch."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for n in range(1, count + 1):
        name = "HEMLOCK" if n in poison else "" if n in bad else f"{NASTY[n % len(NASTY)]} {n}"
        writer.writerow((f"D-{n}", name, NASTY[n % len(NASTY)] * 2))
    return out.getvalue().encode()


def sent(workshop: Workshop, file: bytes, **criteria: Any) -> Job:
    """Submit an insert of depots."""
    asked = {"object_name": "Depot__c", "operation": Operation.INSERT, "external_id_field": None, "bulk_api": "1.0"}
    return workshop.upload(workshop.connect("salesforce"), file, **(asked | criteria))


def stored(workshop: Workshop) -> dict[str, tuple[str | None, str | None]]:
    """Return what the org holds, by code."""
    return {str(each["Depot_Code__c"]): (each["Name"], each["Notes__c"]) for each in records(workshop)}


def check_nothing_was_done_twice(workshop: Workshop) -> None:
    assert told(workshop)["bulk1"]["rows_sent_twice"] == 0
    assert told(workshop)["jobs"]["foreign_writes"] == 0


def batches(workshop: Workshop) -> list[dict[str, Any]]:
    return [batch for job in told(workshop)["bulk1"]["jobs"] for batch in job["batches"]]
