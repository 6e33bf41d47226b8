"""Where a walk by `updated_at` stands, and what one page of it means. Makes no call.

    updated_at[gt] = at − 1 µs, updated_at[lte] = upto, sort_by=updated_at ASC

Many records may share one instant, and `gt` alone would lose those that did not fit on the page. So the walk asks from
one microsecond before the last instant and drops the ids it has. A page full of that one instant is followed by
page=2, 3 … under the same filter until the instant moves. Page numbers shift when a record of an earlier page is changed
and leaves; the count tells, and the walk steps back by as many pages.

`upto` is the newest instant when the walk began. A record that changes while the walk goes on moves beyond it, so no
record is read twice and the walk ends; the next walk, from `upto`, finds the change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Self

from orchestrator.job.errors import Misbehaved
from orchestrator.job.step import Cursor
from orchestrator.providers.salesloft.ids import packed, unpacked
from orchestrator.providers.salesloft.times import read_time, write_time
from orchestrator.providers.salesloft.wire import PROVIDER, Paging, Stamp

UNCOUNTED = -1


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place in the walk; times in microseconds since 1970."""

    upto: int
    total: int | None  # records up to `upto` when the walk began
    at: int | None = None  # the last instant; None: before the first record
    ids: frozenset[int] = frozenset()  # records of that instant that we have
    seen: int = 0  # records that we have, of all instants
    page: int = 1
    first: int | None = None  # id on top of the page before this one, under the same filter
    count: int | None = None  # records under the filter when last told; None: not walking by page numbers

    @classmethod
    def from_cursor(cls, cursor: Cursor) -> Self:
        """Read a place that `to_cursor` wrote."""
        return cls(**{**cursor, "ids": unpacked(cursor["ids"])})

    def to_cursor(self) -> Cursor:
        """Return the place as JSON-able values; size grows with the records of one instant alone."""
        return {**self.__dict__, "ids": packed(self.ids)}

    def filters(self) -> Mapping[str, str]:
        """Return the filters under which the rest lies."""
        upper = {"updated_at[lte]": write_time(self.upto)}
        return upper if self.at is None else {"updated_at[gt]": write_time(self.at - 1), **upper}

    def query(self, size: int) -> Mapping[str, str]:
        """Return the query of the page of `size` records at this place."""
        counts = {} if self.count is None else {"include_paging_counts": "true"}
        order = {"sort_by": "updated_at", "sort_direction": "ASC", "per_page": str(size), "page": str(self.page)}
        return {**self.filters(), **order, **counts}


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a page brought: positions of the records that are new, and the place after it."""

    fresh: Sequence[int]
    after: Place
    is_last: bool


def read(place: Place, stamps: Sequence[Stamp], paging: Paging, size: int) -> Reading:
    """Judge one page of at most `size` records; raises Misbehaved where the vendor did not obey the filter, the order or the page number."""
    if (lost := _shift(place, paging)) > 0:
        back = max(1, place.page - ceil(lost / size))
        return Reading(fresh=(), after=replace(place, page=back, first=None, count=paging.total_count), is_last=False)
    times = [read_time(each.updated_at) for each in stamps]
    _check(place, stamps, times)
    fresh = [n for n, at in enumerate(times) if at <= place.upto and not _known(place, stamps[n].id, at)]
    is_last = _is_short(stamps, paging, size) or times[-1] > place.upto
    return Reading(fresh=fresh, after=_after(place, stamps, times, fresh, paging), is_last=is_last)


def _shift(place: Place, paging: Paging) -> int:
    if place.count is None or place.count == UNCOUNTED or paging.total_count is None:
        return 0
    return place.count - paging.total_count


def _check(place: Place, stamps: Sequence[Stamp], times: Sequence[int]) -> None:
    earliest = place.at
    for each, at in zip(stamps, times, strict=True):
        if earliest is not None and at < earliest:
            raise Misbehaved(PROVIDER, f"record {each.id} came out of order: updated_at[gt] or sort_by is not obeyed")
        earliest = at
    if place.first is not None and stamps and stamps[0].id == place.first:
        raise Misbehaved(PROVIDER, f"page {place.page} is the page before it again: page is not obeyed")


def _known(place: Place, id_: int, at: int) -> bool:
    return at == place.at and id_ in place.ids


def _is_short(stamps: Sequence[Stamp], paging: Paging, size: int) -> bool:
    """Fewer than asked for is the end, unless the vendor itself names a next page."""
    return not stamps or (len(stamps) < (paging.per_page or size) and paging.next_page is None)


def _after(
    place: Place, stamps: Sequence[Stamp], times: Sequence[int], fresh: Sequence[int], paging: Paging
) -> Place:
    within = [at for at in times if at <= place.upto]
    last = within[-1] if within else place.at
    new = frozenset(stamps[n].id for n in fresh if times[n] == last)
    seen = place.seen + len(fresh)
    if last != place.at:
        return Place(upto=place.upto, total=place.total, at=last, ids=new, seen=seen)
    stands = replace(place, ids=place.ids | new, seen=seen)
    if place.count is None:  # a page full of one instant: from here on by page numbers, with counts, from the first
        return replace(stands, count=UNCOUNTED)
    count = UNCOUNTED if paging.total_count is None else paging.total_count
    return replace(stands, page=place.page + 1, first=stamps[0].id if stamps else None, count=count)


def key(at: int, nth: int) -> str:
    """Return the key of the walk's nth record; keys rise strictly, whatever order an instant's records come in."""
    return f"{at:020d}.{nth:012d}"
