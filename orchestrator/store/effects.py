"""What a turn did, or is about to do, at the vendor: vendor jobs and chunks, each move guarded by the state before."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, exists, insert, or_, update

from orchestrator.job.chunk import Chunk, ChunkState, VendorJobState
from orchestrator.job.commit import Effect, MoveChunk, MoveVendorJob, NewVendorJob, VendorProgress
from orchestrator.job.errors import Fenced
from orchestrator.job.step import Lease
from orchestrator.store.engine import Database
from orchestrator.store.tables import chunks, vendor_jobs

AHEAD = frozenset({VendorJobState.OPEN, VendorJobState.FILLED, VendorJobState.RELEASED, VendorJobState.DONE})


def apply_effects(connection: Connection, database: Database, lease: Lease, effects: Sequence[Effect]) -> bool:
    """Carry out the effects in order; return whether the job got on by them. Raises Fenced.

    An intent is no progress, nor is its taking back: else a vendor that is down would never be given up.
    """
    got_on = False
    for effect in effects:
        match effect:
            case NewVendorJob():
                _plan(connection, database, lease, effect)
            case MoveVendorJob():
                _move(connection, database, lease, effect)
                got_on |= effect.to in AHEAD
            case VendorProgress():
                got_on |= _progress(connection, lease, effect)
            case Chunk():
                _insert_chunk(connection, lease, effect)
                got_on = True
            case MoveChunk():
                _move_chunk(connection, lease, effect)
                got_on |= effect.to is ChunkState.ACKED
    return got_on


def _plan(connection: Connection, database: Database, lease: Lease, effect: NewVendorJob) -> None:
    connection.execute(
        insert(vendor_jobs).values(
            job_id=lease.job_id,
            seq=effect.seq,
            marker=effect.marker,
            state=VendorJobState.PLANNED,
            rows=effect.rows,
            created_at=database.now,
        )
    )
    if effect.chunks:
        connection.execute(
            update(chunks)
            .where(chunks.c.job_id == lease.job_id, chunks.c.seq.in_(effect.chunks))
            .values(vendor_seq=effect.seq, state=ChunkState.NEW)
        )


def _move(connection: Connection, database: Database, lease: Lease, effect: MoveVendorJob) -> None:
    values: dict[str, Any] = {"state": effect.to}
    if effect.remote_id is not None:
        values["remote_id"] = effect.remote_id
    if effect.to is VendorJobState.INTENT:
        values["intent_at"] = database.now
    hit = connection.execute(
        update(vendor_jobs)
        .where(
            vendor_jobs.c.job_id == lease.job_id,
            vendor_jobs.c.seq == effect.seq,
            vendor_jobs.c.state.in_(effect.when),
        )
        .values(**values)
    )
    if hit.rowcount != 1:
        raise Fenced(lease.step_id, lease.epoch)


def _progress(connection: Connection, lease: Lease, effect: VendorProgress) -> bool:
    grown = connection.execute(
        update(vendor_jobs)
        .where(
            vendor_jobs.c.job_id == lease.job_id,
            vendor_jobs.c.seq == effect.seq,
            or_(vendor_jobs.c.processed < effect.processed, vendor_jobs.c.errors < effect.errors),
        )
        .values(processed=effect.processed, errors=effect.errors, total=effect.total)
    )
    return grown.rowcount == 1


def _insert_chunk(connection: Connection, lease: Lease, chunk: Chunk) -> None:
    values = {name: getattr(chunk, name) for name in chunk.__dataclass_fields__}
    connection.execute(insert(chunks).values(job_id=lease.job_id, **values))


def _move_chunk(connection: Connection, lease: Lease, effect: MoveChunk) -> None:
    guard = [chunks.c.job_id == lease.job_id, chunks.c.seq == effect.seq]
    if effect.to is not ChunkState.REPLACED:
        guard.append(
            exists().where(
                vendor_jobs.c.job_id == chunks.c.job_id,
                vendor_jobs.c.seq == chunks.c.vendor_seq,
                vendor_jobs.c.state == VendorJobState.OPEN,
            )
        )
    values: dict[str, Any] = {"state": effect.to}
    if effect.remote_id is not None:
        values["remote_id"] = effect.remote_id
    if connection.execute(update(chunks).where(*guard).values(**values)).rowcount != 1:
        raise Fenced(lease.step_id, lease.epoch)
