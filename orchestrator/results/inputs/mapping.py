"""The mapping of an upload's metaData: columns of the user's file to fields of the vendor's record."""

from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.job.errors import Invalid

Record = dict[str, Any]


def mapper(mapping: Mapping[str, str | None]) -> Callable[[Mapping[str, Any]], Record]:
    """Return the function that renames a row's columns.

    `a.b` nests, None drops the column, a column that is not named passes under its own name. Raises Invalid if two
    columns go to the same place.
    """
    _check(mapping)
    paths = {column: field.split(".") for column, field in mapping.items() if field is not None}
    dropped = frozenset(column for column, field in mapping.items() if field is None)

    def mapped(values: Mapping[str, Any]) -> Record:
        record: Record = {}
        for column, value in values.items():
            if column not in dropped:
                _place(record, paths.get(column, [column]), value)
        return record

    return mapped if mapping else dict


def _check(mapping: Mapping[str, str | None]) -> None:
    fields = [field for field in mapping.values() if field is not None]
    for field in fields:
        if fields.count(field) > 1 or any(other.startswith(field + ".") for other in fields):
            raise Invalid("mapping", f"two columns go to {field}", "map each column to a field of its own")
        if not all(field.split(".")):
            raise Invalid("mapping", f"{field} is no field name", "write a.b to nest b in a")


def _place(record: Record, path: list[str], value: object) -> None:
    *parents, name = path
    for parent in parents:
        inner = record.setdefault(parent, {})
        if not isinstance(inner, dict):
            inner = record[parent] = {}
        record = inner
    record[name] = value
