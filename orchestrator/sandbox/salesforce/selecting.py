"""Runs a query over the records."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from orchestrator.sandbox.salesforce.conditions import Found, meant, resolve
from orchestrator.sandbox.salesforce.records import Org, Record, Table
from orchestrator.sandbox.salesforce.refusals import refused
from orchestrator.sandbox.salesforce.schema import COMPOUND, NUMBERS, Field
from orchestrator.sandbox.salesforce.soql import Column, Ordering, Select, malformed, parse

JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A query that can be run: everything it names exists."""

    select: Select
    table: Table
    columns: Sequence[Found]

    def run(self, org: Org, now: int, *, deleted: bool) -> list[Record]:
        """Return the records that fit, in order, cut to the limit; ungrouped."""
        fits = meant(org, self.table, self.select.where, now)
        rows = [record for record in self.table.all(deleted=deleted) if fits(record)]
        for ordering in reversed(self.select.order):
            rows = _sorted(rows, resolve(org, self.table, ordering.path), ordering)
        stop = None if self.select.limit is None else self.select.offset + self.select.limit
        return rows[self.select.offset : stop]


def prepare(org: Org, soql: str) -> Prepared:
    """Read a query and look up everything it names; refuses what is unknown."""
    select = parse(soql)
    table = org.table(select.thing)
    if table is None:
        raise refused(400, "INVALID_TYPE", f"sObject type '{select.thing}' is not supported.")
    paths = [column.path for column in select.columns if not column.function or column.path.lower() != "id"]
    columns = [resolve(org, table, path) for path in paths]
    if not select.counts and not select.columns and not select.beyond:
        raise malformed("nothing is selected")
    for path in (*select.group_by, *(ordering.path for ordering in select.order)):
        _sortable(resolve(org, table, path), path)
    meant(org, table, select.where, 0)
    return Prepared(select=select, table=table, columns=columns)


def for_bulk(org: Org, soql: str, refused_things: Iterable[str]) -> Prepared:
    """Like `prepare`, and refuses what Bulk cannot do."""
    prepared = prepare(org, soql)
    select, thing = prepared.select, prepared.table.thing
    if not thing.bulk or thing.name in refused_things:
        raise refused(400, "INVALIDENTITY", f"Entity '{thing.name}' is not supported by the Bulk API.")
    if select.too_much_for_bulk:
        text = f"Implementation restriction: {select.too_much_for_bulk} not supported in Bulk Query"
        raise refused(400, "API_ERROR", text)
    if any(found.field.type in COMPOUND for found in prepared.columns):
        raise refused(400, "FUNCTIONALITY_NOT_ENABLED", "Selecting compound data not supported in Bulk Query")
    if any(found.field.type == "base64" for found in prepared.columns):
        raise refused(400, "FEATURENOTENABLED", "Binary field not supported")
    if not thing.kept and (select.where is not None or select.order):
        raise malformed(f"{thing.name} can only be read from its start, up to a LIMIT")
    return prepared


def _sortable(found: Found, path: str) -> None:
    if found.field.type in ("textarea", *COMPOUND):
        raise refused(400, "INVALID_FIELD", f"field '{path}' can not be sorted in a query call")


def _sorted(rows: list[Record], found: Found, ordering: Ordering) -> list[Record]:
    key: Callable[[str], Any] = float if found.field.type in NUMBERS else str.lower
    if found.field.to or found.field.type == "id":
        key = str
    valued = [(value, record) for record in rows if (value := found.get(record)) is not None]
    empty = [record for record in rows if found.get(record) is None]
    valued.sort(key=lambda pair: key(pair[0]), reverse=ordering.descending)
    full = [record for _, record in valued]
    return [*full, *empty] if ordering.nulls_last else [*empty, *full]


def grouped(org: Org, prepared: Prepared, rows: Sequence[Record]) -> list[dict[str, Any]]:
    """Sum rows up; columns without an alias are called expr0, expr1 and so on."""
    select, table = prepared.select, prepared.table
    keys = [resolve(org, table, path) for path in select.group_by]
    groups: dict[tuple[str | None, ...], list[Record]] = defaultdict(list)
    if not keys:
        groups[()] = []
    for record in rows:
        groups[tuple(found.get(record) for found in keys)].append(record)
    return [_summed(org, table, select.columns, members) for members in groups.values()]


def _summed(org: Org, table: Table, columns: Sequence[Column], members: Sequence[Record]) -> dict[str, Any]:
    shown: dict[str, Any] = {"attributes": {"type": "AggregateResult"}}
    for column in columns:
        found = resolve(org, table, column.path)
        values = [value for record in members if (value := found.get(record)) is not None]
        if not column.function:
            shown[found.name] = typed(found.field, values[0] if values else None)
            continue
        unnamed = sum(name.startswith("expr") for name in shown)
        shown[column.alias or f"expr{unnamed}"] = _applied(column.function, found.field, values)
    return shown


def _applied(function: str, field: Field, values: Sequence[str]) -> Any:
    if function in ("count", "count_distinct"):
        return len(values) if function == "count" else len(set(values))
    if field.type not in NUMBERS:
        return (min if function == "min" else max)(values, default=None)
    numbers = [float(value) for value in values]
    if not numbers:
        return None
    results = {"sum": sum(numbers), "avg": sum(numbers) / len(numbers), "min": min(numbers), "max": max(numbers)}
    return results[function]


def typed(field: Field, value: str | None) -> Any:
    """Return a value as JSON shows it."""
    if value is None or field.type in COMPOUND:
        return None
    if field.type == "boolean":
        return value == "true"
    if field.type in NUMBERS:
        return _number(value)
    return value.replace("Z", "+0000") if field.type == "datetime" else value


def _number(value: str) -> Any:
    """Return a number that is written in JSON as it is in CSV."""
    return msgspec.Raw(value.encode()) if JSON_NUMBER.fullmatch(value) else float(value)
