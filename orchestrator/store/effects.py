"""What a turn did, or is about to do, at the vendor: vendor jobs and chunks, each move guarded by the state before."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, exists, insert, or_, select, update

from orchestrator.job.chunk import Chunk, ChunkState, VendorJobState
from orchestrator.job.commit import (
    Effect,
    MoveChunk,
    MoveVendorJob,
    NewVendorJob,
    StartOver,
    TakeBack,
    VendorProgress,
)  # fmt: skip
from orchestrator.job.errors import Fenced
from orchestrator.job.marker import new_marker
from orchestrator.job.step import Lease
from orchestrator.store.engine import Database
from orchestrator.store.start_over import start_over
from orchestrator.store.tables import chunks, vendor_jobs
from orchestrator.store.taking_back import take_back

LEFT_OVER = 2**62  # above every number that split or a replacement gives out
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
            case TakeBack():
                take_back(connection, lease.job_id, effect)
            case StartOver():
                start_over(connection, lease)
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
        values |= {"remote_id": effect.remote_id, "adopted": effect.adopted}
    if effect.to is VendorJobState.INTENT:
        values["intent_at"] = database.now
    mine = (vendor_jobs.c.job_id == lease.job_id, vendor_jobs.c.seq == effect.seq)
    rescued = effect.remote_id and connection.execute(select(vendor_jobs.c.remote_id).where(*mine)).scalar_one_or_none()
    hit = connection.execute(update(vendor_jobs).where(*mine, vendor_jobs.c.state.in_(effect.when)).values(**values))
    if hit.rowcount != 1:
        raise Fenced(lease.step_id, lease.epoch)
    if rescued:  # the id that a fenced turn came back with meanwhile
        note_left_over(connection, database, lease.job_id, rescued)


def note_left_over(connection: Connection, database: Database, job_id: int, remote_id: str) -> None:
    """Note a vendor job that was made beside the one in use: never filled, and for the reaper to stop.

    Not where it is the one in use: an answer that came late may be of the job that was found by its marker.
    """
    known = select(vendor_jobs.c.seq, vendor_jobs.c.remote_id).where(vendor_jobs.c.job_id == job_id)
    by_seq = {row.seq: row.remote_id for row in connection.execute(known)}
    if remote_id in by_seq.values():
        return
    values = {"job_id": job_id, "seq": max(LEFT_OVER, max(by_seq, default=0) + 1), "marker": new_marker()}
    values |= {"remote_id": remote_id, "state": VendorJobState.ABANDONED, "created_at": database.now}
    connection.execute(insert(vendor_jobs).values(**values))


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
