"""A job's `where` as the query parameters that the connection's settings declare.

A declared parameter narrows what the vendor sends; every record is held against the whole filter here all the same, so
that a vendor whose filter is wider than ours gives no record too many.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime

from orchestrator import ceql
from orchestrator.ceql import Comparison, Filter, In, Sign, Value
from orchestrator.providers.pushdown import Parted, parted
from orchestrator.providers.rest.wire import FieldFilter, Resource

Params = Mapping[str, str | list[str]]
WHOLE_DAY = (Sign.EQ, Sign.NE, Sign.LE)  # a vendor that takes a day for its midnight would leave the day out


def pushed_down(where: str | None, resource: Resource, taken: frozenset[str]) -> tuple[Params, Parted]:
    """Return the parameters for the terms that the vendor can apply, none of those `taken`, and how `where` parted."""
    params: dict[str, str | list[str]] = {}

    def push(term: Filter) -> bool:
        found = _param(term, resource)
        if found is None or found[0] in params or found[0] in taken:
            return False
        params[found[0]] = found[1]
        return True

    division = parted(where, push)
    return params, division


def _param(term: Filter, resource: Resource) -> tuple[str, str | list[str]] | None:
    match term:
        case Comparison(field=field, sign=sign, value=value) if field in resource.filters:
            name, text = _declared(resource.filters[field], sign), _text(value, sign)
            return None if name is None or text is None else (name, text)
        case In(field=field, values=values) if field in resource.filters:
            return _any_of(resource.filters[field], values)
        case _:
            return None


def _declared(known: FieldFilter, sign: Sign) -> str | None:
    return {
        Sign.EQ: known.eq, Sign.NE: known.ne, Sign.LT: known.lt, Sign.LE: known.lte, Sign.GT: known.gt,
        Sign.GE: known.gte,
    }[sign]  # fmt: skip


def _any_of(known: FieldFilter, values: tuple[Value, ...]) -> tuple[str, str | list[str]] | None:
    texts = [_text(value, Sign.EQ) for value in values]
    if known.in_ is None or None in texts:
        return None
    plain = [text for text in texts if text is not None]
    if known.separator is None:
        return known.in_, plain
    return None if any(known.separator in text for text in plain) else (known.in_, known.separator.join(plain))


def _text(value: Value, sign: Sign) -> str | None:
    """Return a value as a parameter has it; None where the vendor might understand less than the filter means."""
    moment = ceql.moment_of(value) if isinstance(value, str) else value
    match moment:
        case datetime():
            return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        case date():
            return None if sign in WHOLE_DAY else moment.isoformat()
        case _:
            return value if isinstance(value, str) else _json(value)


def _json(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
