"""Salesloft's v2 lists as sources: people, accounts, users, cadences and the others.

How a list is walked is decided in `by_time` and `by_page`, which make no call; here the calls are made and the records
shaped. A page costs one point, but for deep page numbers, which cost up to 30.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import httpx
from msgspec import Raw

from orchestrator.http.client import Ahead, VendorClient
from orchestrator.job.criteria import DownloadCriteria
from orchestrator.job.step import Cursor
from orchestrator.providers.provider import GoOn, Page
from orchestrator.providers.salesloft import by_page, by_time
from orchestrator.providers.salesloft.answers import page_cost
from orchestrator.providers.salesloft.canonical import canonical_hash
from orchestrator.providers.salesloft.catalog import ListType
from orchestrator.providers.salesloft.times import micros, read_time
from orchestrator.providers.salesloft.wire import IDENTITIES, RECORDS, STAMPS, Envelope, Paging
from orchestrator.providers.shape import Shaper

LARGEST_PAGE = 100  # the vendor's maximum; more is corrected by it without an error
TIME_FIELD = "updated_at"
NOTHING = Page(body=b"", rows=0, read=0)

P = TypeVar("P")


class ByTime:
    """A list that is walked by `updated_at`; one more call than pages, to learn where it ends."""

    def __init__(self, http: VendorClient, kind: ListType, criteria: DownloadCriteria) -> None:
        pushed = criteria.filter_date_field == TIME_FIELD
        self._http = http
        self._path = kind.path
        self._query = criteria.query
        self._size = criteria.page_size or LARGEST_PAGE
        self._since = micros(criteria.from_) if pushed and criteria.from_ else None
        self._until = micros(criteria.to) if pushed and criteria.to else None
        self._shaper = Shaper(replace(criteria, from_=None, to=None, filter_date_field=None) if pushed else criteria)
        self._upto: int | None = None

    @property
    def meta(self) -> Mapping[str, Any]:
        """Page size, what the vendor filters, and, once known, up to which instant (µs since 1970) the list is read."""
        pushed = [f"{TIME_FIELD}[{op}]" for op, at in (("gt", self._since), ("lte", self._until)) if at is not None]
        return {"pageSize": self._size, "readBy": TIME_FIELD, "pushedDown": pushed, "upTo": self._upto}

    def pages(self, cursor: Cursor, go_on: GoOn, room: int | None) -> Iterator[Page]:
        """Yield the pages after `cursor`, oldest change first; raises Misbehaved where the cursor does not advance."""
        place = by_time.Place.from_cursor(cursor) if cursor else self._begin()
        if place is None:
            yield NOTHING
            return
        self._upto = place.upto
        yield from follow(self._ask, _Room(room).reader(self._read), place, go_on)

    def _begin(self) -> by_time.Place | None:
        """Find where the list ends now; None: there is nothing in it."""
        newest = {"sort_by": TIME_FIELD, "sort_direction": "DESC", "per_page": "1", "page": "1"}
        bounds = by_time.Place(upto=self._until, total=None, at=self._since).filters()
        answer = self._get({**bounds, **newest, "include_paging_counts": "true"})
        stamps = STAMPS.envelope(answer.content)
        ends = [read_time(each.updated_at) for each in stamps.data]
        if not ends or (self._since is not None and ends[0] < self._since):
            return None
        upto = ends[0] if self._until is None else min(ends[0], self._until)
        return by_time.Place(upto=upto, total=_paging(stamps).total_count, at=self._since)

    def _ask(self, place: by_time.Place) -> Ahead:
        query = {**self._query, **place.query(self._size)}
        return self._http.ahead(self._path, params=query, cost=page_cost(place.page))

    def _read(self, place: by_time.Place, answer: httpx.Response, room: int | None) -> "tuple[Page, by_time.Place | None]":
        records = RECORDS.envelope(answer.content)
        stamps = STAMPS.envelope(answer.content).data
        reading = by_time.read(place, stamps, _paging(records), self._size)
        shaped = self._shaper.shape([records.data[n] for n in reading.fresh], room)
        keys = [
            by_time.key(read_time(stamps[reading.fresh[n]].updated_at), place.seen + 1 + n)
            for n in _ends(shaped.kept)
        ]
        after = None if reading.is_last or shaped.full else reading.after
        page = Page(
            body=shaped.body,
            rows=shaped.rows,
            read=len(reading.fresh),
            filtered=shaped.filtered,
            cut=shaped.cut,
            undated=shaped.undated,
            first_key=keys[0] if keys else None,
            last_key=keys[-1] if keys else None,
            next=None if after is None else after.to_cursor(),
            vendor_counted=self._counted(reading.after) if reading.is_last and not shaped.cut else None,
        )
        return page, after
