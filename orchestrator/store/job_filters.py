"""A filter of jobs as a condition of SQL that is true or false, never null: so NOT is an exact opposite here too."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from enum import Enum, auto
from operator import eq, ge, gt, le, lt
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, case, cast, false, func, not_, or_

from orchestrator.ceql import (
    And,
    BadFilter,
    Comparison,
    Filter,
    In,
    IsNull,
    Like,
    Not,
    Or,
    Sign,
    Value,
    characters,
    day_of,
    moment_of,
    number_of,
)
from orchestrator.clock import to_micros
from orchestrator.job.status import Direction
from orchestrator.store.tables import jobs

Condition = ColumnElement[bool]
ORDERS: Mapping[Sign, Callable[[Any, Any], Any]] = {
    Sign.EQ: eq, Sign.LT: lt, Sign.LE: le, Sign.GT: gt, Sign.GE: ge,
}  # fmt: skip
LARGEST = 2**63 - 1  # what a database holds
MILLI = 1_000  # µs; times are shown in milliseconds


class Kind(Enum):
    """What the values of a field are."""

    TEXT = auto()
    NUMBER = auto()
    TRUTH = auto()
    MOMENT = auto()  # µs since 1970


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field of a job, as lists show it, and where it is."""

    kind: Kind
    at: ColumnElement[Any]


_counted = case(
    (jobs.c.direction == Direction.DOWNLOAD, jobs.c.rows_stored), else_=jobs.c.rows_accepted + jobs.c.rows_refused
)
FIELDS: Mapping[str, Field] = {
    "id": Field(kind=Kind.NUMBER, at=jobs.c.id),
    "instanceId": Field(kind=Kind.NUMBER, at=jobs.c.connection_id),
    "objectName": Field(kind=Kind.TEXT, at=jobs.c.object_name),
    "jobDirection": Field(kind=Kind.TEXT, at=jobs.c.direction),
    "jobStatus": Field(kind=Kind.TEXT, at=jobs.c.status),
    "outcome": Field(kind=Kind.TEXT, at=jobs.c.outcome),
    "stopReason": Field(kind=Kind.TEXT, at=jobs.c.stop_reason),
    "statusMessage": Field(kind=Kind.TEXT, at=jobs.c.status_message),
    "recordCount": Field(kind=Kind.NUMBER, at=_counted),
    "errorCount": Field(kind=Kind.NUMBER, at=jobs.c.error_count),
    "jobResetAttempt": Field(kind=Kind.NUMBER, at=jobs.c.restarts),
    "native": Field(kind=Kind.TRUTH, at=jobs.c.native),
    "createdDate": Field(kind=Kind.MOMENT, at=jobs.c.created_at),
    "completionTime": Field(kind=Kind.MOMENT, at=jobs.c.completed_at),
}
ALSO = {"status": "jobStatus", "jobState": "jobStatus", "direction": "jobDirection"}  # other names of Bulk v3, and ours
_known = {name.casefold(): FIELDS[ALSO.get(name, name)] for name in (*FIELDS, *ALSO)}


def job_condition(term: Filter) -> Condition:
    """Return the condition for a filter over the fields of a job, written `jobStatus` or `job_status`.

    Raises BadFilter for a field that jobs do not have, and for an order of texts, which each database has its own of.
    """
    match term:
        case And(terms=terms):
            return and_(*map(job_condition, terms))
        case Or(terms=terms):
            return or_(*map(job_condition, terms))
        case Not(term=inner):
            return not_(job_condition(inner))
        case Comparison(sign=Sign.NE):
            return not_(_equal(_field(term.field), term.value))
        case Comparison(field=name, sign=sign, value=value):
            return _compared(_field(name), name, sign, value)
        case In(field=name, values=values):
            return or_(*(_equal(_field(name), value) for value in values))
        case IsNull(field=name):
            return _field(name).at.is_(None)
        case Like(field=name, pattern=pattern):
            text = func.lower(cast(_field(name).at, Text))
            return _sure(text.like(func.lower(_escaped(pattern)), escape="\\"))


def _field(name: str) -> Field:
    found = _known.get(name.replace("_", "").casefold())
    if found is None:
        near = get_close_matches(name.replace("_", ""), FIELDS, n=1, cutoff=0.5)
        advice = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(FIELDS)}."
        raise BadFilter(f"a job has no field {name[:40]!r}", advice=advice)
    return found


def _sure(condition: ColumnElement[Any]) -> Condition:
    return func.coalesce(condition, false())


def _equal(field: Field, value: Value) -> Condition:
    return _compared(field, "", Sign.EQ, value)


def _compared(field: Field, name: str, sign: Sign, value: Value) -> Condition:
    order = ORDERS[sign]
    match field.kind:
        case Kind.TEXT:
            if sign is not Sign.EQ:
                raise BadFilter(f"{name} has no order", advice="Compare it with =, !=, IN or LIKE.")
            return _sure(func.lower(field.at) == func.lower(value)) if isinstance(value, str) else false()
        case Kind.TRUTH:
            truth = {"true": True, "false": False}.get(str(value).lower()) if isinstance(value, str | bool) else None
            return false() if truth is None or sign is not Sign.EQ else _sure(field.at.is_(truth))
        case Kind.MOMENT:
            return _at(field.at, sign, value)
        case Kind.NUMBER:
            number = number_of(value)
            return false() if number is None else _sure(order(field.at, _bounded(number)))


def _at(column: ColumnElement[Any], sign: Sign, value: Value) -> Condition:
    moment = moment_of(value) if isinstance(value, str) else value
    if not isinstance(moment, date):
        number = number_of(value)
        return false() if number is None else _sure(ORDERS[sign](column // MILLI, _bounded(number)))
    first, last = map(to_micros, day_of(moment))
    tests: Mapping[Sign, ColumnElement[Any]] = {
        Sign.EQ: and_(column >= first, column <= last), Sign.LT: column < first, Sign.LE: column <= last,
        Sign.GT: column > last, Sign.GE: column >= first,
    }  # fmt: skip
    return _sure(tests[sign])


def _bounded(number: int | float) -> int | float:
    return float(number) if abs(number) > LARGEST else number


def _escaped(pattern: str) -> str:
    pieces = characters(pattern)
    return "".join(each if wild or each not in "%_\\" else f"\\{each}" for each, wild in pieces)
