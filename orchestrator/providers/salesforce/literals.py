"""Values as literals of SOQL, by the type of the field that they are compared with.

https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_dateformats.htm
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from orchestrator.ceql import Sign, Value, characters, day_of, moment_of

NULL = "null"
NUMBERS = frozenset({"int", "long", "double", "currency", "percent"})
TEXTS = frozenset(
    {"string", "picklist", "multipicklist", "email", "phone", "url", "combobox", "textarea", "id", "reference"}
)
PLAIN_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,18})?", re.ASCII)  # SOQL knows no exponents, no more digits
ESCAPES: Mapping[str, str] = {
    "\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f",
}  # fmt: skip
MILLISECOND = timedelta(milliseconds=1)
ROUNDED_UP = (Sign.LT, Sign.GE)  # `< 10:00:00.0005` still takes 10:00:00.000


def quoted(text: str) -> str:
    """Return a text in quotes."""
    return f"'{''.join(ESCAPES.get(each, each) for each in text)}'"


def like(pattern: str, kind: str) -> str | None:
    """Return a pattern in quotes; None for a field that is no text, or a pattern of nothing."""
    if not pattern or kind not in TEXTS | {""}:
        return None
    return f"'{''.join(_pieces(pattern))}'"


def _pieces(pattern: str) -> Iterator[str]:
    for each, is_wild in characters(pattern):
        yield f"\\{each}" if each in "%_" and not is_wild else ESCAPES.get(each, each)


def equal(value: Value, kind: str) -> str | None:
    """Return the literal that equals a value in a field of that type; None where there is none."""
    moment = _moment(value, kind)
    if isinstance(moment, datetime):
        exact = moment.microsecond % 1000 == 0 and (kind != "date" or moment.timetz() == time(tzinfo=UTC))
        return literal(value, kind, Sign.EQ) if exact else None
    return literal(value, kind, Sign.EQ)


def literal(value: Value, kind: str, sign: Sign) -> str | None:
    """Return the literal that a field of that type is compared with; None where SOQL has none that means the same.

    An empty type is a field that nobody described: the literal is of the value's own type.
    """
    moment = _moment(value, kind)
    if moment is not None:
        return _written(moment, kind or "datetime", sign)
    match kind or _own(value):
        case "boolean":
            truth = value if isinstance(value, bool) else {"true": True, "false": False}.get(str(value).lower())
            return None if truth is None else str(truth).upper()
        case number if number in NUMBERS:
            return _number(value)
        case text if text in TEXTS and isinstance(value, str) and value:
            return quoted(value)
        case _:
            return None


def between(value: Value, kind: str) -> tuple[str, str] | None:
    """Return the first and the last moment of a day, for a field of moments; None for anything else."""
    moment = _moment(value, kind)
    if moment is None or isinstance(moment, datetime) or kind == "date":
        return None
    first, last = day_of(moment)
    return _millis(first), _millis(last)


def _moment(value: Value, kind: str) -> date | None:
    """Return the value as a date where the field is one, or where nobody knows and the value is."""
    if kind not in ("date", "datetime", ""):
        return None
    if isinstance(value, str):
        return moment_of(value) if kind else None
    return value if isinstance(value, date) else None


def _written(moment: date, kind: str, sign: Sign) -> str:
    if kind == "date":
        return _day(moment, sign)
    first, last = day_of(moment)
    at = last if sign in (Sign.LE, Sign.GT) else first
    if sign in ROUNDED_UP and at.microsecond % 1000:
        at += MILLISECOND
    return _millis(at)


def _day(moment: date, sign: Sign) -> str:
    """A date field's value is its midnight: `< noon` takes the day itself, `> noon` the next one."""
    if not isinstance(moment, datetime):
        return moment.isoformat()
    later = sign in ROUNDED_UP and moment.timetz() != time(tzinfo=UTC)
    return (moment.date() + timedelta(days=later)).isoformat()


def _millis(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _own(value: Value) -> str:
    return "boolean" if isinstance(value, bool) else "string" if isinstance(value, str) else "double"


def _number(value: Value) -> str | None:
    if isinstance(value, bool | date):
        return None
    text = value if isinstance(value, str) else format(Decimal(repr(value)), "f")
    return text.removeprefix("+") if PLAIN_NUMBER.fullmatch(text) else None
