"""Memory stays flat, whatever the size of the file."""

import pytest

from orchestrator.job.chunk import Stream
from orchestrator.job.criteria import FileFormat
from orchestrator.results.chunks import ChunkCutter
from orchestrator.results.fates import outcome_line
from orchestrator.results.formats import render
from orchestrator.results.inputs import open_input
from orchestrator.results.objects import ObjectStore
from orchestrator.results.outcome import sort_outcome
from orchestrator.results.parts import PartBuffer

MEBIBYTE = 1 << 20
ROW = {
    "csv": b'%d,"line one\nline two",%s\n',
    "json": b'{"id":%d,"a":"x\\ny","b":"%s"},\n',
    "jsonl": b'{"id":%d,"b":"%s"}\n',
}
TEXT = b"x" * 4000
FRAME = {"csv": (b"id,a,b\n", b""), "json": (b"[", b'{"id":0}]'), "jsonl": (b"", b"")}


@pytest.fixture
def directory(tmp_path) -> ObjectStore:
    return ObjectStore.open(f"file://{tmp_path}")


@pytest.mark.parametrize("kind", ["csv", "json", "jsonl"])
def test_a_large_file_is_cut_in_the_memory_of_a_few_blocks(directory, at_most, kind):
    rows = 16_000
    first, last = FRAME[kind]
    with directory.writer("in") as writer:
        writer.write(first)
        for start in range(0, rows, 1000):
            writer.write(b"".join(ROW[kind] % (n, TEXT) for n in range(start, start + 1000)))
        writer.write(last)
    cutter = ChunkCutter(1000, 4 * MEBIBYTE)

    with at_most(30):
        cut = sum(
            chunk.rows
            for row in open_input(directory, "in", kind).rows()
            if row.values and (chunk := cutter.add(row.number, row.values))
        )

    left = cutter.flush()
    assert directory.size("in") > 58 * MEBIBYTE
    assert cut + (left.rows if left else 0) == rows + (kind == "json")


@pytest.mark.parametrize("file_format", FileFormat)
def test_a_large_result_is_rendered_in_the_memory_of_a_few_blocks(directory, at_most, file_format):
    buffer = PartBuffer()
    buffer.add(b'{"id":1,"text":"%s"}\n' % (b"x" * 1600) * 10_000, 10_000)
    part = buffer.cut(stream=Stream.RECORDS, job_id=1, step_id=1, seq=0, partition=0, epoch=1, restart=0).write(
        directory
    )

    with at_most(16):
        size = sum(len(block) for block in render(directory, [part] * 4, file_format))

    assert size > 60 * MEBIBYTE


def test_a_large_outcome_is_sorted_in_the_memory_of_a_few_parts(directory, at_most):
    parts = []
    for seq in range(16):
        buffer = PartBuffer()
        for row in range(seq + 1, 8_000, 16):
            buffer.add(outcome_line(row, "success", b'{"text":"%s"}' % (b"x" * 4000), None, b"{}"), 1)
        part = buffer.cut(stream=Stream.OUTCOME, job_id=1, step_id=1, seq=seq, partition=0, epoch=1, restart=0).write(
            directory
        )
        parts.append(part)

    with at_most(16):
        rows = sum(body.rows for body in sort_outcome(directory, parts, "jobs/1/r0/sort", ready_at=2 * MEBIBYTE))

    assert rows == 7_999
