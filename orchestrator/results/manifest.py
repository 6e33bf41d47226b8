"""The manifest read as one file: parts in order, checked as they pass.

Row numbers count from 1 over all parts in order: partition, then position.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from orchestrator.job.chunk import Part
from orchestrator.results.errors import Damaged
from orchestrator.results.lines import lines, whole_lines
from orchestrator.results.objects import ObjectStore
from orchestrator.results.parts import READY_AT
from orchestrator.results.tables import as_jsonl, divided, is_table, records

PAGE_BLOCK = 256 << 10  # bytes; a page of 200 records of 439 bytes needs a third of it


class PartBody(NamedTuple):
    """The body of a part to be written anew; `first_row` is the row number of its first line."""

    body: bytes
    rows: int
    first_row: int
    ext: str = "jsonl"

    @property
    def crc32(self) -> int:
        """The checksum that the manifest keeps."""
        return zlib.crc32(self.body)


def ordered(parts: Iterable[Part]) -> list[Part]:
    """Return the parts in the order of the result: partition, then position."""
    return sorted(parts, key=lambda part: (part.partition, part.step_id, part.seq))


def settled(parts: Iterable[Part], done: Mapping[int, bool]) -> list[Part]:
    """Return, in order, the parts that will never have anything put before them.

    `done` tells of every partition whether it is finished, also of those without a part yet. The settled front is
    all finished partitions from the first on, and the next one up to its last commit.
    """
    front: set[int] = set()
    for partition in sorted(done):
        front.add(partition)
        if not done[partition]:
            break
    return [part for part in ordered(parts) if part.partition in front]


def count(parts: Iterable[Part]) -> int:
    """Return how many rows the parts hold together."""
    return sum(part.rows for part in parts)


def total_bytes(parts: Iterable[Part]) -> int | None:
    """Return how long `stream_records` will be; None where that cannot be known before."""
    sizes = [None if is_table(part) else part.bytes for part in parts]
    return None if None in sizes else sum(size or 0 for size in sizes)


def stream_records(objects: ObjectStore, parts: Iterable[Part]) -> Iterator[bytes]:
    """Yield the parts' records in order (JSONL), in blocks; raises Damaged where a part is not as listed."""
    for part in parts:
        if is_table(part):
            yield from as_jsonl(read_part(objects, part), part.object_key)
        else:
            yield from _checked(objects, part)


def stream_table(objects: ObjectStore, parts: Sequence[Part]) -> Iterator[bytes]:
    """Yield parts that are all CSV as one file with one header. Raises Damaged where a part has another one."""
    first: bytes | None = None
    for part in parts:
        header, rows = divided(read_part(objects, part))
        if first is None:
            first = header
            yield header
        elif header != first:
            raise Damaged(part.object_key, "its columns are not those of the parts before it")
        yield bytes(rows)


def stream_range(objects: ObjectStore, parts: Iterable[Part], start: int, length: int) -> Iterator[bytes]:
    """Yield `length` bytes of what `stream_records` yields, from `start`; reads no part outside, checks none."""
    for part in parts:
        if length <= 0:
            return
        if start < part.bytes:
            taken = min(length, part.bytes - start)
            yield from _exactly(objects.stream(part.object_key, start), taken)
            length -= taken
        start = max(0, start - part.bytes)


def page(objects: ObjectStore, parts: Iterable[Part], after_row: int, size: int) -> list[bytes]:
    """Return up to `size` records (JSON, no line ends) with row numbers from `after_row + 1` on.

    Earlier parts are not read, and reading stops at the last record asked for.
    """
    records: list[bytes] = []
    skip = after_row
    for part in parts:
        if len(records) >= size:
            break
        if skip < part.rows:
            records.extend(islice(_from_row(objects, part, skip), size - len(records)))
        skip = max(0, skip - part.rows)
    return records


def merged(objects: ObjectStore, parts: Sequence[Part], ready_at: int = READY_AT) -> Iterator[PartBody]:
    """Yield the same records in fewer, larger bodies; holds about `ready_at` bytes and one part. Raises Damaged.

    Parts of CSV give bodies of CSV, each with the header.
    """
    bodies: list[bytes] = []
    first_row, rows, size, form = 1, 0, 0, ("jsonl", b"")
    for part in parts:
        ext, header, body = _form(part, read_part(objects, part))
        if rows and (size >= ready_at or form != (ext, header)):
            yield PartBody(b"".join(bodies), rows, first_row, form[0])
            bodies, first_row, rows, size = [], first_row + rows, 0, 0
        if not bodies:
            form = (ext, header)
            bodies.append(header)
        bodies.append(body)
        rows, size = rows + part.rows, size + part.bytes
    if rows:
        yield PartBody(b"".join(bodies), rows, first_row, form[0])


def _form(part: Part, body: bytes) -> tuple[str, bytes, bytes]:
    if not is_table(part):
        return "jsonl", b"", body
    header, rows = divided(body)
    return "csv", header, bytes(rows)


def read_part(objects: ObjectStore, part: Part) -> bytes:
    """Return a part's whole body. Raises Damaged."""
    return b"".join(_checked(objects, part))


def _checked(objects: ObjectStore, part: Part) -> Iterator[bytes]:
    size = crc32 = 0
    for block in objects.stream(part.object_key):
        size += len(block)
        crc32 = zlib.crc32(block, crc32)
        yield block
    if size != part.bytes:
        raise Damaged(part.object_key, f"{size} bytes instead of {part.bytes}")
    if crc32 != part.crc32:
        raise Damaged(part.object_key, "its checksum differs")


def _exactly(blocks: Iterator[bytes], length: int) -> Iterator[bytes]:
    for block in blocks:
        yield block[:length]
        length -= len(block)
        if length <= 0:
            return


def _from_row(objects: ObjectStore, part: Part, skip: int) -> Iterator[bytes]:
    """Yield a part's lines after the first `skip`, counting instead of splitting what is left out."""
    if is_table(part):
        yield from islice(records(read_part(objects, part), part.object_key), skip, None)
        return
    blocks = whole_lines(objects.stream(part.object_key, block=PAGE_BLOCK))
    for block in blocks:
        held = block.count(b"\n")
        if held > skip:
            yield from islice(lines([block]), skip, None)
            break
        skip -= held
    yield from lines(blocks)
