"""The outcome of an upload: one line a row, in the order of the user's own file at the end.

Fates come in the vendor's order, vendor jobs side by side. Mostly that is already the order of the rows, so the
merge touches only parts whose rows overlap:

    parts ──▶ runs (each sorted; rewritten only if it was not) ──▶ groups that overlap ──▶ merged bodies
"""

import heapq
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

import msgspec

from orchestrator.job.chunk import Part
from orchestrator.results.fates import line_row
from orchestrator.results.lines import lines
from orchestrator.results.manifest import PartBody, stream_records
from orchestrator.results.objects import ObjectStore
from orchestrator.results.parts import READY_AT

RUN_BLOCK = 64 << 10  # bytes held per run in a merge: 1,000 runs (a 16 GB outcome) hold 64 MiB


@dataclass(frozen=True, kw_only=True)
class _Run:
    """A sorted object, and the rows it spans."""

    key: str
    low: int
    high: int


def sort_outcome(
    objects: ObjectStore, parts: Sequence[Part], scratch: str, ready_at: int = READY_AT
) -> Iterator[PartBody]:
    """Yield the outcome's lines as bodies of about `ready_at` bytes, ordered by source row; memory stays flat.

    Objects named `{scratch}-{n}.run` are written on the way and deleted at the end; `scratch` must be this turn's own
    (job, step, epoch). The parts themselves are left alone. Raises Damaged.
    """
    written: list[str] = []
    try:
        runs = list(_runs(objects, parts, scratch, written))
        merged = (line for group in _overlapping(runs) for line in _merge(objects, group))
        yield from _bodies(merged, ready_at)
    finally:
        for key in written:
            objects.delete(key)


def outcome_page(
    objects: ObjectStore,
    parts: Sequence[Part],
    after_row: int,
    size: int,
    statuses: Collection[str] = (),
    *,
    in_order: bool = True,
) -> list[bytes]:
    """Return up to `size` outcome lines (no line ends) of rows above `after_row`, rising, of the statuses (or all).

    With `in_order` (parts of `sort_outcome`) only the parts in question are read; otherwise all of them.
    """
    chosen = _from_part_with(parts, after_row) if in_order else parts
    found = (
        (row, line)
        for line in lines(stream_records(objects, chosen))
        if (row := line_row(line)) > after_row and (not statuses or _status(line) in statuses)
    )
    page = islice(found, size) if in_order else heapq.nsmallest(size, found)
    return [line for _, line in page]


class _Status(msgspec.Struct):
    status: str


_status_of = msgspec.json.Decoder(_Status)


def _status(line: bytes) -> str:
    return _status_of.decode(line).status


def _from_part_with(parts: Sequence[Part], after_row: int) -> Sequence[Part]:
    """Leave out the parts that end before the row asked for: those whose successor starts no later."""
    first = 0
    for index, part in enumerate(parts):
        if (part.first_row or 0) <= after_row + 1:
            first = index
    return parts[first:]


def _runs(objects: ObjectStore, parts: Iterable[Part], scratch: str, written: list[str]) -> Iterator[_Run]:
    for index, part in enumerate(parts):
        run = _run(objects, part, f"{scratch}-{index}.run", written)
        if run is not None:
            yield run


def _run(objects: ObjectStore, part: Part, name: str, written: list[str]) -> _Run | None:
    """Return the part in order, written anew as `name` where it is not; holds the lines of one part."""
    numbered = [(line_row(line), line) for line in lines(stream_records(objects, [part]))]
    if not numbered:
        return None
    key = part.object_key
    if any(first[0] > second[0] for first, second in pairwise(numbered)):
        numbered.sort()
        key = name
        written.append(key)
        objects.put_new(key, *(piece for _, line in numbered for piece in (line, b"\n")))
    return _Run(key=key, low=numbered[0][0], high=numbered[-1][0])


def _overlapping(runs: Iterable[_Run]) -> Iterator[list[_Run]]:
    """Group the runs whose rows interleave; the groups are in order and do not overlap."""
    group: list[_Run] = []
    high = -1
    for run in sorted(runs, key=lambda run: run.low):
        if group and run.low > high:
            yield group
            group = []
        group.append(run)
        high = max(high, run.high)
    if group:
        yield group


def _merge(objects: ObjectStore, group: Sequence[_Run]) -> Iterator[tuple[int, bytes]]:
    if len(group) == 1:
        return _numbered(objects, group[0])
    return heapq.merge(*(_numbered(objects, run) for run in group))


def _numbered(objects: ObjectStore, run: _Run) -> Iterator[tuple[int, bytes]]:
    for line in lines(objects.stream(run.key, block=RUN_BLOCK)):
        yield line_row(line), line


def _bodies(numbered: Iterable[tuple[int, bytes]], ready_at: int) -> Iterator[PartBody]:
    held: list[bytes] = []
    first_row = size = 0
    for row, line in numbered:
        first_row = first_row or row
        held.append(line)
        size += len(line) + 1
        if size >= ready_at:
            yield _taken(held, first_row)
            first_row = size = 0
    if held:
        yield _taken(held, first_row)


def _taken(held: list[bytes], first_row: int) -> PartBody:
    """Return the lines as a body, and hold them no longer."""
    rows = len(held)
    held.append(b"")
    body = b"\n".join(held)
    held.clear()
    return PartBody(body, rows, first_row)
