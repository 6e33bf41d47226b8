"""Pieces of chunks: the same records, the same ties to the source rows, in smaller bodies."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.results.chunks import CutChunk, SentChunk, pack_rows, unpack_rows


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a chunk."""

    number: int  # in the source
    digest: int  # hash of the canonical record
    record: bytes  # JSON


def rows_of(body: bytes, rows_object: bytes) -> list[Row]:
    """Return the rows of a chunk, in order."""
    ties = unpack_rows(rows_object)
    sent = SentChunk(body, rows_object)
    return [Row(*tie, record) for tie, (_, record) in zip(ties, sent, strict=True)]


def piece(rows: Sequence[Row]) -> CutChunk:
    """Return rows as a chunk of their own."""
    body = b"[" + b",".join(row.record for row in rows) + b"]"
    return CutChunk(
        body=body,
        rows_object=pack_rows([(row.number, row.digest) for row in rows]),
        rows=len(rows),
        bytes=len(body),
        first_row=rows[0].number,
        last_row=rows[-1].number,
        sha256=hashlib.sha256(body).hexdigest(),
    )
