"""Records to start with: the same ones each time."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from orchestrator.sandbox.salesloft.table import Table
from orchestrator.sandbox.told import EPOCH, MICROSECOND, iso, iso_elsewhere, parsed

START = (datetime(2024, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND
SECOND = 1_000_000

FIRST = ("Ines", "Tomas", "Amara", "Yuki", "Noor", "Lars", "Paloma", "Idris", "Greta", "Mateo", "Sanne")
LAST = ("Orchard", "Quill", "Harbour", "Lindqvist", "Okafor", "Mercado", "Tanaka", "Winter", "Abadi")
TITLES = ("Head of Operations", "Account Executive", "Buyer", "Controller", "Chief of Staff")
CITIES = (("Bergen", "NO"), ("Porto", "PT"), ("Leeds", "GB"), ("Austin", "US"), ("Osaka", "JP"))
SENIORITY = ("director", "executive", "individual_contributor", "manager", "vice_president", "unknown")


def seed(table: Table, path: str, count: int, *, ties: int = 1, mixed: bool = False) -> None:
    """Add `count` records to a list, `ties` of them at each instant, one second between the instants."""
    make = MAKERS.get(path, _thing)
    done = len(table.rows)
    for index in range(done, done + count):
        at = START + index // max(1, ties) * SECOND + 118_240
        write = iso_elsewhere if mixed and index % 2 else iso
        id_ = table.next_id()
        record = {"id": id_, "created_at": write(at), "updated_at": write(at), **make(id_, path)}
        table.put(record, at, at)


def _person(number: int, _: str) -> dict[str, Any]:
    first, last = FIRST[number % len(FIRST)], LAST[number % len(LAST)]
    city, country = CITIES[number % len(CITIES)]
    return {
        "first_name": first,
        "last_name": last,
        "display_name": f"{first} {last}",
        "email_address": f"{first}.{last}.{number}@people.test".lower(),
        "phone": f"+1 555 {number % 10_000:04d}",
        "title": TITLES[number % len(TITLES)],
        "city": city,
        "state": None,
        "country": country,
        "job_seniority": SENIORITY[number % len(SENIORITY)],
        "do_not_contact": number % 50 == 0,
        "crm_id": None,
        "crm_id_type": None,
        "tags": ["seeded"],
        "custom_fields": {"row": str(number)},
        "account": None,
        "owner": {"id": 1 + number % 20, "_href": f"/v2/users/{1 + number % 20}"},
    }


def _account(number: int, _: str) -> dict[str, Any]:
    return {
        "name": f"{LAST[number % len(LAST)]} {number}",
        "domain": f"company-{number}.test",
        "website": f"https://company-{number}.test",
        "crm_id": None,
        "tags": [],
        "custom_fields": {},
        "owner": {"id": 1 + number % 20, "_href": f"/v2/users/{1 + number % 20}"},
    }


def _user(number: int, _: str) -> dict[str, Any]:
    name = f"{FIRST[number % len(FIRST)]} {LAST[number % len(LAST)]}"
    return {"name": name, "email": f"user-{number}@team.test", "active": True, "team": {"id": 1, "_href": "/v2/team"}}


def _custom_field(number: int, _: str) -> dict[str, Any]:
    return {"name": f"field_{number}", "field_type": ("person", "company")[number % 2], "value_type": "text"}


def _thing(number: int, path: str) -> dict[str, Any]:
    return {"name": f"{path.rpartition('/')[2].replace('_', ' ')} {number}"}


MAKERS: Mapping[str, Callable[[int, str], dict[str, Any]]] = {
    "people": _person,
    "accounts": _account,
    "users": _user,
    "custom_fields": _custom_field,
}


def plant(table: Table, records: list[dict[str, Any]], now: int) -> None:
    """Add whole records; ids and times that they lack are filled in."""
    for record in records:
        whole: dict[str, Any] = {
            "id": record.get("id") or table.next_id(),
            "created_at": iso(now),
            "updated_at": iso(now),
        } | record
        table.put(whole, parsed(whole["created_at"]), parsed(whole["updated_at"]))
