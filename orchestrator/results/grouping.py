"""Cuts records into chunks in which those of one group are together, as far as a window reaches.

A window is what is held in memory: a file that fits into one is grouped as a whole, a larger one window by window. So a
group is in as few chunks as there are windows that hold some of it, and in one where the file is sorted by it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.results.chunks import ChunkCutter, CutChunk, canonical_hash, encoded
from orchestrator.results.pieces import Row, piece

WINDOW_BYTES = 32 << 20  # of encoded records
WINDOW_ROWS = 200_000
FRAME = 2  # bytes around the records of a chunk; between them is one each


@dataclass
class _Chunk:
    """Rows that go into one chunk."""

    rows: list[Row] = field(default_factory=list)
    size: int = FRAME

    def add(self, rows: Sequence[Row], size: int) -> None:
        self.rows += rows
        self.size += size


class InOrder:
    """Cuts records in the order in which they come."""

    def __init__(self, max_rows: int, max_bytes: int) -> None:
        self._cutter = ChunkCutter(max_rows, max_bytes)

    def add(self, number: int, record: Mapping[str, Any]) -> Sequence[CutChunk]:
        """Take source row `number`; see `ChunkCutter.add`."""
        return _some(self._cutter.add(number, record))

    def flush(self) -> Sequence[CutChunk]:
        """Return what is left, if there is anything."""
        return _some(self._cutter.flush())


class GroupCutter:
    """Collects records until a window is full."""

    def __init__(self, max_rows: int, max_bytes: int, group_by: str) -> None:
        """Take what one chunk may hold, and the name of the field, in any case, whose value makes a group."""
        self._max_rows = max_rows
        self._max_bytes = max_bytes
        self._name = group_by.casefold()
        self._start()

    def _start(self) -> None:
        self._groups: dict[object, list[Row]] = {}  # in the order in which they were met
        self._rows = self._bytes = 0

    def add(self, number: int, record: Mapping[str, Any]) -> Sequence[CutChunk]:
        """Take source row `number`; return the chunks of a window that became full, which ends with this row.

        A record without a value in the field is a group of its own. Raises Invalid, and takes nothing, if the record is
        no JSON or alone too large for a request.
        """
        body = encoded(record, self._max_bytes)
        value = next((value for name, value in record.items() if name.casefold() == self._name), None)
        key = (number,) if value in (None, "") else str(value)
        self._groups.setdefault(key, []).append(Row(number, canonical_hash(body), body))
        self._rows += 1
        self._bytes += len(body)
        return self.flush() if self._bytes >= WINDOW_BYTES or self._rows >= WINDOW_ROWS else ()

    def flush(self) -> Sequence[CutChunk]:
        """Return what is left as chunks."""
        done, open_ = list[_Chunk](), list[_Chunk]()
        for group in self._groups.values():
            for rows, size in self._parts(group):
                chunk = next((each for each in open_ if self._fits(each, len(rows), size)), None)
                if chunk is None:
                    chunk = _Chunk()
                    open_.append(chunk)
                chunk.add(rows, size)
                if len(chunk.rows) >= self._max_rows:
                    open_.remove(chunk)
                    done.append(chunk)
        self._start()
        return [piece(sorted(chunk.rows, key=lambda row: row.number)) for chunk in (*done, *open_)]

    def _parts(self, group: Sequence[Row]) -> list[tuple[list[Row], int]]:
        """Return a group, in parts where it is more than one chunk may hold, with the bytes of each."""
        parts = [_Chunk()]
        for row in group:
            if not self._fits(parts[-1], 1, len(row.record) + 1):
                parts.append(_Chunk())
            parts[-1].add([row], len(row.record) + 1)
        return [(part.rows, part.size - FRAME) for part in parts]

    def _fits(self, chunk: _Chunk, rows: int, size: int) -> bool:
        return len(chunk.rows) + rows <= self._max_rows and chunk.size + size <= self._max_bytes


Cutter = InOrder | GroupCutter


def cutter_of(max_rows: int, max_bytes: int, group_by: str | None) -> Cutter:
    """Return what cuts records, grouped by a field where one is named."""
    return InOrder(max_rows, max_bytes) if group_by is None else GroupCutter(max_rows, max_bytes, group_by)


def _some(cut: CutChunk | None) -> Sequence[CutChunk]:
    return () if cut is None else (cut,)
