"""Lines of an upload's outcome: what became of each row of the user's file."""

from collections.abc import Iterator, Sequence

import msgspec

from orchestrator.job.chunk import Part
from orchestrator.results.lines import lines
from orchestrator.results.manifest import stream_records
from orchestrator.results.objects import ObjectStore

REFUSED = "vendor_refused_row"  # code of the error of a row that the vendor refused

_PREFIX = b'{"id": '
_CODED = b', "code": %b, "retryable": %b'
_VENDORS = b', "vendorCode": %b'
_TIE = b', "tie": true'


def outcome_line(
    row: int,
    status: str,
    record: bytes,
    error: str | None,
    resource: bytes,
    *,
    code: str | None = None,
    retryable: bool = False,
    vendor_code: str | None = None,
    tie: bool = False,
) -> bytes:
    """Return one line of an outcome part; `record` and `resource` are JSON and are not parsed again.

    A row that did not go through has its `code` too, the vendor's where it has one, and whether the same row may pass
    when it is sent again. `tie`: rows that look the same were paired with their fates in order.
    """
    notes = b"" if code is None else _CODED % (msgspec.json.encode(code), msgspec.json.encode(retryable))
    if vendor_code is not None:
        notes += _VENDORS % msgspec.json.encode(vendor_code)
    return b'{"id": %d, "status": %b, "record": %b, "error": %b, "resource": %b%b%b}\n' % (
        row,
        msgspec.json.encode(status),
        _one_line(record),
        msgspec.json.encode(error),
        _one_line(resource),
        notes,
        _TIE if tie else b"",
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
