"""What executing one row does, and why a row is refused: the rules of the single-record upserts.

https://developers.salesloft.com/docs/api/people-upsert/ — upsert_key, crm_id and seniority rules.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.sandbox.salesloft.table import Table
from orchestrator.sandbox.told import Clock, iso

Record = dict[str, Any]
EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
SENIORITIES = {"director", "executive", "individual_contributor", "manager", "vice_president", "unknown"}
CRM_SCOPE = "person:set_crm_id"
PATHS = {"person": "people", "account": "accounts"}
LINKS = {"account": "accounts", "owner": "users"}
NOT_FIELDS = {"upsert_key", "id", "account_id", "owner_id", "created_at", "updated_at"}
SHAPES: Mapping[str, type] = {"tags": list, "custom_fields": dict}


class RowRefused(Exception):
    """A row ends in error; the text is the vendor's prose."""


class Upserts:
    """Executes rows against the lists, so that what was sent up is seen in the lists."""

    def __init__(self, clock: Clock, tables: Mapping[str, Table]) -> None:
        self._clock = clock
        self._people = tables["people"]
        self._accounts = tables["accounts"]
        self._shares = 0

    def execute(self, job_type: str, record: Record, scopes: tuple[str, ...]) -> Record:
        """Return the outcome of one row; raises RowRefused."""
        match job_type:
            case "person/upsert":
                return self._person(record, scopes)
            case "account/upsert":
                return self._account(record)
        self._shares += 1
        return {job_type.partition("/")[0]: {"id": self._shares}, "upsert_type": "create"}

    def _person(self, record: Record, scopes: tuple[str, ...]) -> Record:
        _check_shapes(record)
        _check_person(record, scopes)
        found = _found(self._people, record, ("id", "crm_id", "email_address"))
        email = record.get("email_address")
        if found is None and not email and not (record.get("phone") and record.get("last_name")):
            raise RowRefused("email_address is missing")
        if email and any(id_ != found for id_ in self._people.find("email_address", str(email))):
            raise RowRefused("email_address has already been taken")
        return self._store("person", self._people, found, record, _display_name)

    def _account(self, record: Record) -> Record:
        _check_shapes(record)
        found = _found(self._accounts, record, ("id", "crm_id", "domain"))
        for name in ("name", "domain"):
            if found is None and not record.get(name):
                raise RowRefused(f"{name} is missing")
        if any(id_ != found for id_ in self._accounts.find("domain", str(record.get("domain")))):
            raise RowRefused("domain has already been taken")
        return self._store("account", self._accounts, found, record, dict)

    def _store(
        self, kind: str, table: Table, found: int | None, record: Record, finish: Callable[[Record], Record]
    ) -> Record:
        now = self._clock.now()
        old = table.rows[found] if found is not None else None
        base = old.record() if old else {"id": table.next_id(), "created_at": iso(now)}
        merged = finish(base | _fields(record) | _links(record) | {"updated_at": iso(now)})
        row = table.put(merged, old.created_at if old else now, now)
        return {
            "upsert_type": "update" if old else "create",
            kind: {"id": row.id, "_href": f"/v2/{PATHS[kind]}/{row.id}"},
        }


def _fields(record: Record) -> Record:
    return {name: value for name, value in record.items() if name not in NOT_FIELDS}


def _links(record: Record) -> Record:
    return {
        kind: {"id": record[f"{kind}_id"], "_href": f"/v2/{path}/{record[f'{kind}_id']}"}
        for kind, path in LINKS.items()
        if record.get(f"{kind}_id") is not None
    }


def _display_name(record: Record) -> Record:
    name = " ".join(str(record[part]) for part in ("first_name", "last_name") if record.get(part))
    return record | {"display_name": name}


def _check_shapes(record: Record) -> None:
    for name, shape in SHAPES.items():
        if record.get(name) is not None and not isinstance(record[name], shape):
            raise RowRefused(f"{name} is invalid")
    if record.get("do_not_contact") not in (None, True, False, "true", "false"):
        raise RowRefused("do_not_contact is invalid")


def _check_person(record: Record, scopes: tuple[str, ...]) -> None:
    email, seniority = record.get("email_address"), record.get("job_seniority")
    if email and not (isinstance(email, str) and EMAIL.fullmatch(email)):
        raise RowRefused("email_address is invalid")
    if seniority is not None and seniority not in SENIORITIES:
        raise RowRefused("job_seniority is not included in the list")
    if record.get("crm_id") is not None:
        _check_crm_id(record, scopes)


def _check_crm_id(record: Record, scopes: tuple[str, ...]) -> None:
    if record.get("crm_id_type") != "salesforce":
        raise RowRefused("crm_id_type must be salesforce")
    if len(str(record["crm_id"])) != 18:
        raise RowRefused("crm_id must have 18 characters")
    if CRM_SCOPE not in scopes:
        raise RowRefused(f"crm_id needs the scope {CRM_SCOPE}")


def _found(table: Table, record: Record, allowed: tuple[str, ...]) -> int | None:
    """The id of the record to update; None: create one. Without an upsert key nothing is ever updated."""
    key = record.get("upsert_key")
    if key is None:
        return None
    if key not in allowed:
        raise RowRefused("upsert_key is not included in the list")
    value = record.get(key)
    if value is None or value == "":
        raise RowRefused(f"{key} is missing")
    if key == "id":
        return _by_id(table, value)
    matches = table.find(key, str(value))
    if len(matches) > 1:
        raise RowRefused(f"{key} matches several records")
    return matches[0] if matches else None


def _by_id(table: Table, value: Any) -> int:
    if not str(value).isdigit() or int(value) not in table.rows:
        raise RowRefused("id is not found")
    return int(value)
