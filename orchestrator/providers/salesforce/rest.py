"""A download by plain REST queries, where Bulk cannot: pages of 2,000 records, each naming the address of the next.

The file is the same as Bulk's. Addresses run out after some days: a query in the order of ids then goes on behind the
last one, any other is Gone.
https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/dome_query.htm
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from math import ceil
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from orchestrator.http.client import Ahead, VendorClient
from orchestrator.job.criteria import DownloadCriteria
from orchestrator.job.errors import Gone, Misbehaved, Rejected, Unauthorized, Unreachable
from orchestrator.job.step import Cursor
from orchestrator.providers.provider import GoOn, Page, Plan
from orchestrator.providers.pushdown import left_here
from orchestrator.providers.salesforce import soql
from orchestrator.providers.salesforce.conditions import Conditions
from orchestrator.providers.salesforce.describe import Describer
from orchestrator.providers.salesforce.flat import Flat, flat
from orchestrator.providers.salesforce.query import SET_ROWS, conditions_of, text_of
from orchestrator.providers.salesforce.sieve import Sieve
from orchestrator.providers.salesforce.wire import JSON, PROVIDER, QueryPage

LARGEST_PAGE = 2_000  # records; the org may give fewer, where records are long
SMALLEST_PAGE = 200
BULK_CALLS = 3  # of a bulk query besides its sets: one to start it, two looks
LOST = (400, 404)  # an address that has run out
NEXT, READ, KEY, WHY = "next", "read", "key", "why"  # in cursors

_page = msgspec.json.Decoder(QueryPage, float_hook=str)  # numbers stay as they were written
_lines = msgspec.json.Encoder()


class RestQuery:
    """The list that a query's criteria ask for."""

    def __init__(self, http: VendorClient, base: str, criteria: DownloadCriteria, describer: Describer) -> None:
        self._http = http
        self._base = base
        self._criteria = criteria
        self._describer = describer
        self._size = max(SMALLEST_PAGE, min(LARGEST_PAGE, criteria.page_size or LARGEST_PAGE))
        self._columns: Sequence[str] | None = None

    @property
    def meta(self) -> Mapping[str, Any]:
        """How the list is read."""
        return {"pageSize": self._size, "way": "rest_query", **self._found.parted.meta}

    def pages(self, cursor: Cursor, go_on: GoOn, room: int | None) -> Iterator[Page]:
        """Yield the pages after `cursor`; one call each, the next one ahead, and one before the first to describe.

        `room` is what is left of the query's own LIMIT. Raises Gone where the address of the next page has run out.
        """
        ahead = self._ask(cursor, room)
        try:
            while True:
                try:
                    answer = self._answer(ahead, cursor)
                except Gone:
                    if KEY not in cursor:
                        raise
                    cursor = {READ: cursor[READ], KEY: cursor[KEY]}
                    ahead = self._ask(cursor, room)
                    continue
                after = self._after(answer, cursor)
                goes_on = after is not None and go_on()
                if after is not None and goes_on:
                    ahead = self._ask(after, None)
                page = self._shaped(answer, cursor, after, room)
                yield page
                if page.next is None or not goes_on:
                    return
                cursor, room = page.next, None if room is None else max(0, room - page.rows)
        finally:
            ahead.drop()

    def count(self) -> int | None:
        """Ask how many records the query finds now; one call."""
        return self._decoded(
            self._http.get(self._path, params={"q": self._text}, headers=_sized(SMALLEST_PAGE))
        ).total_size

    @property
    def _path(self) -> str:
        return f"{self._base}/{'queryAll' if self._criteria.include_deleted else 'query'}"

    @property
    def _text(self) -> str:
        return text_of(self._criteria, self._describer, self._found, in_order=True)

    @cached_property
    def _found(self) -> Conditions:
        return conditions_of(self._criteria, self._describer)

    @cached_property
    def _sieve(self) -> Sieve | None:
        left = left_here(self._found.parted.meta)
        return None if left is None else Sieve(replace(self._criteria, where=left))

    def _ask(self, cursor: Cursor, room: int | None) -> Ahead:
        headers = _sized(self._size)
        if NEXT in cursor:
            return self._http.ahead(cursor[NEXT], headers=headers)
        text = self._text if KEY not in cursor else self._rest(cursor[KEY], room)
        return self._http.ahead(self._path, params={"q": text}, headers=headers)

    def _rest(self, key: str, room: int | None) -> str:
        """Return the query of what comes behind an id."""
        whole = text_of(replace(self._criteria, limit=None), self._describer, self._found, in_order=True)
        rest = soql.behind(whole, key)
        if rest is None:
            raise Gone(PROVIDER, 400, "the address of the next page has run out")
        return rest if room is None or self._found.fields_here else f"{rest} LIMIT {room}"

    def _answer(self, ahead: Ahead, cursor: Cursor) -> QueryPage:
        try:
            return self._decoded(ahead.result())
        except Unauthorized:
            raise
        except Rejected as refused:
            if NEXT in cursor and refused.status in LOST:
                raise Gone(PROVIDER, refused.status, refused.text) from None
            raise

    def _decoded(self, response: httpx.Response) -> QueryPage:
        try:
            return _page.decode(response.content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unreachable(PROVIDER, f"an unreadable answer: {error}") from None

    def _after(self, answer: QueryPage, cursor: Cursor) -> Cursor | None:
        """Return the cursor behind a page. Raises Misbehaved where it does not lead on."""
        if answer.done:
            return None
        path = urlsplit(answer.next_records_url or "").path
        if not path.startswith(f"{self._base}/query/") or path == cursor.get(NEXT):
            raise Misbehaved(PROVIDER, "a page of records that does not lead to the next one")
        after: Cursor = {NEXT: path, READ: cursor.get(READ, 0) + len(answer.records)}
        last = _id_of(answer.records[-1]) if answer.records else cursor.get(KEY)
        return after if last is None or not self._is_in_order else {**after, KEY: last}

    @property
    def _is_in_order(self) -> bool:
        criteria = self._criteria
        if criteria.soql is not None:
            return soql.is_in_order(criteria.soql)
        return soql.selects_id(criteria)

    def _shaped(self, answer: QueryPage, cursor: Cursor, after: Cursor | None, room: int | None) -> Page:
        is_first = NEXT not in cursor
        records, total = answer.records, answer.total_size
        if is_first and after is None and total and not records:
            records, total = [{"expr0": total}], 1  # SELECT COUNT(): named as COUNT(Id) would be
        rows = [self._record(record) for record in records]
        body = _lines.encode_lines(rows)
        page = Page(body=body, rows=len(rows), read=len(rows), next=after)
        return replace(
            page if self._sieve is None else self._sieve.page(body, len(rows), after, room),
            vendor_counted=cursor.get(READ, 0) + total if is_first else None,
            plan=self._plan(cursor[WHY], total) if WHY in cursor else None,
        )

    def _record(self, record: Mapping[str, Any]) -> Flat:
        if self._columns is None:
            asked = self._criteria.select_fields or soql.columns(self._criteria.soql or "")
            self._columns = [*asked, *(self._found.fields_here if asked else ())]
        shaped = flat(record, self._columns)
        if self._sieve is not None or not self._criteria.filter_nulls:
            return shaped
        return {name: value for name, value in shaped.items() if value is not None}

    def _plan(self, why: str, total: int) -> Plan:
        return Plan(
            way="rest_query",
            cost=max(1, ceil(total / self._size)),
            alternative="bulk_query",
            alternative_cost=BULK_CALLS + max(1, ceil(total / SET_ROWS)),
            reason=why,
        )


def _sized(size: int) -> Mapping[str, str]:
    return {**JSON, "sforce-query-options": f"batchSize={size}"}


def _id_of(record: Mapping[str, Any]) -> str | None:
    return next((value for name, value in record.items() if name.casefold() == "id"), None)
