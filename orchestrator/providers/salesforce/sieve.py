"""The part of `where` that SOQL cannot say, applied to the sets of a query's result."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from orchestrator.job.criteria import DownloadCriteria
from orchestrator.job.step import Cursor
from orchestrator.providers.provider import Page
from orchestrator.providers.shape import Shaper

_names = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Sieve:
    """Drops the records that do not fit, and then the fields that were read for the filter alone."""

    def __init__(self, criteria: DownloadCriteria) -> None:
        self._criteria = replace(criteria, from_=None, to=None, filter_date_field=None)  # the query's own
        self._shaper: Shaper | None = None

    def page(self, body: bytes, rows: int, after: Cursor | None, room: int | None) -> Page:
        """Return the page of a set, given as JSONL; at most `room` records are kept."""
        records = [msgspec.Raw(line) for line in body.splitlines()]
        if self._shaper is None and records:
            self._shaper = Shaper(replace(self._criteria, select_fields=self._columns(records[0])))
        if self._shaper is None:
            return Page(body=b"", rows=0, read=rows, next=after)
        shaped = self._shaper.shape(records, room, unbroken=True)
        return Page(
            body=shaped.body,
            rows=shaped.rows,
            read=rows,
            filtered=shaped.filtered,
            cut=shaped.cut,
            next=None if shaped.full else after,
        )

    def _columns(self, record: msgspec.Raw) -> tuple[str, ...] | None:
        """Return the fields that the job asks for, as the result spells them."""
        if self._criteria.select_fields is None:
            return None
        asked: Sequence[str] = [name.casefold() for name in self._criteria.select_fields]
        return tuple(name for name in _names.decode(record) if name.casefold() in asked)
