"""Turns conditions into functions that say of one record whether it is meant."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import eq, ge, gt, le, lt
from typing import Any

from orchestrator.sandbox.salesforce import ids
from orchestrator.sandbox.salesforce.call import stamp_z
from orchestrator.sandbox.salesforce.records import Org, Record, Table
from orchestrator.sandbox.salesforce.refusals import refused
from orchestrator.sandbox.salesforce.schema import COMPOUND, NUMBERS, Field
from orchestrator.sandbox.salesforce.soql import Condition, Group, Test, Token, malformed, spoken, unescaped
from orchestrator.sandbox.salesforce.values import when

Get = Callable[[Record], str | None]
Meant = Callable[[Record], bool]
ORDERS: dict[str, Callable[[Any, Any], bool]] = {"<": lt, ">": gt, "<=": le, ">=": ge, "=": eq}
PIECE = re.compile(r"\\.|.", re.DOTALL)  # of a pattern: a backslash takes the meaning of `%` and `_` away
DAYS = re.compile(r"(today|yesterday|tomorrow|last_n_days:(?P<days>\d+))", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Found:
    """A field that a path leads to."""

    name: str  # as results call it
    field: Field
    get: Get
    column: int  # of the own record; -1: of a parent


def resolve(org: Org, table: Table, path: str) -> Found:
    """Return what a path means; refuses an unknown one."""
    relationship, _, rest = path.rpartition(".")
    if relationship.lower() == table.thing.name.lower():
        relationship = ""
    if relationship:
        return _of_parent(org, table, relationship, rest)
    column = table.thing.columns.get(rest.lower())
    if column is None:
        raise _no_column(table, path)
    return Found(
        name=table.thing.fields[column].name, field=table.thing.fields[column], get=lambda r: r[column], column=column
    )


def _of_parent(org: Org, table: Table, relationship: str, rest: str) -> Found:
    column = table.thing.parents.get(relationship.lower())
    if column is None:
        raise _no_column(table, f"{relationship}.{rest}")
    field = table.thing.fields[column]
    parents = [org.tables[name.lower()] for name in field.to]
    found = resolve(org, parents[0], rest)

    def get(record: Record) -> str | None:
        key = (record[column] or "")[:15]
        return next((found.get(parent.rows[key]) for parent in parents if key in parent.rows), None)

    return Found(name=f"{field.relationship}.{found.name}", field=found.field, get=get, column=-1)


def meant(org: Org, table: Table, condition: Condition | None, now: int) -> Meant:
    """Return the function that says whether a record fits."""
    match condition:
        case None:
            return lambda _: True
        case Group(word="not", parts=(only,)):
            inner = meant(org, table, only, now)
            return lambda record: not inner(record)
        case Group(word="or", parts=parts):
            inners = [meant(org, table, part, now) for part in parts]
            return lambda record: any(inner(record) for inner in inners)
        case Group(parts=parts):
            inners = [meant(org, table, part, now) for part in parts]
            return lambda record: all(inner(record) for inner in inners)
        case Test():
            return _test(resolve(org, table, condition.path), condition, now)


def _test(found: Found, test: Test, now: int) -> Meant:
    if found.field.type in ("textarea", *COMPOUND):
        raise refused(400, "INVALID_FIELD", f"field '{found.name}' can not be filtered in a query call")
    if test.operator == "like":
        return _like(found, test.values[0])
    if test.operator in ("in", "not in"):
        wanted = {_key(found, token) for token in test.values}
        get, key, inside = found.get, _keyed(found.field), test.operator == "in"
        return lambda record: (_of(key, get(record)) in wanted) is inside
    day = DAYS.fullmatch(test.values[0].text) if test.values[0].kind == "name" else None
    return _on_days(found, test.operator, day, now) if day else _compared(found, test)


def _compared(found: Found, test: Test) -> Meant:
    get, key, wanted = found.get, _keyed(found.field), _key(found, test.values[0])
    if test.operator == "!=":
        return lambda record: _of(key, get(record)) != wanted
    if wanted is None and test.operator != "=":
        raise malformed("null can only be compared with = and !=")
    order = ORDERS[test.operator]
    if wanted is None:
        return lambda record: get(record) is None
    return lambda record: (value := get(record)) is not None and order(key(value), wanted)


def _like(found: Found, token: Token) -> Meant:
    if token.kind != "text":
        raise _wrong(found, token)
    steps = {"%": ".*", "_": "."}
    pieces = (match[0] for match in PIECE.finditer(token.text[1:-1]))
    pattern = "".join(steps.get(piece) or re.escape(unescaped(piece)) for piece in pieces)
    fits = re.compile(pattern, re.IGNORECASE | re.DOTALL).fullmatch
    return lambda record: fits(found.get(record) or "") is not None


def _on_days(found: Found, operator: str, day: re.Match[str], now: int) -> Meant:
    midnight = datetime.fromtimestamp(now / 1_000_000, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    shift = {"today": 0, "yesterday": -1, "tomorrow": 1}.get(day[0].lower(), -int(day["days"] or 0))
    first = midnight + timedelta(days=shift)
    last = midnight + timedelta(days=1) if day["days"] else first + timedelta(days=1)
    start, end = (
        stamp_z(int(at.timestamp() * 1_000_000))[: 10 if found.field.type == "date" else None] for at in (first, last)
    )
    tests: dict[str, Callable[[str], bool]] = {
        "=": lambda v: start <= v < end,
        "!=": lambda v: not start <= v < end,
        "<": lambda v: v < start,
        ">": lambda v: v >= end,
        "<=": lambda v: v < end,
        ">=": lambda v: v >= start,
    }
    return lambda record: (value := found.get(record)) is not None and tests[operator](value)


def _keyed(field: Field) -> Callable[[str], Any]:
    """What values of a field are compared by: numbers as numbers, ids by fifteen characters, texts without case."""
    if field.type in NUMBERS:
        return float
    if field.to or field.type == "id":
        return lambda text: text[:15]
    return str if field.type in ("boolean", "date", "datetime") else str.lower


def _of(key: Callable[[str], Any], value: str | None) -> Any:
    return None if value is None else key(value)


def _key(found: Found, token: Token) -> Any:
    """A literal, as values of the field are compared; refuses one of another type."""
    if token.word == "null":
        return None
    kind, field = token.kind, found.field
    if field.type in NUMBERS and kind == "number":
        return float(token.text)
    if field.type == "boolean" and token.word in ("true", "false"):
        return token.word
    if field.type == kind == "date":
        return token.text
    if field.type == kind == "datetime":
        return when(token.text)
    if kind == "text" and field.type not in (*NUMBERS, "boolean", "date", "datetime"):
        return _text_key(found, spoken(token))
    raise _wrong(found, token)


def _text_key(found: Found, text: str) -> str:
    if not found.field.to and found.field.type != "id":
        return text.lower()
    key = ids.key_of(text)
    if key is None:
        raise refused(400, "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {text}")
    return key


def _wrong(found: Found, token: Token) -> Exception:
    text = f"value of filter criterion for field '{found.name}' must be of type {found.field.type}: {token.text}"
    return refused(400, "INVALID_FIELD", text)


def _no_column(table: Table, path: str) -> Exception:
    text = f"No such column '{path}' on entity '{table.thing.name}'."
    return refused(
        400, "INVALID_FIELD", f"\nERROR at Row:1:Column:1\n{text} If you are attempting to use a custom field"
    )
