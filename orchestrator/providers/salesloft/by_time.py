"""Where a walk by `updated_at` stands, and what one page of it means. Makes no call.

    updated_at[gt] = at − 1 µs, updated_at[lte] = upto, sort_by=updated_at ASC

Many records may share one instant, and `gt` alone would lose those that did not fit on the page. So the walk asks from
one microsecond before the last instant and drops the ids it has. A page full of that one instant is followed by
page=2, 3 … under the same filter until the instant moves. Page numbers shift when a record of an earlier page changes
and leaves; the count tells, and the walk steps back by as many pages.

`upto` is the newest instant when the walk began. A record that changes while the walk goes on moves beyond it, so no
record is read twice and the walk ends; the next walk, from `upto`, finds the change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil
from typing import Self

from orchestrator.clock import from_micros, to_micros
from orchestrator.job.errors import Misbehaved
from orchestrator.job.step import Cursor
from orchestrator.providers.salesloft.ids import packed, unpacked
from orchestrator.providers.salesloft.times import MICROSECOND, written
from orchestrator.providers.salesloft.wire import PROVIDER, Paging

UNCOUNTED = -1


def bounds(since: datetime | None, upto: datetime | None) -> Mapping[str, str]:
    """Return the filters for the records from `since` to `upto`, both included; None: open."""
    lower = {} if since is None else {"updated_at[gt]": written(since - MICROSECOND)}
    return lower if upto is None else {**lower, "updated_at[lte]": written(upto)}


def key(at: datetime, nth: int) -> str:
    """Return the key of the walk's nth record; keys rise strictly, whatever order an instant's records come in."""
    return f"{to_micros(at):020d}.{nth:012d}"


def counted(seen: int, *, before: int, left: int) -> int:
    """Return the count to hold `seen` against, of the vendor's counts up to one instant, before and after the walk.

    Records leave for a later instant while we read, so fewer may be left than we saw, but never more. And where none
    left and none came late, we saw as many as there were.
    """
    if left > seen or left == before:
        return left
    return seen


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place in the walk."""

    upto: datetime
    total: int | None  # records up to `upto` when the walk began
    at: datetime | None = None  # the last instant; None: before the first record
    ids: frozenset[int] = frozenset()  # records of that instant that we have
    seen: int = 0  # records that we have, of all instants
    page: int = 1
    first: int | None = None  # id on top of the page before this one, under the same filter
    count: int | None = None  # records under the filter when last told; None: not walking by page numbers

    @classmethod
    def from_cursor(cls, cursor: Cursor) -> Self:
        """Read a place that `to_cursor` wrote."""
        at = None if cursor["at"] is None else from_micros(cursor["at"])
        return cls(**{**cursor, "upto": from_micros(cursor["upto"]), "at": at, "ids": unpacked(cursor["ids"])})

    def to_cursor(self) -> Cursor:
        """Return the place as JSON-able values, times in µs; its size grows with the records of one instant alone."""
        at = None if self.at is None else to_micros(self.at)
        return {**self.__dict__, "upto": to_micros(self.upto), "at": at, "ids": packed(self.ids)}

    def query(self, size: int) -> Mapping[str, str]:
        """Return the query of the page of `size` records at this place."""
        counts = {} if self.count is None else {"include_paging_counts": "true"}
        order = {"sort_by": "updated_at", "sort_direction": "ASC", "per_page": str(size), "page": str(self.page)}
        return {**bounds(self.at, self.upto), **order, **counts}


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a page brought: positions of the records that are new, and the place after it."""

    fresh: Sequence[int]
    after: Place
    is_last: bool


def read(place: Place, ids: Sequence[int], times: Sequence[datetime], paging: Paging, size: int) -> Reading:
    """Judge one page of at most `size` records, given by id and time.

    Raises Misbehaved where the vendor did not obey the filter, the order or the page number.
    """
    lost = _shift(place, paging)
    if lost > 0:
        back = max(1, place.page - ceil(lost / size))
        return Reading(fresh=(), after=replace(place, page=back, first=None, count=paging.total_count), is_last=False)
    _check(place, ids, times)
    known = place.ids
    fresh = [n for n, at in enumerate(times) if at <= place.upto and not (at == place.at and ids[n] in known)]
    is_last = _is_short(ids, paging, size) or times[-1] > place.upto
    return Reading(fresh=fresh, after=_after(place, ids, times, fresh, paging), is_last=is_last)


def taken(place: Place, ids: Sequence[int], times: Sequence[datetime], fresh: Sequence[int]) -> Place:
    """Return the place right after the last of these records of a page, for a walk that goes on later.

    What the vendor counted is left behind: it was the count of the whole walk.
    """
    last = times[fresh[-1]]
    new = frozenset(ids[n] for n in fresh if times[n] == last)
    known = place.ids | new if last == place.at else new
    return Place(upto=place.upto, total=None, at=last, ids=known, seen=place.seen + len(fresh))


def _shift(place: Place, paging: Paging) -> int:
    """How many records left from under the page numbers since the last count."""
    if place.count is None or place.count == UNCOUNTED or paging.total_count is None:
        return 0
    return place.count - paging.total_count


def _check(place: Place, ids: Sequence[int], times: Sequence[datetime]) -> None:
    earliest = place.at
    for id_, at in zip(ids, times, strict=True):
        if earliest is not None and at < earliest:
            raise Misbehaved(PROVIDER, f"record {id_} came out of order: updated_at[gt] or sort_by is not obeyed")
        earliest = at
    if ids and ids[0] == place.first:
        raise Misbehaved(PROVIDER, f"page {place.page} is the page before it again: page is not obeyed")


def _is_short(ids: Sequence[int], paging: Paging, size: int) -> bool:
    """Fewer than asked for is the end, unless the vendor itself names a next page."""
    return not ids or (len(ids) < (paging.per_page or size) and paging.next_page is None)


def _after(place: Place, ids: Sequence[int], times: Sequence[datetime], fresh: Sequence[int], paging: Paging) -> Place:
    last = next((at for at in reversed(times) if at <= place.upto), place.at)
    new = frozenset(ids[n] for n in fresh if times[n] == last)
    seen = place.seen + len(fresh)
    if last != place.at:
        return Place(upto=place.upto, total=place.total, at=last, ids=new, seen=seen)
    stays = replace(place, ids=place.ids | new, seen=seen)
    if place.count is None:  # a page full of one instant: from here by page numbers, and once more from the first
        return replace(stays, count=UNCOUNTED)
    count = UNCOUNTED if paging.total_count is None else paging.total_count
    return replace(stays, page=place.page + 1, first=ids[0] if ids else None, count=count)
