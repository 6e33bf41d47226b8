"""Ties the vendor's fates to the user's rows: the echoed record is the only link between them."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from orchestrator.job.chunk import Part
from orchestrator.results.canonical import canonical_hash
from orchestrator.results.lines import lines
from orchestrator.results.manifest import stream_records
from orchestrator.results.objects import ObjectStore

REFUSED = "vendor_refused_row"  # code of the error of a row that the vendor refused

_PREFIX = b'{"id": '
_CODED = b', "code": %b, "retryable": %b'


class Ties:
    """The rows of one vendor job that still wait for their fate; about 150 bytes a row."""

    def __init__(self, rows: Iterable[tuple[int, int]], tied: Iterable[int] = ()) -> None:
        """Take (row number, hash) of all chunks in the order they were sent, and the rows tied in earlier turns."""
        known = frozenset(tied)
        self._waiting: dict[int, int | deque[int]] = {}
        for row, digest in rows:
            if row not in known:
                self._await(row, digest)

    def _await(self, row: int, digest: int) -> None:
        match self._waiting.get(digest):
            case None:
                self._waiting[digest] = row
            case int(first):
                self._waiting[digest] = deque((first, row))
            case same:
                same.append(row)

    def tie(self, record_json: bytes) -> int | None:
        """Return the source row of an echoed record and take it out; None if none (or no other) was sent.

        Identical records are given out in the order they were sent.
        """
        try:
            digest = canonical_hash(record_json)
        except ValueError:
            return None
        match self._waiting.pop(digest, None):
            case deque() as same:
                return self._next(digest, same)
            case row:
                return row

    def _next(self, digest: int, same: deque[int]) -> int:
        row = same.popleft()
        if same:
            self._waiting[digest] = same
        return row

    def take(self, row: int, digest: int) -> bool:
        """Take out a row that is known by other means than its whole record; False where it has its fate already."""
        waiting = self._waiting.get(digest)
        if waiting == row:
            del self._waiting[digest]
        elif isinstance(waiting, deque) and row in waiting:
            waiting.remove(row)
        else:
            return False
        return True

    def untied(self) -> list[int]:
        """Return the rows that got no fate, rising."""
        rows: list[int] = []
        for waiting in self._waiting.values():
            rows.extend(waiting if isinstance(waiting, deque) else (waiting,))
        return sorted(rows)


def outcome_line(
    row: int,
    status: str,
    record: bytes,
    error: str | None,
    resource: bytes,
    *,
    code: str | None = None,
    retryable: bool = False,
) -> bytes:
    """Return one line of an outcome part; `record` and `resource` are JSON and are not parsed again.

    A row that did not go through has its `code` too, and whether the same row may pass when it is sent again.
    """
    return b'{"id": %d, "status": %b, "record": %b, "error": %b, "resource": %b%b}\n' % (
        row,
        msgspec.json.encode(status),
        _one_line(record),
        msgspec.json.encode(error),
        _one_line(resource),
        b"" if code is None else _CODED % (msgspec.json.encode(code), msgspec.json.encode(retryable)),
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
