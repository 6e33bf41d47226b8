"""Salesloft's v2 lists as sources: people, accounts, users, cadences and the others.

How a list is walked is decided in `by_time` and `by_page`, which make no call; here it is asked. A page costs a point,
but for deep page numbers, which cost up to 30.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from math import ceil
from typing import Any

import httpx
import msgspec

from orchestrator.http.client import VendorClient
from orchestrator.job.criteria import DownloadCriteria
from orchestrator.job.step import Cursor
from orchestrator.providers.paging import Ask, Got, walk
from orchestrator.providers.provider import GoOn, Page, Plan
from orchestrator.providers.salesloft import by_page, by_time
from orchestrator.providers.salesloft.answers import page_cost, pages_cost
from orchestrator.providers.salesloft.canonical import canonical_hash
from orchestrator.providers.salesloft.catalog import ListType
from orchestrator.providers.salesloft.filters import narrowed
from orchestrator.providers.salesloft.times import aware
from orchestrator.providers.salesloft.wire import (
    IDENTITIES,
    RECORDS,
    STAMPS,
    TIME_FIELD,
    Envelope,
    Metadata,
    Paging,
    Stamp,
)
from orchestrator.providers.shape import Shaper

LARGEST_PAGE = 100  # the vendor's maximum; it corrects more without an error
ONE_AND_COUNT = {"per_page": "1", "page": "1", "include_paging_counts": "true"}


class ByTime:
    """A list that is walked by `updated_at`; the first call learns where it ends, and brings no record."""

    def __init__(self, http: VendorClient, kind: ListType, criteria: DownloadCriteria) -> None:
        pushed = criteria.filter_date_field == TIME_FIELD
        self._http = http
        self._path = kind.path
        self._size = criteria.page_size or LARGEST_PAGE
        since = aware(criteria.from_) if pushed and criteria.from_ else None
        until = aware(criteria.to) if pushed and criteria.to else None
        asked = narrowed(criteria.where, criteria.object_name, by_time=True, since=since, until=until)
        self._since, self._until, self._parted = asked.since, asked.until, asked.parted
        self._query = {**criteria.query, **asked.params}
        self._shaper = Shaper(replace(criteria, from_=None, to=None, filter_date_field=None) if pushed else criteria)

    @property
    def meta(self) -> Mapping[str, Any]:
        """Page size, how the list is read, and which bounds the vendor applies."""
        bounds = list(self._bounds(self._until))
        return {"pageSize": self._size, "readBy": TIME_FIELD, "pushedDown": bounds, **self._parted.meta}

    def pages(self, cursor: Cursor, go_on: GoOn, room: int | None) -> Iterator[Page]:
        """Yield the pages after `cursor`, oldest change first; raises Misbehaved where the cursor does not advance."""
        return walk(self._http, self, self._shaper, cursor, go_on, room)

    def count(self) -> int | None:
        """Return None: the last page has settled it, by calls of its own."""
        return None

    def ask(self, cursor: Cursor) -> Ask:
        """Return the request for the page at a cursor; {} asks where the list ends now."""
        if not cursor:
            newest = {"sort_by": TIME_FIELD, "sort_direction": "DESC", **ONE_AND_COUNT}
            return Ask(path=self._path, params={**self._query, **self._bounds(self._until), **newest})
        place = by_time.Place.from_cursor(cursor)
        return Ask(path=self._path, params={**self._query, **place.query(self._size)}, cost=page_cost(place.page))

    def read(self, cursor: Cursor, response: httpx.Response) -> Got:
        """Read the answer; raises Misbehaved where the vendor did not obey filter, order or page number."""
        answer, stamps = RECORDS.envelope(response.content), STAMPS.read(response)
        if not cursor:
            paging = _paging(answer)
            return Got(records=(), next=self._begin(stamps, paging), plan=self._plan(paging.total_count))
        place = by_time.Place.from_cursor(cursor)
        times = [aware(each.updated_at) for each in stamps]
        ids = [each.id for each in stamps]
        reading = by_time.read(place, ids, times, _paging(answer), self._size)
        return Got(
            records=[answer.data[n] for n in reading.fresh],
            next=None if reading.is_last else reading.after.to_cursor(),
            after=lambda position: by_time.taken(place, ids, times, reading.fresh[: position + 1]).to_cursor(),
            key=lambda position: by_time.key(times[reading.fresh[position]], place.seen + 1 + position),
            vendor_counted=self._counted(reading.after) if reading.is_last else None,
        )

    def _plan(self, total: int | None) -> Plan | None:
        """Compare the ways: pages by time cost a point each and one call to begin with, deep page numbers much more.

        A page by time begins with the last record of the one before. A short list costs a little more that way; it is
        the price for losing no record when others change the list meanwhile (docs/decisions/0015).
        """
        if total is None:
            return None
        by_time, by_page = ceil((total - 1) / max(1, self._size - 1)), ceil(total / self._size)
        return Plan(
            way=TIME_FIELD, cost=1 + max(1, by_time), alternative="page", alternative_cost=pages_cost(max(1, by_page))
        )

    def _begin(self, newest: Sequence[Stamp], paging: Paging) -> Cursor | None:
        """Return the cursor of the first page: up to the newest instant there is, in the vendor's own time."""
        ends = [aware(each.updated_at) for each in newest]
        if not ends or (self._since is not None and ends[0] < self._since):
            return None
        upto = ends[0] if self._until is None else min(ends[0], self._until)
        return by_time.Place(upto=upto, total=paging.total_count, at=self._since).to_cursor()

    def _counted(self, end: by_time.Place) -> int | None:
        """Return what the vendor counts; a second count, one call, where the list changed while we read."""
        if end.total is None or end.seen == end.total:
            return end.total
        params = {**self._query, **self._bounds(end.upto), **ONE_AND_COUNT}
        answer = RECORDS.envelope(self._http.get(self._path, params=params).content)
        left = _paging(answer).total_count if _upper_bound_understood(answer.metadata) else None
        return None if left is None else by_time.counted(end.seen, before=end.total, left=left)

    def _bounds(self, upto: datetime | None) -> Mapping[str, str]:
        return by_time.bounds(self._since, upto)


class ByPage:
    """A list that is walked by page numbers."""

    def __init__(self, http: VendorClient, kind: ListType, criteria: DownloadCriteria) -> None:
        self._http = http
        self._kind = kind
        asked = narrowed(criteria.where, criteria.object_name, by_time=False)
        self._parted = asked.parted
        self._query = {**criteria.query, **asked.params}
        self._size = criteria.page_size or LARGEST_PAGE
        self._shaper = Shaper(criteria)

    @property
    def meta(self) -> Mapping[str, Any]:
        """Page size, and that the list is read by page numbers; the vendor applies no bounds."""
        return {"pageSize": self._size, "readBy": "page", "pushedDown": [], **self._parted.meta}

    def pages(self, cursor: Cursor, go_on: GoOn, room: int | None) -> Iterator[Page]:
        """Yield the pages after `cursor`; raises Misbehaved where the page number is not obeyed."""
        return walk(self._http, self, self._shaper, cursor, go_on, room)

    def count(self) -> int | None:
        """Return None: the last page has settled it, by calls of its own."""
        return None

    def ask(self, cursor: Cursor) -> Ask:
        """Return the request for the page at a cursor, at the price of its number."""
        place = by_page.Place.from_cursor(cursor)
        query = {**self._query, **place.query(self._kind.sort_by, self._size)}
        return Ask(path=self._kind.path, params=query, cost=page_cost(place.page))

    def read(self, cursor: Cursor, response: httpx.Response) -> Got:
        """Read the answer; raises Misbehaved where the page number was not obeyed."""
        answer = RECORDS.envelope(response.content)
        place = by_page.Place.from_cursor(cursor)
        reading = by_page.read(place, _ids(response, answer.data), _paging(answer), self._size)
        return Got(
            records=[answer.data[n] for n in reading.fresh],
            next=None if reading.is_last else reading.after.to_cursor(),
            key=lambda position: by_page.key(len(place.ids) + 1 + position),
            vendor_counted=reading.after.counted if reading.is_last else None,
        )


def _paging(answer: Envelope[Any]) -> Paging:
    return (answer.metadata and answer.metadata.paging) or Paging()


def _upper_bound_understood(metadata: Metadata | None) -> bool:
    """Say whether the vendor named the upper bound among its filters; one that it does not know counts too much."""
    filtering = metadata.filtering if metadata is not None else None
    return isinstance(filtering, dict) and "lte" in msgspec.json.encode(filtering.get(TIME_FIELD)).decode()


def _ids(response: httpx.Response, records: Sequence[msgspec.Raw]) -> list[int]:
    """Return what tells the records apart: their ids, or, in a list without numeric ids, a hash of each."""
    found = [each.id for each in IDENTITIES.read(response)]
    return [
        each if isinstance(each, int) else canonical_hash(record) for each, record in zip(found, records, strict=True)
    ]
