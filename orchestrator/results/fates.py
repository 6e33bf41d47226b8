"""Lines of an upload's outcome: what became of each row of the user's file."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from orchestrator.job.chunk import Part
from orchestrator.results.lines import lines
from orchestrator.results.manifest import stream_records
from orchestrator.results.objects import ObjectStore

REFUSED = "vendor_refused_row"  # code of the error of a row that the vendor refused

_PREFIX = b'{"id": '

_encode = msgspec.json.Encoder().encode


def outcome_line(
    row: int, status: str, record: bytes, error: str | None, resource: bytes, *, notes: Mapping[str, Any] | None = None
) -> bytes:
    """Return one line of an outcome part; `record` and `resource` are JSON and are not parsed again.

    `notes` follow them where there is something to say: `code` and `retryable` of an error, `tie`.
    """
    return b'{"id": %d, "status": %b, "record": %b, "error": %b, "resource": %b%b}\n' % (
        row,
        _encode(status),
        _one_line(record),
        _encode(error),
        _one_line(resource),
        b"".join(b", %b: %b" % (_encode(name), _encode(value)) for name, value in notes.items()) if notes else b"",
    )


def line_row(line: bytes) -> int:
    """Return the source row number of an outcome line."""
    return int(line[len(_PREFIX) : line.index(b",")])


def tied_rows(objects: ObjectStore, parts: Sequence[Part]) -> Iterator[int]:
    """Yield the source row numbers that outcome parts hold. Raises Damaged."""
    return map(line_row, lines(stream_records(objects, parts)))


def _one_line(json: bytes) -> bytes:
    """In JSON a line break is white space: inside strings it is escaped."""
    return json.replace(b"\n", b" ") if b"\n" in json else json
