"""A batch of records: what became of each row, in the order of the batch."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from orchestrator.sandbox.options import Options
from orchestrator.sandbox.salesforce.bulk1.batch import Batch, BatchState
from orchestrator.sandbox.salesforce.bulk1.kinds import Kind
from orchestrator.sandbox.salesforce.bulk1.uploads import Upload, read
from orchestrator.sandbox.salesforce.ingest_job import BUSY, LOAD_CHUNK
from orchestrator.sandbox.salesforce.loading import HeaderRefused, Loader
from orchestrator.sandbox.salesforce.text import Unreadable
from orchestrator.sandbox.salesforce.values import RowRefused

POISONED = "InternalServerError : The batch could not be processed"

MakeLoader = Callable[[Sequence[str]], Loader]
Count = Callable[[Sequence[str]], None]  # a row that was taken


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What became of one row."""

    id: str
    created: bool
    refused: RowRefused | None = None


@dataclass(kw_only=True)
class LoadBatch(Batch):
    """Records to load."""

    kind: Kind
    make_loader: MakeLoader
    count: Count
    total: int = 0
    results: list[Result] = field(default_factory=list)
    _loader: Loader | None = None
    _rows: Iterator[Sequence[str]] = field(default_factory=lambda: iter(()))
    _width: int = 0
    _binary: dict[int, str] = field(default_factory=dict)  # columns that name files, where the batch is a zip
    _upload: Upload | None = None

    def begin(self, options: Options) -> None:
        """Read the records; the batch fails as a whole where they cannot be read."""
        if options.sf_poison and options.sf_poison.encode() in self.request:
            self.fail(POISONED)
            return
        try:
            upload = read(self.kind, self.request)
            self._loader = self.make_loader(upload.header)
        except HeaderRefused as error:
            self.fail(str(error))
            return
        except Unreadable as error:
            self.fail(str(error).replace("ClientInputError", "InvalidBatch"))
            return
        self._upload, self.total, self._width = upload, len(upload.rows), len(upload.header)
        self._rows = iter(upload.rows)
        if upload.bundle is not None:
            self._binary = {place: name for place, name in enumerate(upload.header) if self._loader.is_binary(name)}

    def work(self, upto: int, options: Options) -> None:
        """Handle the rows up to a number of them."""
        stop = options.sf_fail_after
        goal = min(upto, self.total, self.total if stop < 0 else stop)
        for row in islice(self._rows, goal - self.processed):
            self._take(row, options)
        if 0 <= stop <= self.processed < self.total:
            self.fail("TooManyLockFailure : Too many lock failure (200) Trying again later.")
        elif self.processed == self.total:
            self.end = BatchState.DONE

    def _take(self, row: Sequence[str], options: Options) -> None:
        assert self._loader is not None
        if self.processed % LOAD_CHUNK == 0:
            self._loader.new_chunk()
        self.processed += 1
        try:
            self._check(row, options)
            id_, created = self._loader.load(self._with_files(row))
        except RowRefused as error:
            self.failed += 1
            self.results.append(Result(id="", created=False, refused=error))
            return
        self.count(row)
        self.results.append(Result(id=id_, created=created))

    def _check(self, row: Sequence[str], options: Options) -> None:
        if len(row) > self._width:
            raise RowRefused("INVALID_FIELD", f"the row has {len(row)} cells, the header {self._width}")
        if options.sf_lock_every and self.processed % options.sf_lock_every == 0:
            raise RowRefused("UNABLE_TO_LOCK_ROW", BUSY)

    def _with_files(self, row: Sequence[str]) -> Sequence[str]:
        bundle = self._upload.bundle if self._upload else None
        if bundle is None or not self._binary:
            return row
        return [
            bundle.binary(cell, self._binary[place]) if place in self._binary and cell else cell
            for place, cell in enumerate(row)
        ]

    def finished(self, options: Options) -> None:
        """Forget what was read; the request stays."""
        self._upload = None if self._upload is None else replace(self._upload, rows=(), bundle=None)
