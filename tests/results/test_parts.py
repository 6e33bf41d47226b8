"""Pages on their way into a part."""

import zlib

from orchestrator.job.chunk import Stream
from orchestrator.results.objects import ObjectStore
from orchestrator.results.parts import PartBuffer, Unwritten, part_key


def cut(buffer: PartBuffer) -> Unwritten:
    return buffer.cut(stream=Stream.RECORDS, job_id=7, step_id=42, seq=3, partition=0, epoch=9, restart=1)


def test_a_part_is_named_by_job_restart_step_seq_and_epoch():
    assert part_key(7, 1, 42, 3, 9) == "jobs/7/r1/s42-p3-e9.jsonl"
    assert part_key(7, 1, 42, 3, 9, ext="csv") == "jobs/7/r1/s42-p3-e9.csv"


def test_pages_become_one_object_with_counts_and_checksum():
    objects, buffer = ObjectStore.open("memory://"), PartBuffer()
    buffer.add(b"{}\n{}\n", 2, "a", "b")
    buffer.add(bytearray(b"{}\n"), 1, "c", "d")
    buffer.add(memoryview(b""), 0)

    part = cut(buffer).write(objects)

    body = objects.get(part_key(7, 1, 42, 3, 9))
    assert body == b"{}\n{}\n{}\n"
    assert (part.rows, part.bytes, part.crc32) == (3, 9, zlib.crc32(body))
    assert (part.first_key, part.last_key) == ("a", "d")


def test_a_buffer_that_was_cut_starts_empty():
    buffer = PartBuffer()
    buffer.add(b"{}\n", 1, "a", "a")

    cut(buffer)

    again = cut(buffer)
    assert (again.part.rows, again.part.bytes, again.part.first_key, list(again.bodies)) == (0, 0, None, [])


def test_pages_that_come_while_a_part_is_written_are_not_in_it():
    objects, buffer = ObjectStore.open("memory://"), PartBuffer()
    buffer.add(b"{}\n", 1)
    unwritten = cut(buffer)

    buffer.add(b"[]\n", 1)
    part = unwritten.write(objects)

    assert objects.get(part.object_key) == b"{}\n"


def test_a_buffer_is_ready_at_its_size():
    buffer = PartBuffer(ready_at=6)
    buffer.add(b"{}\n", 1)
    early = buffer.ready

    buffer.add(b"{}\n", 1)

    assert (early, buffer.ready) == (False, True)
