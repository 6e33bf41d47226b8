"""Split: the user's file becomes chunks, and chunks become vendor jobs to be created side by side."""

from collections.abc import Callable, Mapping, Sequence
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
from orchestrator.results.canonical import canonical
from orchestrator.results.chunks import CutChunk
from orchestrator.results.fates import outcome_line
from orchestrator.results.grouping import cutter_of
from orchestrator.results.inputs.mapping import mapper
from orchestrator.results.inputs.row import InputRow
from orchestrator.results.mending import own_values
from orchestrator.steps.fields import Fields
from orchestrator.steps.step import Turn
from orchestrator.steps.storing import stored

MOST_BAD = 4 << 20  # bytes of lines on rows that cannot be sent, held until a chunk is full


@dataclass
class _Progress:
    """Where the reading stands; becomes the step's cursor at each cut."""

    offset: int = 0
    row: int = 0
    chunk: int = 0  # seq of the last chunk cut
    vendor: int = 0  # seq of the last vendor job planned
    waiting: list[int] = field(default_factory=list)  # chunks without a vendor job
    waiting_rows: int = 0
    fields: dict[str, str] = field(default_factory=dict)  # the vendor's spelling of the names seen so far

    def cursor(self) -> Cursor:
        return dict(vars(self))


@dataclass
class _Bad:
    """Rows that cannot be sent, since the last commit."""

    lines: list[bytes] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)

    size: int = 0  # bytes of the lines

    def add(self, row: InputRow, code: str, message: str) -> None:
        line = outcome_line(row.number, "error", _as_json(row), message, b"null", code=code)
        self.lines.append(line)
        self.errors.append(
            RowError(row=row.number, identifier=None, code=code, message=message, retryable=False, phase="split")
        )
        self.rows.append(row.number)
        self.size += len(line)


def _as_json(row: InputRow) -> bytes:
    """The row as the user sent it, as far as it could be read."""
    try:
        return canonical(row.values) if row.values is not None else b"null"
    except (UnicodeEncodeError, TypeError, ValueError):
        return b"null"


def split(turn: Turn) -> Outcome:
    """Cut what is left of the input into chunks; every 10 chunks (the sink's choice) a vendor job is planned.

    Where the vendor knows the fields of its objects it is asked once, before any vendor job is planned. A crash repeats
    at most the chunk in hand. Rows that cannot be sent are booked with their reason; raises Invalid where none can be.
    """
    criteria = turn.job.criteria
    assert isinstance(criteria, UploadCriteria)
    return _Splitter(turn, turn.vendor.sink(criteria), mapper(criteria.mapping)).run()


class _Splitter:
    def __init__(self, turn: Turn, sink: Upload, mapped: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
        criteria = turn.job.criteria
        self._group_by = criteria.group_by if isinstance(criteria, UploadCriteria) else None
        self._turn = turn
        self._sink = sink
        self._map = mapped
        self._at = _Progress(**turn.step.cursor)
        self._cutter = cutter_of(sink.chunk_rows, sink.chunk_bytes, self._group_by)
        self._bad = _Bad()
        self._fields = Fields(sink, self._at.fields)
        self._at.fields = self._fields.known
        self._behind: dict[int, int] = {}  # row → offset behind it, of the rows in the cutter

    def run(self) -> Outcome:
        reader = self._turn.open_input()
        if reader.columns and not self._at.offset:
            self._check_header(self._map(own_values({column: column for column in reader.columns})))
        for row in reader.rows(self._at.offset, self._at.row):
            self._behind[row.number] = row.offset_after
            cut = self._take(row)
            if cut:
                self._commit(cut, up_to=max(each.last_row for each in cut))
            elif self._bad.size > MOST_BAD:
                self._commit(self._cutter.flush(), up_to=row.number)
            else:
                continue
            if self._turn.is_over:
                return Wait.nothing()
        self._commit(self._cutter.flush(), up_to=max(self._behind, default=self._at.row), last=True)
        return Moved()

    def _check_header(self, header: Mapping[str, Any]) -> None:
        self._fields.check_header(header)
        group_by = self._group_by
        if group_by is not None and group_by.casefold() not in {name.casefold() for name in header}:
            raise Invalid("groupBy", f"the file has no column {group_by}", f"Name one of {', '.join(header)}.")

    def _take(self, row: InputRow) -> Sequence[CutChunk]:
        if row.problem is not None or row.values is None:
            problem = row.problem
            self._bad.add(row, problem.code if problem else "bad_row", problem.message if problem else "no row")
            return ()
        values = own_values(row.values)
        if not values:
            self._bad.add(row, "empty_row", "every cell is empty")
            return ()
        try:
            return self._cutter.add(row.number, self._fields.spelled(self._sink.shape(self._map(values))))
        except Invalid as error:
            self._bad.add(row, error.code, str(error))
            return ()

    def _commit(self, cut: Sequence[CutChunk], *, up_to: int, last: bool = False) -> None:
        """Commit chunks with all bad rows up to a row; at the end, everything."""
        at, effects = self._at, list[Effect]()
        if up_to in self._behind:
            at.row, at.offset = up_to, self._behind[up_to]
        successors = list[Successor]()
        for each in cut:
            effects.append(self._store(each))
            successors += self._plan(effects)
        successors += self._plan(effects, last=last)
        self._book_bad(at.row)
        self._behind = {row: offset for row, offset in self._behind.items() if row > at.row}
        sent = sum(each.rows for each in cut)
        self._turn.save(*effects, cursor=at.cursor(), counts=Counts(sent=sent), successors=successors)

    def _store(self, cut: CutChunk) -> Chunk:
        at = self._at
        at.chunk += 1
        at.waiting.append(at.chunk)
        at.waiting_rows += cut.rows
        return stored(self._turn, at.chunk, cut)

    def _plan(self, effects: list[Effect], *, last: bool = False) -> list[Successor]:
        at = self._at
        if not at.waiting or (len(at.waiting) < self._sink.chunks_per_job and not last):
            return []
        at.vendor += 1
        effects.append(NewVendorJob(seq=at.vendor, marker=new_marker(), rows=at.waiting_rows, chunks=tuple(at.waiting)))
        at.waiting, at.waiting_rows = [], 0
        return [Successor(kind=StepKind.CREATE, vendor_seq=at.vendor)]

    def _book_bad(self, up_to: int) -> None:
        bad, self._bad = self._bad, _Bad()
        due = sum(1 for row in bad.rows if row <= up_to)
        later = bad.lines[due:]
        self._bad = _Bad(lines=later, errors=bad.errors[due:], rows=bad.rows[due:], size=sum(map(len, later)))
        if due:
            self._turn.keep(
                b"".join(bad.lines[:due]),
                rows=due,
                counts=Counts(invalid=due),
                cursor=self._at.cursor(),
                stream=Stream.OUTCOME,
                errors=bad.errors[:due],
                with_next_save=True,
            )
