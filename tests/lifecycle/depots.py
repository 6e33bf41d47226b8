"""Uploads of depots to Salesforce, with text that is hard on every hand it goes through."""

import csv
import io
from typing import Any

import httpx

from orchestrator.job.criteria import Operation
from orchestrator.job.record import Job
from tests.lifecycle.workshop import Workshop

COLUMNS = ("Depot_Code__c", "Name", "Notes__c")
NASTY = (
    'say "no"',
    "two\nlines",
    "a,b",
    "naïve 😀 \U0002070e",
    "'; drop",
    "\u2028 and \x0b",
    "tab\there",
    " x ",
    "N/A",
)


def depots(count: int, bad: tuple[int, ...] = ()) -> bytes:
    """Return a CSV file of depots; the rows numbered `bad`, from 1, have no name, which the org wants."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for n in range(1, count + 1):
        writer.writerow((f"D-{n}", "" if n in bad else f"{NASTY[n % len(NASTY)]} {n}", NASTY[n % len(NASTY)] * 2))
    return out.getvalue().encode()


def sent(workshop: Workshop, file: bytes, **criteria: Any) -> Job:
    """Submit an upsert of depots."""
    asked = {"object_name": "Depot__c", "operation": Operation.UPSERT, "external_id_field": "Depot_Code__c"}
    return workshop.upload(workshop.connect("salesforce"), file, **(asked | criteria))


def told(workshop: Workshop) -> Any:
    """Return what Salesforce counted."""
    with workshop.sandbox.world.lock:
        return workshop.sandbox.world.salesforce.stats()


def stored(workshop: Workshop) -> dict[str, tuple[str | None, str | None]]:
    """Return what the org holds, by code."""
    with workshop.sandbox.world.lock:
        records = workshop.sandbox.world.salesforce.records("Depot__c") or []
    return {str(each["Depot_Code__c"]): (each["Name"], each["Notes__c"]) for each in records}


def changed(workshop: Workshop, remote_id: str, state: str) -> None:
    """Set the state of a job as an administrator of the org would."""
    _asked(workshop, "PATCH", remote_id, {"state": state})


def shown(workshop: Workshop, remote_id: str) -> Any:
    """Return a job as the org shows it."""
    return _asked(workshop, "GET", remote_id).json()


def _asked(workshop: Workshop, method: str, remote_id: str, body: Any = None) -> httpx.Response:
    url = f"{workshop.sandbox.url}/services/data/v61.0/jobs/ingest/{remote_id}"
    token = {"authorization": "Bearer sandbox-token"}
    return httpx.request(method, url, json=body, headers=token).raise_for_status()
