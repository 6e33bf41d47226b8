"""An ingest job: its upload, and what became of each row."""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from orchestrator.sandbox.options import Options
from orchestrator.sandbox.salesforce.job import Job, State
from orchestrator.sandbox.salesforce.loading import HeaderRefused, Loader
from orchestrator.sandbox.salesforce.text import (
    DELIMITERS,
    Unreadable,
    checked,
    lines,
    measured,
    parsed,
    plain,
    quoted,
)  # fmt: skip
from orchestrator.sandbox.salesforce.values import RowRefused, scientific

STRAY = re.compile(' +"')
BUSY = "unable to obtain exclusive access to this record"
LOAD_CHUNK = 200  # rows of one call inside the vendor; an external id may stand in it once

MakeLoader = Callable[["IngestJob", list[str]], Loader]
Allow = Callable[[int, int], int]  # first row, how many → how many the daily allowances leave


@dataclass(kw_only=True)
class IngestJob(Job):
    """One ingest job; rows are handled in the order of the upload and shown in none."""

    make_loader: MakeLoader
    allow: Allow
    external: str | None = None
    upload: bytes = b""  # until it is read
    size: int = 0  # bytes of the upload
    puts: int = 0
    total: int = 0
    header: list[str] = field(default_factory=list)
    sent_twice: int = 0  # good rows that equal an earlier good row of their kind, byte for byte
    seen: set[int] = field(default_factory=set)
    _has_stray_blanks: bool = False
    _loader: Loader | None = None
    _rows: Iterator[list[str]] = field(default_factory=lambda: iter(()))
    _good: list[str] = field(default_factory=list)
    _bad: list[str] = field(default_factory=list)
    _files: dict[str, bytes] = field(default_factory=dict)

    def settle(self, now: int, options: Options) -> None:
        """Start when the queue has come to it, handle the rows that are due by now, end."""
        if self.state is State.UPLOADED and not self.is_waiting(now, options):
            self.move(State.RUNNING, now)
            self._begin(options)
        if self.state is State.RUNNING and self.end is None:
            self._handle(self.due(now, self.total, options), options)
        super().settle(now, options)

    def _begin(self, options: Options) -> None:
        delimiter = DELIMITERS[self.delimiter]
        try:
            text = checked(self.upload, self.ending, strict_inside=options.sf_strict_breaks)
            self.header, self.total = measured(text, delimiter)
            self._has_stray_blanks = f'{delimiter} "' in text or '\n "' in text
            if self.header:
                self._loader = self.make_loader(self, self.header)
        except (Unreadable, HeaderRefused) as error:
            self._fail(str(error))
            return
        if self._loader is not None:
            self.upload = b""
        self._rows = parsed(text, delimiter)
        next(self._rows, None)

    def _fail(self, message: str) -> None:
        self.message, self.end = message, State.FAILED

    def _handle(self, upto: int, options: Options) -> None:
        stop = options.sf_fail_after
        goal = upto if stop < 0 else min(upto, stop)
        granted = self.allow(self.processed, goal - self.processed)
        for row in islice(self._rows, granted):
            self._take(row, options)
        if self.processed < goal:
            self._fail("ExceededQuota : the daily allowance of records or batches is used up")
        elif 0 <= stop <= self.processed < self.total:
            self._fail("TooManyLockFailure : Too many lock failure (200) Trying again later.")
        elif self.processed == self.total:
            self.end = State.DONE

    def _take(self, row: list[str], options: Options) -> None:
        loader, number = self._loader, self.processed
        assert loader is not None
        if number % LOAD_CHUNK == 0:
            loader.new_chunk()
        self.processed += 1
        delimiter = DELIMITERS[self.delimiter]
        try:
            _check(row, len(self.header), number, options)
            if self._has_stray_blanks:
                _check_blanks(row)
            id_, created = loader.load(row)
        except RowRefused as error:
            self.failed += 1
            shown = loader.id_of(row) if self.version >= 53 else ""
            self._bad.append(quoted([shown, str(error), *self._echo(row, options)], delimiter))
            return
        self._count(row)
        self._good.append(quoted([id_, "true" if created else "false", *self._echo(row, options)], delimiter))

    def _count(self, row: list[str]) -> None:
        mark = hash((self.object, self.operation, *row))
        self.sent_twice += mark in self.seen
        self.seen.add(mark)

    def _echo(self, row: list[str], options: Options) -> list[str]:
        width = len(self.header)
        shown = row if len(row) == width else [*row, *[""] * width][:width]
        if options.sf_lost_columns:
            named = zip(self.header, shown, strict=True)
            shown = ["" if name in options.sf_lost_columns else cell for name, cell in named]
        if not options.sf_rerender:
            return shown
        return [scientific(cell) if cell.isascii() and cell.isdigit() and len(cell) > 7 else cell for cell in shown]

    def file(self, name: str, seed: int) -> bytes:
        """Return a result file of an ended job: successfulresults, failedresults or unprocessedrecords.

        Rows are shuffled by the seed; 0: they stay in the order of the upload.
        """
        if name not in self._files:
            self._files[name] = self._rendered(name, seed)
        return self._files[name]

    def _rendered(self, name: str, seed: int) -> bytes:
        delimiter = DELIMITERS[self.delimiter]
        bare = delimiter.join(self.header)
        if name == "unprocessedrecords":
            if self._loader is None:
                return self.upload  # nothing of it could be read
            return lines(bare, self._mixed(plain(self._rows, delimiter), seed), "\n")
        second, rows = ("sf__Created", self._good) if name == "successfulresults" else ("sf__Error", self._bad)
        named = delimiter.join(['"sf__Id"', f'"{second}"', *([bare] if bare else [])])
        return lines(named, self._mixed(rows, seed), "\n")

    def _mixed(self, rows: list[str], seed: int) -> list[str]:
        if not seed:
            return rows
        mixed = rows.copy()
        random.Random(f"{seed}:{self.key}").shuffle(mixed)
        return mixed


def _check(row: list[str], width: int, number: int, options: Options) -> None:
    if len(row) > width:
        raise RowRefused("INVALID_FIELD", f"the row has {len(row)} cells, the header {width}")
    if options.sf_lock_every and (number + 1) % options.sf_lock_every == 0:
        raise RowRefused("UNABLE_TO_LOCK_ROW", BUSY)


def _check_blanks(row: list[str]) -> None:
    if any(STRAY.match(cell) for cell in row):
        raise RowRefused("INVALID_FIELD", "a blank stands between a delimiter and a quote")
