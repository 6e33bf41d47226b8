"""Pages on their way into a part."""

import zlib

from orchestrator.job.chunk import Stream
from orchestrator.results.parts import PartBuffer, part_key


def test_a_part_is_named_by_job_restart_step_seq_and_epoch():
    assert part_key(7, 1, 42, 3, 9) == "jobs/7/r1/s42-p3-e9.jsonl"
    assert part_key(7, 1, 42, 3, 9, ext="csv") == "jobs/7/r1/s42-p3-e9.csv"


def test_pages_become_one_body_with_counts_and_checksum():
    buffer = PartBuffer()
    buffer.add(b"{}\n{}\n", 2, "a", "b")
    buffer.add(bytearray(b"{}\n"), 1, "c", "d")
    buffer.add(memoryview(b""), 0)

    counted = (buffer.rows, buffer.bytes, buffer.crc32, buffer.first_key, buffer.last_key)
    body = buffer.take()

    assert body == b"{}\n{}\n{}\n"
    assert counted == (3, 9, zlib.crc32(body), "a", "d")


def test_a_taken_buffer_starts_empty():
    buffer = PartBuffer()
    buffer.add(b"{}\n", 1, "a", "a")

    buffer.take()

    assert (buffer.rows, buffer.bytes, buffer.crc32, buffer.first_key, buffer.take()) == (0, 0, 0, None, b"")


def test_a_buffer_is_ready_at_its_size():
    buffer = PartBuffer(ready_at=6)
    buffer.add(b"{}\n", 1)
    early = buffer.ready

    buffer.add(b"{}\n", 1)

    assert (early, buffer.ready) == (False, True)


def test_a_part_is_described_before_it_is_taken():
    buffer = PartBuffer()
    buffer.add(b"{}\n", 1, "a", "a")

    part = buffer.part(stream=Stream.RECORDS, job_id=7, step_id=42, seq=3, partition=0, epoch=9, restart=1)

    assert part.object_key == part_key(7, 1, 42, 3, 9)
    assert (part.rows, part.bytes, part.crc32) == (1, 3, zlib.crc32(b"{}\n"))
