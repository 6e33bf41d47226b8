"""Chunks of an upload's input, vendor jobs that take them, parts of a result, and the fate of each row."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

UNPROCESSED = "unprocessed"  # code of the error of a row that the vendor never handled


class ChunkState(StrEnum):
    """How far a chunk has come."""

    NEW = "new"
    SENT = "sent"  # its request is on the way, or its answer was lost
    ACKED = "acked"
    AMBIGUOUS = "ambiguous"
    REPLACED = "replaced"


class VendorJobState(StrEnum):
    """How far a vendor job has come; INTENT and RELEASING are committed before their calls."""

    PLANNED = "planned"
    INTENT = "intent"
    OPEN = "open"
    FILLED = "filled"
    RELEASING = "releasing"
    RELEASED = "released"
    DONE = "done"
    ABANDONED = "abandoned"  # never to be released
    LOST = "lost"


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """An immutable piece of an upload's input: `rows` records, as they go into one request body."""

    seq: int
    object_key: str  # the body's records
    rows_key: str  # 16 bytes a row: source row number, hash of the canonical record
    rows: int
    bytes: int
    first_row: int  # source row number, from 1
    vendor_seq: int
    state: ChunkState = ChunkState.NEW
    remote_id: str | None = None  # of the vendor's batch, where a chunk is one


@dataclass(frozen=True, kw_only=True)
class VendorJob:
    """A job that we created, or are about to create, at the provider."""

    seq: int
    marker: str
    remote_id: str | None
    state: VendorJobState
    intent_at: datetime | None
    rows: int
    processed: int = 0  # rows that the vendor says it has handled


class Stream(StrEnum):
    """What a part holds."""

    RECORDS = "records"
    OUTCOME = "outcome"


@dataclass(frozen=True, kw_only=True)
class Part:
    """An immutable piece of a result, listed in the manifest."""

    stream: Stream
    step_id: int
    seq: int
    partition: int
    epoch: int
    restart: int
    object_key: str
    rows: int
    bytes: int
    crc32: int
    first_row: int | None = None
    first_key: str | None = None
    last_key: str | None = None


@dataclass(frozen=True, kw_only=True)
class RowError:
    """Why one row, or the job itself (`row` is None), did not go through."""

    row: int | None
    identifier: str | None
    code: str
    message: str
    retryable: bool
    phase: str
