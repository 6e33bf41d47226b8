"""What of a job's `where` Salesloft's lists filter just as we mean it: the times of the walk, and ids.

Its other filters are not pushed down: which of them a list knows, and how each compares, is not said everywhere, and an
unknown one is ignored without an error. Every record is held against the whole filter here all the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from orchestrator.ceql import Comparison, Filter, In, Sign, Value, day_of, moment_of
from orchestrator.providers.pushdown import Parted, parted
from orchestrator.providers.salesloft.wire import TIME_FIELD

IDS = "ids"
KNOW_IDS = frozenset({"person", "account"})
MOST_IDS = 100  # in one address; as many as one page shows


@dataclass(frozen=True, kw_only=True)
class Narrowed:
    """What is asked of the vendor: changes since and until a moment, both included, and ids."""

    since: datetime | None = None
    until: datetime | None = None
    ids: Sequence[int] = ()
    parted: Parted

    @property
    def params(self) -> Mapping[str, list[str]]:
        """The query parameters besides those of the walk."""
        return {f"{IDS}[]": [str(each) for each in self.ids]} if self.ids else {}


def narrowed(
    where: str | None, object_name: str, *, by_time: bool, since: datetime | None = None, until: datetime | None = None
) -> Narrowed:
    """Return how a filter narrows a list that is read from `since` to `until` anyway."""
    lower, upper, ids = [since] if since else [], [until] if until else [], list[int]()

    def push(term: Filter) -> bool:
        bounds = _bounds(term) if by_time else None
        if bounds is not None:
            lower.extend(bounds[0])
            upper.extend(bounds[1])
            return True
        found = _ids(term) if object_name in KNOW_IDS and not ids else ()
        ids.extend(found)
        return bool(found)

    division = parted(where, push)
    return Narrowed(since=max(lower, default=None), until=min(upper, default=None), ids=ids, parted=division)


def _bounds(term: Filter) -> tuple[Sequence[datetime], Sequence[datetime]] | None:
    if not isinstance(term, Comparison) or term.field != TIME_FIELD:
        return None
    moment = moment_of(term.value) if isinstance(term.value, str) else term.value
    if not isinstance(moment, date):
        return None
    first, last = day_of(moment)
    bounds: Mapping[Sign, tuple[Sequence[datetime], Sequence[datetime]]] = {
        Sign.EQ: ([first], [last]), Sign.LT: ([], [first]), Sign.LE: ([], [last]), Sign.GT: ([last], []),
        Sign.GE: ([first], []),
    }  # fmt: skip  # one moment too many with < and >: it is left out here
    return bounds.get(term.sign)


def _ids(term: Filter) -> Sequence[int]:
    values: Sequence[Value] = ()
    match term:
        case Comparison(field="id", sign=Sign.EQ, value=value):
            values = (value,)
        case In(field="id", values=values) if len(values) <= MOST_IDS:
            pass
    whole = [value for value in values if isinstance(value, int) and not isinstance(value, bool)]
    return whole if len(whole) == len(values) else ()
