"""A dry run of an upload: the file is read, mapped, shaped and cut as `split` would, and nothing is kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from orchestrator.job.criteria import UploadCriteria
from orchestrator.job.errors import Invalid
from orchestrator.providers.estimate import UploadCalls, Way
from orchestrator.providers.provider import Upload
from orchestrator.results.chunks import CutChunk
from orchestrator.results.grouping import Cutter, cutter_of
from orchestrator.results.inputs.mapping import mapper
from orchestrator.results.inputs.row import InputReader, InputRow
from orchestrator.results.mending import OURS, own_values

SHOWN = 5  # rows, as they would be sent
BAD_SHOWN = 20
LOOKS = 10  # at each vendor job; one of a minute takes about as many, one of an hour 38


@dataclass(frozen=True, kw_only=True)
class BadRow:
    """A row that would not be sent."""

    row: int
    code: str
    message: str


@dataclass(kw_only=True)
class DryRun:
    """What was found; `chunks` are the rows of each request, in order."""

    rows: int = 0
    bad_rows: int = 0
    bad: list[BadRow] = field(default_factory=list)
    first: list[Mapping[str, Any]] = field(default_factory=list)
    chunks: list[int] = field(default_factory=list)
    columns: Sequence[str] = ()
    unmapped: Sequence[str] = ()
    encoding: str = ""

    def add_bad(self, row: int, code: str, message: str) -> None:
        """Count a row that would not be sent, and keep the first ones."""
        self.bad_rows += 1
        if len(self.bad) < BAD_SHOWN:
            self.bad.append(BadRow(row=row, code=code, message=message))

    def way(self, sink: Upload, calls_of: UploadCalls) -> Way:
        """Return what sending the chunks costs."""
        jobs = ceil(len(self.chunks) / sink.chunks_per_job)
        groups = [self.chunks[at * sink.chunks_per_job : (at + 1) * sink.chunks_per_job] for at in range(jobs)]
        calls = sum(calls_of(sum(group), len(group)) + LOOKS for group in groups)
        return Way(name="bulk_upload", calls=calls, points=calls, vendor_jobs=jobs)


def dry_run(reader: InputReader, criteria: UploadCriteria, sink: Upload) -> DryRun:
    """Read the whole file; memory stays at one chunk, or one window of groups. Makes no call."""
    found = DryRun(columns=[each for each in reader.columns if each not in OURS], encoding=reader.encoding)
    found.unmapped = [each for each in found.columns if each not in criteria.mapping]
    cutter = cutter_of(sink.chunk_rows, sink.chunk_bytes, criteria.group_by)
    mapped = mapper(criteria.mapping)
    for row in reader.rows():
        found.rows += 1
        _note(found, _take(found, row, cutter, lambda values: sink.shape(mapped(values))))
    _note(found, cutter.flush())
    return found


def of_rows(rows: int, sink: Upload) -> DryRun:
    """Return what so many rows come to where requests are filled by number."""
    full, rest = divmod(rows, sink.chunk_rows)
    return DryRun(rows=rows, chunks=[sink.chunk_rows] * full + ([rest] if rest else []))


def _take(
    found: DryRun, row: InputRow, cutter: Cutter, shape: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> Sequence[CutChunk]:
    values = own_values(row.values or {})
    if not values:
        problem = row.problem
        code, message = (problem.code, problem.message) if problem else ("empty_row", "every cell is empty")
        found.add_bad(row.number, code, message)
        return ()
    try:
        record = shape(values)
        cut = cutter.add(row.number, record)
    except Invalid as error:
        found.add_bad(row.number, error.code, str(error))
        return ()
    if len(found.first) < SHOWN:
        found.first.append(record)
    return cut


def _note(found: DryRun, cuts: Sequence[CutChunk]) -> None:
    found.chunks.extend(cut.rows for cut in cuts)
