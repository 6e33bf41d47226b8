"""Reading chunks; they are born and moved by the commits of turns."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select

from orchestrator.job.chunk import Chunk, ChunkState
from orchestrator.store.engine import Database
from orchestrator.store.reading import many
from orchestrator.store.records import Row
from orchestrator.store.tables import chunks


class Chunks:
    """The chunks of all uploads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_job(self, job_id: int) -> Sequence[Chunk]:
        """Return the job's chunks in the order of the input."""
        return self._all(select(chunks).where(chunks.c.job_id == job_id))

    def of_vendor_job(self, job_id: int, vendor_seq: int) -> Sequence[Chunk]:
        """Return the chunks that a vendor job takes, in the order they are sent."""
        return self._all(select(chunks).where(chunks.c.job_id == job_id, chunks.c.vendor_seq == vendor_seq))

    def _all(self, query: Select[Any]) -> Sequence[Chunk]:
        return [_chunk_of(row) for row in many(self._database, query.order_by(chunks.c.seq))]


def _chunk_of(row: Row) -> Chunk:
    plain = {name: row[name] for name in Chunk.__dataclass_fields__ if name != "state"}
    return Chunk(**plain, state=ChunkState(row["state"]))
