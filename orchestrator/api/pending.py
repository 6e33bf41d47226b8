"""The rows of an upload that have no known fate yet: those of its chunks that no outcome part names."""

from collections.abc import Iterator, Sequence
from heapq import nsmallest
from itertools import islice

import msgspec

from orchestrator.job.chunk import Chunk, Part
from orchestrator.results.chunks import SentChunk, unpack_rows
from orchestrator.results.fates import outcome_line, tied_rows
from orchestrator.results.objects import ObjectStore

PENDING = "pending"

_records = msgspec.json.Decoder(list[msgspec.Raw])


def pending_page(
    objects: ObjectStore,
    chunks: Sequence[Chunk],
    parts: Sequence[Part],
    after: int,
    size: int,
    *,
    mixed: bool = False,
) -> list[bytes]:
    """Return up to `size` outcome lines of pending rows above `after`, rising; holds one chunk and a byte a row.

    `mixed`: the chunks are not the file in its order.
    """
    known = _known(objects, chunks, parts)
    if mixed:
        chosen = nsmallest(size, _numbers(objects, chunks, known, after))
        return [line for _, line in sorted(_lines(objects, chunks, chosen))]
    return list(islice(_pending(objects, sorted(chunks, key=lambda chunk: chunk.first_row), known, after), size))


def _known(objects: ObjectStore, chunks: Sequence[Chunk], parts: Sequence[Part]) -> bytearray:
    known = bytearray(max((chunk.first_row for chunk in chunks), default=0) + 1)
    for row in tied_rows(objects, parts):
        if row >= len(known):
            known.extend(bytes(row - len(known) + 1))
        known[row] = 1
    return known


def _pending(objects: ObjectStore, chunks: Sequence[Chunk], known: bytearray, after: int) -> Iterator[bytes]:
    for index, chunk in enumerate(chunks):
        if index + 1 < len(chunks) and chunks[index + 1].first_row <= after + 1:
            continue  # it ends before the rows asked for
        numbers = [row for row, _ in unpack_rows(objects.get(chunk.rows_key))]
        for row, record in zip(numbers, _records.decode(objects.get(chunk.object_key)), strict=True):
            if row > after and not (row < len(known) and known[row]):
                after = row  # a chunk that was sent again names its rows twice
                yield outcome_line(row, PENDING, bytes(record), None, b"null").rstrip(b"\n")


def _numbers(objects: ObjectStore, chunks: Sequence[Chunk], known: bytearray, after: int) -> Iterator[tuple[int, int]]:
    """Yield (row, number of its chunk), each row once."""
    for index, chunk in enumerate(chunks):
        for row, _ in unpack_rows(objects.get(chunk.rows_key)):
            if row >= len(known):
                known.extend(bytes(row - len(known) + 1))
            if row > after and not known[row]:
                known[row] = 1
                yield row, index


def _lines(
    objects: ObjectStore, chunks: Sequence[Chunk], chosen: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, bytes]]:
    for index in dict.fromkeys(index for _, index in chosen):
        sent = SentChunk(objects.get(chunks[index].object_key), objects.get(chunks[index].rows_key))
        for row in (row for row, at in chosen if at == index):
            yield row, outcome_line(row, PENDING, sent.record_of(row) or b"null", None, b"null").rstrip(b"\n")
