"""A query job: the rows it found when it began, and the sets they are read in."""

import base64
import binascii
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from orchestrator.sandbox.options import Options
from orchestrator.sandbox.salesforce.conditions import Found
from orchestrator.sandbox.salesforce.crates import Crates
from orchestrator.sandbox.salesforce.job import Job, State
from orchestrator.sandbox.salesforce.records import Record
from orchestrator.sandbox.salesforce.schema import NUMBERS
from orchestrator.sandbox.salesforce.selecting import Prepared
from orchestrator.sandbox.salesforce.text import DELIMITERS, ENDINGS, lines, quoted
from orchestrator.sandbox.salesforce.values import scientific

ALPHABETICAL = 49.0  # up to this version columns came in the order of the alphabet
Run = Callable[[Prepared, bool], list[Record]]


@dataclass(frozen=True, kw_only=True)
class Locator:
    """Where a set starts, how many rows it has at most (0: as many as the caller wants), when it was given out."""

    job: str
    offset: int
    rows: int
    at: int

    def __str__(self) -> str:
        """Opaque to callers; may hold what must be encoded in an address."""
        return base64.b64encode(f"{self.offset}:{self.job}:{self.rows}:{self.at}".encode()).decode()

    @classmethod
    def read(cls, text: str) -> "Locator":
        """Return what a locator says; ValueError where it is none."""
        try:
            offset, job, rows, at = base64.b64decode(text, validate=True).decode().split(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ValueError(text) from error
        return cls(job=job, offset=int(offset), rows=int(rows), at=int(at))


@dataclass(kw_only=True)
class QueryJob(Job):
    """One query job."""

    prepared: Prepared
    deleted: bool  # queryAll
    run: Run
    rows: Sequence[Record] | Crates = field(default_factory=list)
    named: dict[tuple[int, int], int] = field(default_factory=dict)  # sets that links lead to, and since when

    def settle(self, now: int, options: Options) -> None:
        """Find the rows when the queue has come to it, show as many as are due by now, end."""
        if self.state is State.UPLOADED and not self.is_waiting(now, options):
            self.move(State.RUNNING, now)
            self.begin(options)
        if self.state is State.RUNNING and self.end is None:
            self.processed = self.due(now, len(self.rows), options)
            self.end = State.DONE if self.processed == len(self.rows) else None
        super().settle(now, options)

    def begin(self, options: Options) -> None:
        """Find the rows, or learn that the query fails."""
        if options.sf_query_error:
            self.message, self.end = options.sf_query_error, State.FAILED
            return
        if not self.prepared.table.thing.kept:
            self.rows = self._crates(options)
            return
        rows = self.run(self.prepared, self.deleted)
        if options.sf_shuffle_pages and not self.prepared.select.order:
            random.Random(f"{options.sf_shuffle}:{self.key}").shuffle(rows)
        self.rows = rows

    def _crates(self, options: Options) -> Crates:
        limit = self.prepared.select.limit
        count = options.sf_crates if limit is None else min(limit, options.sf_crates)
        return Crates(count, [column.name for column in self.columns], DELIMITERS[self.delimiter], self.ending)

    @property
    def columns(self) -> Sequence[Found]:
        """The selected columns, in the order in which they are shown."""
        found = self.prepared.columns
        return sorted(found, key=lambda each: each.name) if self.version <= ALPHABETICAL else found

    def file(self, start: int, end: int, options: Options) -> bytes:
        """Return a set: the header, and the rows from `start` to before `end`."""
        columns, delimiter = self.columns, DELIMITERS[self.delimiter]
        header = quoted([column.name for column in columns], delimiter)
        if isinstance(self.rows, Crates):
            return lines(header, [], ENDINGS[self.ending]) + self.rows.lines(start, end)
        gets = [_getter(column, options) for column in columns]
        own = [column.column for column in columns]
        rows = self.rows[start:end]
        if min(own) >= 0 and not options.sf_rerender:
            shown = [quoted([record[column] or "" for column in own], delimiter) for record in rows]
        else:
            shown = [quoted([get(record) or "" for get in gets], delimiter) for record in rows]
        return lines(header, shown, ENDINGS[self.ending])


def _getter(found: Found, options: Options) -> Callable[[Record], str | None]:
    if not options.sf_rerender or found.field.type not in NUMBERS:
        return found.get
    return lambda record: None if (value := found.get(record)) is None else scientific(value)
