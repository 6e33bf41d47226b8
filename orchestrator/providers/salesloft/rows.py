"""The rows of a bulk job, walked by the only cursor there is: `id[gt]`.

    results    final fates; empty until the job is done
    job_data   every row at any time; pending and retrying ones still change

A misspelled filter is ignored without an error and would give page one for ever, so ids must rise strictly and lie
above the cursor. A page with fewer rows than asked for is the last.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from orchestrator.http.client import VendorClient
from orchestrator.job.errors import Misbehaved
from orchestrator.job.step import Cursor
from orchestrator.providers.provider import Fate, FatePage, GoOn
from orchestrator.providers.salesloft.wire import PROVIDER, ROWS, JobDataRow

PER_PAGE = 100  # the vendor's maximum, and its default is 25
SETTLED = frozenset({"success", "error"})
UNSETTLED = frozenset({"pending", "retrying"})
EVERY_STATUS = ("pending", "success", "error", "retrying")


@dataclass(frozen=True, kw_only=True)
class RowState:
    """A row of a vendor job that still runs: pending, success, error or retrying."""

    key: int
    status: str
    record: bytes
    error: str | None
    resource: bytes


@dataclass(frozen=True, kw_only=True)
class StatePage:
    """A page of rows of a job that may still run."""

    rows: Sequence[RowState]
    next: Cursor | None  # where this walk goes on; None: there are no more rows yet
    stored: Cursor  # what may be stored: never past a row that can still change, or that the filter may have hidden


def after(cursor: Cursor) -> int:
    """Return the row id that the cursor stands at; 0 is before the first."""
    return int(cursor.get("after", 0))


def query(above: int, **more: str) -> Mapping[str, str]:
    """Return the query of one page of a list with the `id[gt]` cursor."""
    return {"id[gt]": str(above), "per_page": str(PER_PAGE), **more}


def rising(ids: Sequence[int], above: int) -> int:
    """Return the last id, or `above` where there is none; raises Misbehaved unless ids rise strictly from `above`."""
    for each in ids:
        if each <= above:
            raise Misbehaved(PROVIDER, f"id {each} came after id {above}: the cursor id[gt] is not obeyed")
        above = each
    return above


def fate_pages(http: VendorClient, path: str, cursor: Cursor, go_on: GoOn) -> Iterator[FatePage]:
    """Yield the fates after `cursor`; the next page is already asked for. One call a page."""
    for rows, last in walk(http, path, after(cursor), go_on):
        yield FatePage(fates=[_fate(row) for row in rows], next=None if last is None else {"after": last})


def state_pages(
    http: VendorClient, path: str, cursor: Cursor, statuses: Sequence[str], go_on: GoOn
) -> Iterator[StatePage]:
    """Yield the rows after `cursor` that are in one of `statuses` (none named: all), as they are now."""
    more = {"status": ",".join(statuses)} if statuses else {}
    stored = after(cursor)
    holds = bool(statuses) and not set(statuses) >= UNSETTLED
    for rows, last in walk(http, path, after(cursor), go_on, **more):
        for row in rows:
            holds = holds or row.status not in SETTLED
            stored = stored if holds else row.id
        yield StatePage(
            rows=[_state(row) for row in rows],
            next=None if last is None else {"after": last},
            stored={"after": stored},
        )


def walk(
    http: VendorClient, path: str, above: int, go_on: GoOn, **more: str
) -> Iterator[tuple[list[JobDataRow], int | None]]:
    """Yield pages of rows with the id to go on from; None after the last page. One call a page, the next one ahead."""
    ahead = http.ahead(path, params=query(above, **more))
    try:
        while True:
            rows = ROWS.read(ahead.result())
            above = rising([row.id for row in rows], above)
            is_last = len(rows) < PER_PAGE
            goes_on = not is_last and go_on()
            if goes_on:
                ahead = http.ahead(path, params=query(above, **more))
            yield rows, None if is_last else above
            if not goes_on:
                return
    finally:
        ahead.drop()


def _fate(row: JobDataRow) -> Fate:
    if row.status not in SETTLED:
        raise Misbehaved(PROVIDER, f"row {row.id} is {row.status!r} among the results of a job that is done")
    return Fate(
        key=row.id,
        status=row.status,
        record=bytes(row.record),
        error=_prose(row.error),
        resource=_resource(row),
    )


def _state(row: JobDataRow) -> RowState:
    return RowState(
        key=row.id,
        status=row.status,
        record=bytes(row.record),
        error=_prose(row.error),
        resource=_resource(row),
    )


def _resource(row: JobDataRow) -> bytes:
    found = bytes(row.resource)
    return b"{}" if found == b"null" else found


def _prose(error: Any) -> str | None:
    """Errors are plain prose as far as is known; anything else is shown as it came."""
    return error if error is None or isinstance(error, str) else msgspec.json.encode(error).decode()
