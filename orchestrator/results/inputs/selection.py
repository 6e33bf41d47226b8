"""Some rows of a user's file, by their numbers: an object of 16 bytes for each range of rows that follow each other.

The file itself is not copied, so that rows keep the numbers that the user knows them by.
"""

import heapq
import struct
from collections.abc import Iterable, Iterator, Sequence

from orchestrator.results.inputs.row import InputReader, InputRow
from orchestrator.results.objects import ObjectStore

Range = tuple[int, int]  # first and last row number, both inclusive

TO_THE_END = 2**63 - 1

_PAIR = struct.Struct("<QQ")


def ranges_of(*sorted_ranges: Iterable[Range]) -> Iterator[Range]:
    """Yield the rows of all the ranges, each once, in as few ranges as there can be; each input must be rising."""
    first = last = 0
    for low, high in heapq.merge(*sorted_ranges):
        if last and low <= last + 1:
            last = max(last, high)
            continue
        if last:
            yield first, last
        first, last = low, high
    if last:
        yield first, last


def without(wanted: Iterable[Range], taken: Iterable[Range]) -> Iterator[Range]:
    """Yield the wanted rows that are not taken; both are rising and do not overlap themselves."""
    rest = iter(taken)
    hole = next(rest, None)
    for first, last in wanted:
        low = first
        while hole is not None and hole[0] <= last:
            if hole[0] > low:
                yield low, hole[0] - 1
            low = max(low, hole[1] + 1)
            if hole[1] > last:
                break
            hole = next(rest, None)
        if low <= last:
            yield low, last


def write_selection(objects: ObjectStore, key: str, ranges: Iterable[Range]) -> bool:
    """Write the ranges as an object; False, and nothing is written, if there is none."""
    rest = iter(ranges)
    first = next(rest, None)
    if first is None:
        return False
    with objects.writer(key) as writer:
        writer.write(_PAIR.pack(*first))
        for each in rest:
            writer.write(_PAIR.pack(*each))
    return True


def read_selection(objects: ObjectStore, key: str) -> Iterator[Range]:
    """Yield the ranges of an object; memory stays flat."""
    carry = b""
    for block in objects.stream(key):
        whole = (carry + block)[: (len(carry) + len(block)) // _PAIR.size * _PAIR.size]
        carry = (carry + block)[len(whole) :]
        yield from _PAIR.iter_unpack(whole)


class SelectedRows:
    """A user's file of which only some rows are meant; they keep their numbers."""

    def __init__(self, inner: InputReader, objects: ObjectStore, key: str) -> None:
        self._inner = inner
        self._objects = objects
        self._key = key

    @property
    def columns(self) -> Sequence[str]:
        """The header of a CSV; empty where there is none."""
        return self._inner.columns

    @property
    def encoding(self) -> str:
        """How the file is read."""
        return self._inner.encoding

    def rows(self, offset: int = 0, row: int = 0) -> Iterator[InputRow]:
        """Yield the selected rows after row number `row`, which ended at `offset`; reads no further than the last."""
        wanted = read_selection(self._objects, self._key)
        first, last = next(wanted, (0, 0))
        for each in self._inner.rows(offset, row):
            while last and last < each.number:
                first, last = next(wanted, (0, 0))
            if not last:
                return
            if first <= each.number:
                yield each
