"""Pieces of chunks: the same records, the same ties to the source rows, in smaller bodies."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.results.chunks import CutChunk, SentChunk, cut_of, unpack_rows


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
    return cut_of([row.record for row in rows], [(row.number, row.digest) for row in rows])
