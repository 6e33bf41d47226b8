"""The types of the fields that bulk jobs write, and the text of a CSV cell turned into them.

Taken from the vendor's person and account upserts. A field that is not in the table stays as it came.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from orchestrator.job.errors import Invalid
from orchestrator.providers.salesloft.catalog import UPSERT_KEYS
from orchestrator.providers.schema import FieldType

Reading = Callable[[str, str], Any]  # column, text → value; raises Invalid

WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)
WORDS = {"true": True, "yes": True, "t": True, "1": True, "false": False, "no": False, "f": False, "0": False}


def _integer(column: str, text: str) -> int:
    if not WHOLE.fullmatch(text):
        raise Invalid(column, "must be a whole number", "Write it without separators or decimals")
    return int(text)


def _boolean(column: str, text: str) -> bool:
    try:
        return WORDS[text.lower()]
    except KeyError:
        raise Invalid(column, "must be true or false", "yes, no, 1 and 0 are understood too") from None


def _list(column: str, text: str) -> list[str]:
    return [item for item in (part.strip() for part in text.split(";")) if item]


def _object(column: str, text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError:
        raise Invalid(column, "must be a JSON object", f"Or map single columns to {column}.<field>") from None


PERSON: Mapping[str, Reading] = {
    "id": _integer,
    "account_id": _integer,
    "owner_id": _integer,
    "import_id": _integer,
    "person_stage_id": _integer,
    "do_not_contact": _boolean,
    "tags": _list,
    "contact_restrictions": _list,
    "custom_fields": _object,
}
ACCOUNT: Mapping[str, Reading] = {
    "id": _integer,
    "owner_id": _integer,
    "account_tier_id": _integer,
    "company_stage_id": _integer,
    "do_not_contact": _boolean,
    "tags": _list,
    "custom_fields": _object,
}
KINDS: Mapping[Reading, str] = {_integer: "integer", _boolean: "boolean", _list: "list", _object: "object"}
TABLES: Mapping[str, Mapping[str, Reading]] = {"person": PERSON, "account": ACCOUNT}
CRM_ID_TYPE = "salesforce"  # the only kind of CRM id that upserts know


def described(object_name: str) -> Sequence[FieldType]:
    """Return the fields of an object that bulk jobs write by a type of their own, and those that an upsert finds it by.

    Any other field passes as text. Raises Invalid for an object without a table.
    """
    table = TABLES.get(object_name)
    if table is None:
        problem = f"Salesloft describes no fields of a {object_name}"
        raise Invalid("object", problem, "Read one: `bulkhead download` with `--limit 1`.", code="not_described")
    kinds = dict.fromkeys(UPSERT_KEYS.get(object_name, ()), "text") | {
        name: KINDS[read] for name, read in table.items()
    }
    return [FieldType(name=name, label=name.replace("_", " ").capitalize(), type=kind) for name, kind in kinds.items()]


def typed(table: Mapping[str, Reading], record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record with its texts read by the table; what is no text, or empty, stays. Raises Invalid."""
    return {
        name: table[name](name, value.strip()) if isinstance(value, str) and value.strip() and name in table else value
        for name, value in record.items()
    }


def shaped(object_name: str, upsert_key: str | None, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record as a bulk job takes it: texts typed, the upsert key named where it is not. Raises Invalid."""
    shaped = typed(TABLES.get(object_name, {}), record)
    if upsert_key is not None and not shaped.get("upsert_key"):
        shaped["upsert_key"] = upsert_key
    if shaped.get("crm_id") and not shaped.get("crm_id_type"):
        shaped["crm_id_type"] = CRM_ID_TYPE
    return shaped
