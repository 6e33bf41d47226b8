"""What a filter says of a record.

- Two values, true and false: `!=` and NOT are exact opposites, so that a record without the field fits `a != 1`.
- Null, and a field that is absent, equal nothing and have no order; only IS NULL and `= null` find them.
- Texts are compared without regard to case, as the vendors' own filters do.
- A number is compared with a text that says a number, in either direction; a date with a text that says a date.
- A bare date is its whole day in UTC: `at <= 2025-01-31` still holds on that evening.
- A list fits where one of its items does. A dot leads into an object, unless a field has just that name.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from operator import eq, ge, gt, le, lt
from typing import Any

from orchestrator.ceql.moments import day_of, moment_of
from orchestrator.ceql.patterns import characters
from orchestrator.ceql.tree import And, Comparison, Filter, In, IsNull, Like, Not, Or, Sign, Value

Record = Mapping[str, Any]
Predicate = Callable[[Record], bool]
Fits = Callable[[Any], bool]  # of one value, never null

ORDERS: Mapping[Sign, Callable[[Any, Any], bool]] = {
    Sign.EQ: eq, Sign.LT: lt, Sign.LE: le, Sign.GT: gt, Sign.GE: ge,
}  # fmt: skip
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
LONGEST_NUMBER = 40  # characters
TRUTH = {"true": True, "false": False}


def predicate(term: Filter) -> Predicate:
    """Return the function that says whether a record (values as JSON has them) fits the filter; it never raises."""
    match term:
        case And(terms=terms):
            parts = [predicate(each) for each in terms]
            return lambda record: all(part(record) for part in parts)
        case Or(terms=terms):
            parts = [predicate(each) for each in terms]
            return lambda record: any(part(record) for part in parts)
        case Not(term=inner):
            fits = predicate(inner)
            return lambda record: not fits(record)
        case IsNull(field=field):
            get = _reader(field)
            return lambda record: get(record) is None
        case Comparison(field=field, sign=Sign.NE, value=value):
            return predicate(Not(term=Comparison(field=field, sign=Sign.EQ, value=value)))
        case Comparison(field=field, sign=sign, value=value):
            return _found(field, _compared(sign, value))
        case In(field=field, values=values):
            choices = [_compared(Sign.EQ, value) for value in values]
            return _found(field, lambda value: any(fits(value) for fits in choices))
        case Like(field=field, pattern=pattern):
            return _found(field, _like(pattern))


def _found(field: str, fits: Fits) -> Predicate:
    get = _reader(field)

    def found(record: Record) -> bool:
        value = get(record)
        if isinstance(value, list):
            return any(each is not None and fits(each) for each in value)
        return value is not None and fits(value)

    return found


def _reader(field: str) -> Callable[[Record], Any]:
    path = field.split(".")

    def read(record: Record) -> Any:
        if field in record:
            return record[field]
        value: Any = record
        for name in path:
            if isinstance(value, list):
                value = [each.get(name) for each in value if isinstance(each, Mapping)]
            else:
                value = value.get(name) if isinstance(value, Mapping) else None
        return value

    return read


def _compared(sign: Sign, wanted: Value) -> Fits:
    order = ORDERS[sign]
    match wanted:
        case bool():
            return lambda value: _truth(value) is wanted
        case str():
            return _compared_with_text(sign, wanted)
        case date():
            return _compared_with_moment(sign, wanted)
        case _:
            return lambda value: (number := number_of(value)) is not None and order(number, wanted)


def _compared_with_text(sign: Sign, wanted: str) -> Fits:
    order, folded, moment = ORDERS[sign], wanted.casefold(), moment_of(wanted)
    number = number_of(wanted)
    on_time = None if moment is None else _compared_with_moment(sign, moment)

    def fits(value: Any) -> bool:
        match value:
            case str() if on_time is not None and moment_of(value) is not None:
                return on_time(value)
            case str():
                return order(value.casefold(), folded)
            case bool():
                return sign is Sign.EQ and TRUTH.get(folded) is value
            case int() | float():
                return number is not None and order(value, number)
            case _:
                return False

    return fits


def _compared_with_moment(sign: Sign, wanted: date) -> Fits:
    first, last = day_of(wanted)
    tests: Mapping[Sign, Callable[[datetime], bool]] = {
        Sign.EQ: lambda at: first <= at <= last,
        Sign.LT: lambda at: at < first,
        Sign.LE: lambda at: at <= last,
        Sign.GT: lambda at: at > last,
        Sign.GE: lambda at: at >= first,
    }
    test = tests[sign]

    def fits(value: Any) -> bool:
        moment = moment_of(value) if isinstance(value, str) else None
        return moment is not None and test(day_of(moment)[0])

    return fits


def _truth(value: Any) -> bool | None:
    return value if isinstance(value, bool) else TRUTH.get(value.lower()) if isinstance(value, str) else None


def number_of(value: Any) -> int | float | None:
    """Return the number that a value is, or that its text says; None where there is none."""
    match value:
        case bool():
            return None
        case int() | float():
            return value
        case str() if len(value) <= LONGEST_NUMBER and NUMBER.fullmatch(value):
            return int(value) if value.lstrip("+-").isdigit() else float(value)
        case _:
            return None


def _like(pattern: str) -> Fits:
    pieces = _split(pattern.casefold())

    def fits(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, str | int):
            return False
        return _matches(pieces, str(value).casefold() if isinstance(value, str) or abs(value) < 10**40 else "")

    return fits


Piece = tuple[re.Pattern[str], int]  # what stands between two `%`, and its length


def _split(pattern: str) -> Sequence[Piece]:
    """Return what stands between the `%` of a pattern."""
    pieces: list[list[str]] = [[]]
    for character, is_wild in characters(pattern):
        if is_wild and character == "%":
            pieces.append([])
        else:
            pieces[-1].append("." if is_wild else re.escape(character))
    return [(re.compile("".join(piece), re.DOTALL), len(piece)) for piece in pieces]


def _matches(pieces: Sequence[Piece], text: str) -> bool:
    """Match piece by piece from the left; unlike one expression with many `.*` it never goes back."""
    (first, start), *rest = pieces
    if not rest:
        return first.fullmatch(text) is not None
    *middle, (last, length) = rest
    at, end = start, len(text) - length
    if first.match(text) is None or end < at or last.match(text, end) is None:
        return False
    for piece, _ in middle:
        found = piece.search(text, at, end)
        if found is None:
            return False
        at = found.end()
    return True
