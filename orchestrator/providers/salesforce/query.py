"""A download: one query job, whose result is read set by set along its locators.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/query_get_job_results.htm
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any

import httpx

from orchestrator.http.client import Ahead, VendorClient
from orchestrator.job.criteria import DownloadCriteria, FileFormat
from orchestrator.job.errors import Gone, Misbehaved, Rejected, Throttled, Unauthorized
from orchestrator.job.step import Cursor
from orchestrator.providers.links import Links
from orchestrator.providers.provider import GoOn, Page, RemoteStatus
from orchestrator.providers.salesforce import soql
from orchestrator.providers.salesforce.answers import BULK_QUERIES
from orchestrator.providers.salesforce.conditions import Conditions, conditions
from orchestrator.providers.salesforce.describe import Describer, check_fields
from orchestrator.providers.salesforce.jobs import BulkJobs
from orchestrator.providers.salesforce.links import LINK, links_of
from orchestrator.providers.salesforce.sieve import Sieve
from orchestrator.providers.salesforce.table import Table, as_sent, jsonl
from orchestrator.providers.salesforce.wire import CSV, JSON, PROVIDER, LinkList, read
from orchestrator.providers.unfit import Unfit

SET_ROWS = 10_000  # of one call, where the criteria do not say; a crash repeats one set
LARGEST_SET = 250_000
END = "null"  # the locator of the last set, in letters
NO_CONTENT = 204
NOT_FOUND, OLD_VERSION, REFUSED = 404, 409, 400
LOST = (NOT_FOUND, OLD_VERSION, REFUSED)  # a job that is gone or of another API version, a locator that has run out
# An object that Bulk does not know, a SELECT that it cannot run, an org that has it switched off.
NOT_IN_BULK = re.compile(r"INVALID_?ENTITY|not supported (by|in) (the )?Bulk|FEATURE_?NOT_?ENABLED", re.I)
KEY = "key"  # in a cursor: the last id that was read
NO_LINKS = frozenset({400, 404})  # not before API version 58.0, nor in every org


class SalesforceQuery:
    """The query that some criteria ask for."""

    def __init__(self, http: VendorClient, base: str, criteria: DownloadCriteria, describer: Describer) -> None:
        self._http = http
        self._base = base
        self._criteria = criteria
        self._describer = describer
        self._jobs = BulkJobs(http, base, "query")

    def create(self, marker: str) -> str | Unfit:
        """Start the query; return the id of its job. One call, and one before it where the query is written here.

        The job cannot carry the marker. Raises Invalid for an object or a field that does not exist. Unfit: Bulk does
        not run it, or no more today, and nobody has said that it must.
        """
        operation = "queryAll" if self._criteria.include_deleted else "query"
        text = text_of(self._criteria, self._describer, self._conditions)
        try:
            return self._jobs.create({"operation": operation, "query": text})
        except Throttled as later:
            if later.limit == BULK_QUERIES and self._may_be_a_list:
                return Unfit(why="bulk_quota_used")
            raise
        except Rejected as refused:
            if NOT_IN_BULK.search(refused.text) and self._may_be_a_list:
                return Unfit(why="not_in_bulk")
            raise

    @property
    def _may_be_a_list(self) -> bool:
        return self._criteria.bulk_api in (None, "auto")

    @property
    def meta(self) -> Mapping[str, Any]:
        """Which part of `where` is the query's, and which is applied here; a call where `create` has not made it."""
        return self._conditions.parted.meta if self._criteria.where is not None else {}

    @cached_property
    def _conditions(self) -> Conditions:
        return conditions_of(self._criteria, self._describer)

    def behind(self, cursor: Cursor) -> Cursor | None:
        """Return the last id that was read, where the query is in the order of ids."""
        return {KEY: cursor[KEY]} if KEY in cursor else None

    def starting(self, start: Cursor) -> "SalesforceQuery":
        """Return the same query behind an id."""
        rest = soql.behind(self._criteria.soql or "", start[KEY])
        criteria = replace(self._criteria, soql=rest, bulk_api="2.0")  # a list would begin from the start
        return SalesforceQuery(self._http, self._base, criteria, self._describer)

    def find(self, marker: str) -> str | None:
        """Find nothing: a job shows neither a marker nor its query."""
        return None

    def suspects(self, since: datetime) -> Sequence[str]:
        """Return the query jobs of our user that read the same object, and were made since then."""
        same = self._criteria.object_name.casefold()
        return [job.id for job in self._jobs.made_since(since, "V2Query") if job.object.casefold() == same]

    def status(self, remote_id: str) -> RemoteStatus:
        """Tell how far the query has come; one call."""
        with _lost_where(NOT_FOUND):
            return self._jobs.status(remote_id)

    def abort(self, remote_id: str, released: bool) -> bool:
        """Stop the query; False where it has ended."""
        return self._jobs.abort(remote_id)

    def splits(self, rows: int) -> bool:
        """Whether the result has more than one set, and nobody has said how large a set shall be.

        A limit that the query itself could not have, because of what is filtered here, is kept by one reader alone.
        """
        criteria = self._criteria
        one_reader = criteria.partitions == 1 or (criteria.where is not None and criteria.limit is not None)
        return not one_reader and rows > SET_ROWS and not soql.is_in_order(criteria.soql)

    def links(self, remote_id: str, walk: Cursor) -> Links | None:
        """Return the links that a walk has not seen yet; None where the org, or its API version, has no such thing."""
        try:
            with _lost_where(OLD_VERSION):
                path = self._jobs.path(remote_id, "resultPages")
                answer = self._http.get(path, params=walk.get("page"), headers=JSON)
        except Rejected as refused:
            if refused.status in NO_LINKS:
                return None
            raise
        return links_of(read(answer, LinkList), remote_id, walk)

    def results(self, remote_id: str) -> "QueryResults":
        """Return the result of a query job that is done."""
        return QueryResults(self._http, self._jobs.path(remote_id, "results"), self._criteria)


def conditions_of(criteria: DownloadCriteria, describer: Describer) -> Conditions:
    """Return what the criteria's `where` becomes; a call where there is one, unless the object is known."""
    where, name = criteria.where, criteria.object_name
    return conditions(where, name, () if where is None else describer.of(name).fields)


def text_of(criteria: DownloadCriteria, describer: Describer, found: Conditions, *, in_order: bool = False) -> str:
    """Return the query of the criteria, once everything that it names is known to be there; one call at most.

    Raises Invalid with the nearest names. The user's own SOQL is judged by the org, which refuses it without a job.
    """
    if not soql.needs_fields(criteria):
        return soql.written(criteria, {})
    thing = describer.of(criteria.object_name)
    check_fields(thing, criteria.select_fields or (), "selectFields")
    check_fields(thing, [criteria.filter_date_field] if criteria.filter_date_field else (), "filterDateField")
    return soql.written(criteria, thing.types, found.soql, found.fields_here, in_order=in_order)


class QueryResults:
    """The sets of a query's result. A locator stays good as long as its job: a set can be read again."""

    def __init__(self, http: VendorClient, path: str, criteria: DownloadCriteria) -> None:
        self._http = http
        self._path = path
        self._without_nulls = criteria.filter_nulls
        self._sieve = Sieve(criteria) if criteria.where is not None else None
        self._as_sent = criteria.format is FileFormat.CSV  # where a null and an empty cell are the same
        self._header: bytes | None = None
        self._rows = min(criteria.page_size or SET_ROWS, LARGEST_SET)
        self._in_order = soql.is_in_order(criteria.soql)

    @property
    def meta(self) -> Mapping[str, Any]:
        """How the result is read."""
        return {"pageSize": self._rows, "way": "bulk_query"}

    def pages(self, cursor: Cursor, go_on: GoOn, room: int | None) -> Iterator[Page]:
        """Yield the sets after `cursor`; one call each, the next one ahead. `room` is the query's LIMIT, if it has one.

        A piece is one set, whatever it says of a next one: that is a piece of its own.
        """
        if LINK in cursor:
            with _lost_where(*LOST):
                answer = self._http.get(self._path, params=cursor[LINK], headers=CSV)
            yield self._page(answer, None, room)
            return
        ahead = self._ask(cursor)
        try:
            while True:
                with _lost_where(*LOST):
                    answer = ahead.result()
                after = self._behind(answer, cursor)
                goes_on = after is not None and go_on()
                if after is not None and goes_on:
                    ahead = self._ask(after)
                page = self._page(answer, after, room)
                room = None if room is None else room - page.rows
                yield page
                if page.next is None or not goes_on:
                    return
                cursor = page.next
        finally:
            ahead.drop()

    def _behind(self, answer: httpx.Response, cursor: Cursor) -> Cursor | None:
        after = _following(answer, cursor)
        last = _last_id(answer.content) if after is not None and self._in_order else None
        return after if after is None or last is None else {**after, KEY: last}

    def count(self) -> int | None:
        """Ask nothing: a result does not grow."""
        return None

    def _ask(self, cursor: Cursor) -> Ahead:
        place = {"locator": cursor["locator"]} if "locator" in cursor else {}
        return self._http.ahead(self._path, params={"maxRecords": self._rows, **place}, headers=CSV)

    def _page(self, answer: httpx.Response, after: Cursor | None, room: int | None) -> Page:
        header, body, rows = self._decoded(answer.content)
        told = answer.headers.get("sforce-numberofrecords", "0" if answer.status_code == NO_CONTENT else "")
        if told != str(rows):
            raise Misbehaved(PROVIDER, f"a set of {rows} rows, said to be {told or 'of no number'}")
        if self._sieve is not None:
            return self._sieve.page(bytes(body), rows, after, room)
        return Page(body=body, header=header, rows=rows, read=rows, next=after)

    def _decoded(self, content: bytes) -> tuple[bytes | None, bytes | bytearray | memoryview, int]:
        if self._sieve is not None:
            return None, *jsonl(content)
        if not self._as_sent or not content:
            return None, *jsonl(content, without_nulls=self._without_nulls)
        header, body, rows = as_sent(content)
        if self._header not in (None, header):
            raise Misbehaved(PROVIDER, "a set with other columns than the set before it")
        self._header = header
        return header, body, rows


@contextmanager
def _lost_where(*statuses: int) -> Iterator[None]:
    """Raise Gone for a refusal with one of these: what was there is there no more."""
    try:
        yield
    except Unauthorized:
        raise
    except Rejected as refused:
        if refused.status not in statuses:
            raise
        raise Gone(PROVIDER, refused.status, refused.text) from None


def _last_id(body: bytes) -> str | None:
    """Return the id in the last row of a set; None where it has no row."""
    table = Table(body)
    at = [name.casefold() for name in table.header].index("id")
    last = deque((row[at] for row in table.rows()), maxlen=1)
    return last[0] if last else None


def _following(answer: httpx.Response, cursor: Cursor) -> Cursor | None:
    """Return the cursor behind a set; the header is always there, so that one without is no end."""
    locator = answer.headers.get("sforce-locator", END if answer.status_code == NO_CONTENT else "")
    if locator == END:
        return None
    if not locator or locator == cursor.get("locator"):
        raise Misbehaved(PROVIDER, "a set of results that does not lead to the next one")
    return {"locator": locator}
