"""Cuts an upload's records into chunks, and remembers which source row each record came from."""

import hashlib
import itertools
import struct
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import msgspec

from orchestrator.job.errors import Invalid
from orchestrator.results.canonical import canonical, canonical_hash

__all__ = [
    "ChunkCutter",
    "CutChunk",
    "SentChunk",
    "canonical",
    "canonical_hash",
    "chunk_key",
    "cut_again",
    "encoded",
    "input_key",
    "pack_rows",
    "rows_key",
    "selection_key",
    "unpack_rows",
]

ROW_BYTES = 16  # of a rows object: source row number, hash of the canonical record; both u64, little-endian; by hash

_encoder = msgspec.json.Encoder()
_records = msgspec.json.Decoder(list[msgspec.Raw])


def chunk_key(job_id: int, seq: int, epoch: int = 0) -> str:
    """Name the object of a chunk's records."""
    return f"jobs/{job_id}/chunks/c{seq}-e{epoch}.json"


def rows_key(job_id: int, seq: int, epoch: int = 0) -> str:
    """Name the object of a chunk's source row numbers."""
    return f"jobs/{job_id}/chunks/c{seq}-e{epoch}.rows"


def input_key(job: int | str) -> str:
    """Name the object of the user's own file; before there is a job, any unique word stands for it."""
    return f"inputs/{job}"


def selection_key(word: str) -> str:
    """Name the object with the rows of an input that are sent again."""
    return f"inputs/{word}.rows"


def pack_rows(rows: Sequence[tuple[int, int]]) -> bytes:
    """Write (row number, hash) pairs as a rows object, sorted by hash, those with one hash by row."""
    in_order = sorted(rows, key=lambda pair: (pair[1], pair[0]))
    return struct.pack(f"<{2 * len(rows)}Q", *itertools.chain.from_iterable(in_order))


def unpack_rows(body: bytes) -> list[tuple[int, int]]:
    """Read a rows object back, in the order of the rows."""
    return sorted(struct.iter_unpack("<QQ", body))


@dataclass(frozen=True, kw_only=True)
class CutChunk:
    """A chunk on its way to the object store: `body` is a JSON array, `rows_object` tells where its rows came from."""

    body: bytes
    rows_object: bytes
    rows: int
    bytes: int
    first_row: int
    last_row: int
    sha256: str  # hex, of `body`


class ChunkCutter:
    """Collects records until they fill one request."""

    def __init__(self, max_rows: int, max_bytes: int) -> None:
        self._max_rows = max_rows
        self._max_bytes = max_bytes
        self._start()

    def _start(self) -> None:
        self._records: list[bytes] = []
        self._rows: list[tuple[int, int]] = []
        self._bytes = 2  # the brackets

    def add(self, number: int, record: Mapping[str, Any]) -> CutChunk | None:
        """Take source row `number`; return the chunk that became full, if one did.

        By rows, the chunk ends with this record (`last_row == number`); by bytes, this record opens the next chunk.
        Raises Invalid, and takes nothing, if the record is no JSON or alone too large for a request.
        """
        body = encoded(record, self._max_bytes)
        full = self.flush() if self._bytes + len(body) + 1 > self._max_bytes else None
        self._records.append(body)
        self._rows.append((number, canonical_hash(body)))
        self._bytes += len(body) + 1
        return self.flush() if len(self._records) >= self._max_rows else full

    def flush(self) -> CutChunk | None:
        """Return what is left as a chunk, None if there is nothing."""
        if not self._records:
            return None
        cut = cut_of(self._records, self._rows)
        self._start()
        return cut


class SentChunk:
    """The records of a chunk, held in its own bytes, by the source rows they came from."""

    def __init__(self, body: bytes, rows_object: bytes) -> None:
        """Take the chunk's two objects."""
        self._rows = [row for row, _ in unpack_rows(rows_object)]
        self._records = _records.decode(body)

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """Yield (row, record) in the order they were sent."""
        return zip(self._rows, map(bytes, self._records), strict=True)

    def record_of(self, row: int) -> bytes | None:
        """Return the record of a source row; None where it is in another chunk."""
        place = bisect_left(self._rows, row)
        return bytes(self._records[place]) if place < len(self._rows) and self._rows[place] == row else None


def cut_again(body: bytes, rows_object: bytes, wanted: Set[int]) -> CutChunk | None:
    """Return the rows of a chunk that are wanted, as a chunk of its own; None where it has none of them."""
    pairs = unpack_rows(rows_object)
    chosen = [index for index, (row, _) in enumerate(pairs) if row in wanted]
    if not chosen:
        return None
    records = _records.decode(body)
    return cut_of([bytes(records[index]) for index in chosen], [pairs[index] for index in chosen])


def cut_of(records: Sequence[bytes], rows: Sequence[tuple[int, int]]) -> CutChunk:
    """Return records (JSON) as a chunk; `rows` are their source row numbers and hashes, in the same order."""
    *others, last = records
    body = b",".join((b"[" + others[0], *others[1:], last + b"]")) if others else b"[" + last + b"]"  # copied once
    return CutChunk(
        body=body,
        rows_object=pack_rows(rows),
        rows=len(rows),
        bytes=len(body),
        first_row=rows[0][0],
        last_row=rows[-1][0],
        sha256=hashlib.sha256(body).hexdigest(),
    )


def encoded(record: Mapping[str, Any], most: int) -> bytes:
    """Return a record as JSON. Raises Invalid where it cannot be written, or not be carried by one of `most` bytes."""
    try:
        body = _encoder.encode(record)
    except (UnicodeEncodeError, TypeError, ValueError) as error:
        problem = f"the record cannot be written as JSON ({type(error).__name__})"
        raise Invalid("file", problem, "mend its text", code="bad_record") from None
    if len(body) + 2 > most:
        raise _too_large(len(body), most)
    return body


def _too_large(size: int, most: int) -> Invalid:
    problem = f"the record has {size} bytes, more than the {most} that one request may carry"
    return Invalid("file", problem, "shorten it or upload it by other means", code="record_too_large")
