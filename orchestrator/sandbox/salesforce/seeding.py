"""Records and jobs to start with: the same ones each time."""

from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.sandbox.salesforce.job import SECOND, Job, State
from orchestrator.sandbox.salesforce.jobs import Jobs
from orchestrator.sandbox.salesforce.records import Draft, Org, Record, Table

FIRST = ("Ines", "Tomas", "Amara", "Yuki", "Noor", "Lars", "Paloma", "Idris", "Greta", "Mateo", "Sanne")
LAST = ("Orchard", "Quill", "Harbour", "Lindqvist", "Okafor", "Mercado", "Tanaka", "Winter", "Abadi")
TRADES = ("Shipping", "Printing", "Forestry", "Energy")
STATUSES = ("Not Started", "In Progress", "Completed", "Waiting on someone else")

FOREIGN: tuple[tuple[str, str, str, str, State], ...] = (  # kind, object, operation, whose, state
    ("V2Ingest", "Contact", "upsert", "loader", State.OPEN),
    ("V2Ingest", "Contact", "insert", "loader", State.DONE),
    ("Classic", "Account", "insert", "loader", State.DONE),
    ("V2Query", "Contact", "query", "loader", State.RUNNING),
    ("V2Ingest", "Lead", "delete", "loader", State.FAILED),
    ("BigObjectIngest", "Reading__b", "insert", "loader", State.DONE),
    ("V2Ingest", "Contact", "upsert", "", State.OPEN),  # another tool that uses our user
    ("V2Query", "Account", "queryAll", "", State.DONE),
    ("Classic", "Contact", "query", "nightly", State.ABORTED),
    ("V2Ingest", "Account", "update", "nightly", State.UPLOADED),
    ("V2Ingest", "Task", "hardDelete", "nightly", State.ABORTED),
    ("V2Query", "Task", "query", "nightly", State.FAILED),
)


def seed(org: Org, name: str, count: int, user: str) -> None:
    """Add `count` records of an object."""
    table = org.tables[name.lower()]
    make = MAKERS.get(name.lower(), _named)
    for _ in range(count):
        number = len(table.rows) + len(table.bin) + 1
        plant(org, table, make(number), user)


def plant(org: Org, table: Table, fields: Mapping[str, Any], user: str) -> str:
    """Add one record without a look at the rules, system fields as given; return its id."""
    draft: Draft = [None] * len(table.thing.fields)
    org.born(draft, user)
    for name, value in fields.items():
        draft[table.thing.columns[name.lower()]] = None if value is None else str(value)
    return table.add(draft)


def plant_job(jobs: Jobs, user: str, now: int, fields: Mapping[str, Any]) -> Job:
    """Add a job of somebody else; `age` is in seconds."""
    made = now - int(fields.get("age", 0) * SECOND)
    state = State(fields.get("state", State.DONE))
    job = Job(
        key=jobs.next_key(),
        kind=str(fields.get("jobType", "V2Ingest")),
        object=str(fields.get("object", "Contact")),
        operation=str(fields.get("operation", "insert")),
        user=user,
        version=float(fields.get("apiVersion", 61.0)),
        created_at=made,
        modified_at=made,
        released_at=0 if state is State.OPEN else made,
        finished_at=made if state.is_final else 0,
        state=state,
        foreign=True,
        pk_chunking=bool(fields.get("isPkChunkingEnabled", False)),
        processed=int(fields.get("numberRecordsProcessed", 0)),
    )
    if fields.get("externalIdFieldName"):
        job.extra = {"externalIdFieldName": fields["externalIdFieldName"]}
    jobs.keep(job)
    return job


def foreign(number: int) -> dict[str, Any]:
    """Return what the `number`th job of somebody else is, from a dozen kinds."""
    kind, thing, operation, whose, state = FOREIGN[number % len(FOREIGN)]
    told = {"jobType": kind, "object": thing, "operation": operation, "user": whose, "state": state}
    keyed = {"externalIdFieldName": "External_Id__c"} if operation == "upsert" else {}
    chunked = {"isPkChunkingEnabled": True} if kind == "Classic" else {}
    return told | keyed | chunked | {"age": 600 + 60 * number, "numberRecordsProcessed": 1000 + number}


def setup(org: Org, user: str, name: str) -> None:
    """Add what every org has: itself, its users, setup data."""
    fields = {"Name": "Sandbox Harbour", "IsSandbox": "true", "OrganizationType": "Developer Edition"}
    plant(org, org.tables["organization"], fields, user)
    plant(org, org.tables["user"], {"Username": name, "Name": "Sandbox Integration", "Email": name}, user)
    for status in STATUSES:
        plant(org, org.tables["taskstatus"], {"ApiName": status, "IsClosed": str(status == "Completed").lower()}, user)


def _person(number: int) -> dict[str, Any]:
    first, last = FIRST[number % len(FIRST)], LAST[number % len(LAST)]
    return {
        "FirstName": first,
        "LastName": last,
        "Email": f"{first}.{last}.{number}@people.test".lower(),
        "Phone": f"+1 555 {number % 10_000:04d}",
        "External_Id__c": f"SEED-{number}",
    }


def _contact(number: int) -> dict[str, Any]:
    more = {"DoNotCall": str(number % 50 == 0).lower(), "Score__c": number, "Legacy_Number__c": 100_000 + number}
    return _person(number) | more


def _lead(number: int) -> dict[str, Any]:
    return _person(number) | {"Company": f"{LAST[number % len(LAST)]} & Sons", "Status": "Open - Not Contacted"}


def _account(number: int) -> dict[str, Any]:
    return {
        "Name": f"{LAST[number % len(LAST)]} {number}",
        "Industry": TRADES[number % len(TRADES)],
        "Website": f"https://company-{number}.test",
        "NumberOfEmployees": number * 3,
        "External_Id__c": f"SEED-{number}",
    }


def _task(number: int) -> dict[str, Any]:
    status = STATUSES[number % len(STATUSES)]
    return {"Subject": f"Call {number}", "Status": status, "Priority": "Normal", "External_Id__c": f"SEED-{number}"}


def _named(number: int) -> dict[str, Any]:
    return {"Name": f"Thing {number}"}


MAKERS: Mapping[str, Callable[[int], dict[str, Any]]] = {
    "contact": _contact,
    "lead": _lead,
    "account": _account,
    "task": _task,
}


def shown_record(table: Table, record: Record) -> dict[str, str | None]:
    """Return a record with the names of its fields, as the control plane shows it."""
    return {field.name: value for field, value in zip(table.thing.fields, record, strict=True)}
