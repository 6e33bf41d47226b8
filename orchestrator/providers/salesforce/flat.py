"""Records of plain REST queries, made into what a bulk query gives: text by column, those of parents among them.

{"attributes": …, "Id": "003", "Size__c": 12.0, "Owner": {"attributes": …, "Name": "Ada"}}
    ─▶ {"Id": "003", "Size__c": "12.0", "Owner.Name": "Ada"}
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.job.errors import Misbehaved
from orchestrator.providers.salesforce.wire import PROVIDER

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000")  # Bulk writes Z
ATTRIBUTES = "attributes"  # of each object: its type and address

Flat = dict[str, Any]


def flat(record: Mapping[str, Any], columns: Sequence[str]) -> Flat:
    """Return a record in the order of the columns ((): as it came). Numbers must have been kept as they were written.

    Children, which Bulk has none of, are a list of such records. Raises Misbehaved where some of them did not come.
    """
    found = Flat()
    _fill(found, "", record)
    return _arranged(found, columns) if columns else found


def _fill(found: Flat, prefix: str, record: Mapping[str, Any]) -> None:
    for name, value in record.items():
        if name == ATTRIBUTES:
            continue
        if not isinstance(value, dict):
            found[prefix + name] = _text(value)
        elif "totalSize" in value and "records" in value:
            found[prefix + name] = _children(value)
        else:
            _fill(found, f"{prefix}{name}.", value)


def _children(value: Mapping[str, Any]) -> list[Flat]:
    if not value.get("done", True):
        raise Misbehaved(PROVIDER, "a record with more children than came with it; ask for those by themselves")
    return [flat(child, ()) for child in value["records"]]


def _text(value: Any) -> Any:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str() if STAMP.fullmatch(value):
            return f"{value[:-5]}Z"
        case "":
            return None
        case list():
            return [_text(each) for each in value]
    return value


def _arranged(found: Flat, columns: Sequence[str]) -> Flat:
    """Put the columns in order; those of a parent that is null are null."""
    spelled = {name.casefold(): name for name in found}
    arranged = Flat()
    for column in columns:
        name = spelled.get(column.casefold())
        if name is None and not _is_orphan(column.casefold(), spelled):
            return found  # the query has other columns than names: they stay as they came
        arranged[name or column] = None if name is None else found[name]
    return arranged


def _is_orphan(column: str, spelled: Mapping[str, str]) -> bool:
    parents = column.split(".")[:-1]
    return any(".".join(parents[:depth]) in spelled for depth in range(1, len(parents) + 1))
