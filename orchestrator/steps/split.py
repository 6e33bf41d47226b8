"""Split: the user's file becomes chunks, and chunks become vendor jobs to be created side by side."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.job.chunk import Chunk, RowError, Stream
from orchestrator.job.commit import Effect, Moved, NewVendorJob, Outcome, Wait
from orchestrator.job.criteria import UploadCriteria
from orchestrator.job.errors import Invalid
from orchestrator.job.marker import new_marker
from orchestrator.job.record import Counts
from orchestrator.job.step import Cursor, StepKind, Successor
from orchestrator.providers.provider import Upload
from orchestrator.results.chunks import ChunkCutter, CutChunk, chunk_key, rows_key
from orchestrator.results.fates import outcome_line
from orchestrator.results.inputs.mapping import mapper
from orchestrator.results.inputs.row import InputRow
from orchestrator.results.mending import own_values
from orchestrator.steps.step import Turn


@dataclass
class _Progress:
    """Where the reading stands; becomes the step's cursor at each cut."""

    offset: int = 0
    row: int = 0
    chunk: int = 0  # seq of the last chunk cut
    vendor: int = 0  # seq of the last vendor job planned
    waiting: list[int] = field(default_factory=list)  # chunks without a vendor job
    waiting_rows: int = 0

    def cursor(self) -> Cursor:
        return dict(vars(self))


@dataclass
class _Bad:
    """Rows that cannot be sent, since the last commit."""

    lines: list[bytes] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)

    def add(self, number: int, code: str, message: str) -> None:
        notes = {"code": code, "retryable": False}
        self.lines.append(outcome_line(number, "error", b"null", message, b"null", notes=notes))
        self.errors.append(
            RowError(row=number, identifier=None, code=code, message=message, retryable=False, phase="split")
        )
        self.rows.append(number)


def split(turn: Turn) -> Outcome:
    """Cut what is left of the input into chunks; every 10 chunks (the sink's choice) a vendor job is planned.

    Makes no call. A crash repeats at most the chunk in hand. Rows that cannot be sent are booked with their reason.
    """
    criteria = turn.job.criteria
    assert isinstance(criteria, UploadCriteria)
    return _Splitter(turn, turn.vendor.sink(criteria), mapper(criteria.mapping)).run()


class _Splitter:
    def __init__(self, turn: Turn, sink: Upload, mapped: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
        self._turn = turn
        self._sink = sink
        self._map = mapped
        self._at = _Progress(**turn.step.cursor)
        self._cutter = ChunkCutter(sink.chunk_rows, sink.chunk_bytes)
        self._bad = _Bad()
        self._behind: dict[int, int] = {}  # row → offset behind it, of the rows in the cutter

    def run(self) -> Outcome:
        for row in self._turn.open_input().rows(self._at.offset, self._at.row):
            self._behind[row.number] = row.offset_after
            cut = self._take(row)
            if cut is None:
                continue
            self._commit(cut)
            if self._turn.is_over:
                return Wait.nothing()
        self._commit(self._cutter.flush(), last=True)
        return Moved()

    def _take(self, row: InputRow) -> CutChunk | None:
        if row.problem is not None or row.values is None:
            problem = row.problem
            self._bad.add(row.number, problem.code if problem else "bad_row", problem.message if problem else "no row")
            return None
        values = own_values(row.values)
        if not values:
            self._bad.add(row.number, "empty_row", "every cell is empty")
            return None
        try:
            return self._cutter.add(row.number, self._sink.shape(self._map(values)))
        except Invalid as error:
            self._bad.add(row.number, error.code, str(error))
            return None

    def _commit(self, cut: CutChunk | None, *, last: bool = False) -> None:
        """Commit a chunk with all bad rows up to it; at the end, everything."""
        at, effects = self._at, list[Effect]()
        if last and self._behind:
            at.row = max(self._behind)
            at.offset = self._behind[at.row]
        elif cut is not None:
            at.row, at.offset = cut.last_row, self._behind[cut.last_row]
        if cut is not None:
            effects.append(self._store(cut))
        successors = self._plan(effects, last)
        self._book_bad(at.row)
        self._behind = {row: offset for row, offset in self._behind.items() if row > at.row}
        sent = cut.rows if cut else 0
        self._turn.save(*effects, cursor=at.cursor(), counts=Counts(sent=sent), successors=successors)

    def _store(self, cut: CutChunk) -> Chunk:
        at = self._at
        at.chunk += 1
        at.waiting.append(at.chunk)
        at.waiting_rows += cut.rows
        job, epoch = self._turn.job.id, self._turn.epoch
        chunk = Chunk(
            seq=at.chunk,
            object_key=chunk_key(job, at.chunk, epoch),
            rows_key=rows_key(job, at.chunk, epoch),
            rows=cut.rows,
            bytes=cut.bytes,
            first_row=cut.first_row,
            vendor_seq=0,
        )
        self._turn.write(chunk.object_key, cut.body)
        self._turn.write(chunk.rows_key, cut.rows_object)
        return chunk

    def _plan(self, effects: list[Effect], last: bool) -> list[Successor]:
        at = self._at
        if not at.waiting or (len(at.waiting) < self._sink.chunks_per_job and not last):
            return []
        at.vendor += 1
        effects.append(NewVendorJob(seq=at.vendor, marker=new_marker(), rows=at.waiting_rows, chunks=tuple(at.waiting)))
        at.waiting, at.waiting_rows = [], 0
        return [Successor(kind=StepKind.CREATE, vendor_seq=at.vendor)]

    def _book_bad(self, up_to: int) -> None:
        bad, self._bad = self._bad, _Bad()
        due = [index for index, row in enumerate(bad.rows) if row <= up_to]
        later = len(due)
        self._bad = _Bad(lines=bad.lines[later:], errors=bad.errors[later:], rows=bad.rows[later:])
        if due:
            self._turn.keep(
                b"".join(bad.lines[:later]),
                rows=later,
                counts=Counts(invalid=later),
                cursor=self._at.cursor(),
                stream=Stream.OUTCOME,
                errors=bad.errors[:later],
                with_next_save=True,
            )
