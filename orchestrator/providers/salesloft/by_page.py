"""Where a walk by page numbers stands, for lists that cannot be walked by time. Makes no call.

Page numbers shift when the list changes under them. So each page is asked for with the count, a count that fell sends
the walk back by as many pages, every id is stored once, and a walk that ends with fewer records than the vendor counts
goes round again. Such lists are short (users, stages, steps): the ids fit into the cursor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Self

from orchestrator.job.errors import Misbehaved
from orchestrator.job.step import Cursor
from orchestrator.providers.salesloft.ids import packed, unpacked
from orchestrator.providers.salesloft.wire import PROVIDER, Paging

MOST_ROUNDS = 3  # a list that changes faster than it can be read is reported, not read for ever


def key(nth: int) -> str:
    """Return the key of the walk's nth record."""
    return f"{nth:012d}"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place in the walk."""

    page: int = 1
    round: int = 1
    ids: frozenset[int] = frozenset()
    first: int | None = None  # id on top of the page before this one
    count: int | None = None  # records in the list when last told

    @classmethod
    def from_cursor(cls, cursor: Cursor) -> Self:
        """Read a place that `to_cursor` wrote; {} is the start."""
        return cls(**{**cursor, "ids": unpacked(cursor.get("ids", ()))})

    def to_cursor(self) -> Cursor:
        """Return the place as JSON-able values."""
        return {**self.__dict__, "ids": packed(self.ids)}

    @property
    def counted(self) -> int | None:
        """What the vendor counts; or what we have, where records left after we read them."""
        return None if self.count is None else max(self.count, len(self.ids))

    def query(self, sort_by: str | None, size: int) -> Mapping[str, str]:
        """Return the query of the page of `size` records at this place.

        `page` is always named: without it the users come all at once.
        """
        order = {"sort_by": sort_by, "sort_direction": "ASC"} if sort_by else {}
        return {**order, "per_page": str(size), "page": str(self.page), "include_paging_counts": "true"}


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a page brought: positions of the records that are new, and the place after it."""

    fresh: Sequence[int]
    after: Place
    is_last: bool


def read(place: Place, ids: Sequence[int], paging: Paging, size: int) -> Reading:
    """Judge one page of at most `size` records; raises Misbehaved where the vendor did not obey the page number."""
    count = paging.total_count
    if place.count is not None and count is not None and count < place.count:
        back = max(1, place.page - ceil((place.count - count) / size))
        return Reading(fresh=(), after=replace(place, page=back, first=None, count=count), is_last=False)
    if ids and place.first == ids[0]:
        raise Misbehaved(PROVIDER, f"page {place.page} is the page before it again: page is not obeyed")
    fresh = [n for n, each in enumerate(ids) if each not in place.ids]
    known = place.ids | frozenset(ids)
    after = replace(place, page=place.page + 1, ids=known, first=ids[0] if ids else None, count=count)
    if ids and (len(ids) >= (paging.per_page or size) or paging.next_page is not None):
        return Reading(fresh=fresh, after=after, is_last=False)
    complete = count is None or len(known) >= count or place.round >= MOST_ROUNDS
    again = replace(after, page=1, round=place.round + 1, first=None)
    return Reading(fresh=fresh, after=after if complete else again, is_last=complete)
