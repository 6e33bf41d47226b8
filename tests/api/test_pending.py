"""Which rows have no fate yet, whatever order fates and chunks come in."""

import zlib

import msgspec

from orchestrator.api.pending import pending_page
from orchestrator.job.chunk import Chunk, Part, Stream
from orchestrator.results.chunks import ChunkCutter
from orchestrator.results.fates import outcome_line
from orchestrator.results.objects import ObjectStore


def chunk(objects: ObjectStore, seq: int, rows: range) -> Chunk:
    cutter = ChunkCutter(10_000, 1 << 20)
    for row in rows:
        cutter.add(row, {"n": row})
    cut = cutter.flush()
    assert cut is not None
    objects.put_new(f"c{seq}", cut.body)
    objects.put_new(f"r{seq}", cut.rows_object)
    return Chunk(
        seq=seq,
        object_key=f"c{seq}",
        rows_key=f"r{seq}",
        rows=cut.rows,
        bytes=cut.bytes,
        first_row=cut.first_row,
        vendor_seq=1,
    )


def outcome(objects: ObjectStore, *rows: int) -> Part:
    body = b"".join(outcome_line(row, "success", b"{}", None, b"null") for row in rows)
    objects.put_new("outcome", body)
    return Part(
        stream=Stream.OUTCOME,
        step_id=1,
        seq=0,
        partition=0,
        epoch=1,
        restart=0,
        object_key="outcome",
        rows=len(rows),
        bytes=len(body),
        crc32=zlib.crc32(body),
    )


def pending(objects: ObjectStore, chunks: list[Chunk], parts: list[Part], after: int = 0, size: int = 100) -> list[int]:
    return [msgspec.json.decode(line)["id"] for line in pending_page(objects, chunks, parts, after, size)]


def test_rows_with_a_fate_are_left_out() -> None:
    objects = ObjectStore.open("memory://")
    chunks = [chunk(objects, 2, range(6, 11)), chunk(objects, 1, range(1, 6))]
    parts = [outcome(objects, 7, 2, 10, 1)]

    rows = pending(objects, chunks, parts)

    assert rows == [3, 4, 5, 6, 8, 9]
    assert pending(objects, chunks, parts, after=4, size=2) == [5, 6]
    assert pending(objects, chunks, parts, after=9) == []


def test_a_chunk_that_is_sent_again_names_its_rows_once() -> None:
    objects = ObjectStore.open("memory://")
    chunks = [chunk(objects, 1, range(1, 4)), chunk(objects, 2, range(1, 4)), chunk(objects, 3, range(4, 6))]

    rows = pending(objects, chunks, [])

    assert rows == [1, 2, 3, 4, 5]


def test_without_chunks_nothing_is_pending() -> None:
    assert pending(ObjectStore.open("memory://"), [], []) == []


def test_rows_of_chunks_that_are_not_the_file_in_its_order_come_by_rising_number() -> None:
    objects = ObjectStore.open("memory://")
    chunks = [
        chunk(objects, 1, range(1, 20, 3)),
        chunk(objects, 2, range(2, 20, 3)),
        chunk(objects, 3, range(3, 20, 3)),
    ]
    parts = [outcome(objects, 7, 2)]

    pages = [pending_page(objects, chunks, parts, after, 5, mixed=True) for after in (0, 6, 18)]

    assert [[msgspec.json.decode(line)["id"] for line in page] for page in pages] == [
        [1, 3, 4, 5, 6],
        [8, 9, 10, 11, 12],
        [19],
    ]
    assert msgspec.json.decode(pages[0][1])["record"] == {"n": 3}
