"""Ties fates to rows in the memory of 17 bytes a row: each chunk's rows lie sorted by hash and are searched there.

sidecar of a chunk:  (row, hash) (row, hash) …  by hash, 16 bytes each     taken: one byte a row
"""

import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from orchestrator.results.chunks import pack_rows


class Tie(NamedTuple):
    """The source row of a fate; `is_shared`: other rows look the same, and this one was the next of them."""

    row: int
    is_shared: bool


class Sidecar:
    """Rows by their hashes. Immutable."""

    def __init__(self, packed: bytes) -> None:
        """Take what `pack_rows` wrote."""
        numbers = array("Q", packed)
        if sys.byteorder == "big":
            numbers.byteswap()
        self.rows = memoryview(numbers)[::2]
        self._hashes = memoryview(numbers)[1::2]

    def find(self, digest: int) -> range:
        """Return the positions of the rows with this hash, in the order they were sent."""
        hashes = self._hashes
        first = bisect_left(hashes, digest)
        if first == len(hashes) or hashes[first] != digest:
            return range(0)
        alone = first + 1 == len(hashes) or hashes[first + 1] != digest
        return range(first, first + 1 if alone else bisect_right(hashes, digest, first))


class Ties:
    """The rows of one vendor job, and which of them have their fate."""

    def __init__(self, sidecars: Iterable[bytes], tied: Iterable[int] = ()) -> None:
        """Take the sidecars of all chunks in the order they were sent, and the rows tied in earlier turns."""
        self._sent = [sidecar for packed in sidecars if len((sidecar := Sidecar(packed)).rows)]
        self._low = min((min(each.rows) for each in self._sent), default=0)
        high = max((max(each.rows) for each in self._sent), default=-1)
        self._taken = bytearray(high - self._low + 1)
        self._passed: dict[tuple[int, int], int] = {}  # by sidecar and hash: how many rows that look the same are gone
        for row in tied:
            if 0 <= row - self._low < len(self._taken):
                self._taken[row - self._low] = 1

    def tie(self, digest: int, among: Sequence[Sidecar] = ()) -> Tie | None:
        """Return the next row with this hash and take it; None where there is none, or none is left.

        `among` are hashes of the same rows by another measure than their whole records.
        """
        found = [(sidecar, positions) for sidecar in among or self._sent if (positions := sidecar.find(digest))]
        is_shared = len(found) > 1 or (len(found) == 1 and len(found[0][1]) > 1)
        for sidecar, positions in found:
            row = self._next(sidecar, digest, positions)
            if row is not None:
                return Tie(row, is_shared)
        return None

    def _next(self, sidecar: Sidecar, digest: int, positions: range) -> int | None:
        is_alone = len(positions) == 1
        passed = 0 if is_alone else self._passed.get((id(sidecar), digest), 0)
        for position in positions[passed:]:
            row = sidecar.rows[position]
            if not self._taken[row - self._low]:
                self._taken[row - self._low] = 1
                if not is_alone:  # else a million rows that look the same would be passed a million times
                    self._passed[id(sidecar), digest] = position - positions.start + 1
                return row
        return None

    def untied(self) -> list[int]:
        """Return the rows that got no fate, rising."""
        return sorted(row for each in self._sent for row in each.rows if not self._taken[row - self._low])


def by_measure(measured: Iterable[tuple[int, int]]) -> Sequence[Sidecar]:
    """Return (row, hash) pairs by another measure, to tie among."""
    return (Sidecar(pack_rows(list(measured))),)


def rows_in_order(sidecars: Iterable[Sidecar]) -> Iterator[int]:
    """Yield the rows of chunks in the order they were sent."""
    for each in sidecars:
        yield from sorted(each.rows)
