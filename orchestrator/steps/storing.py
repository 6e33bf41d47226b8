"""Storing: a chunk's two objects are written, under names that hold the turn's epoch, and the chunk is described."""

from orchestrator.job.chunk import Chunk
from orchestrator.results.chunks import CutChunk, chunk_key, rows_key
from orchestrator.steps.step import Turn


def stored(turn: Turn, seq: int, cut: CutChunk, vendor_seq: int = 0) -> Chunk:
    """Write what was cut and return its chunk; `vendor_seq` 0: a vendor job is planned for it in the same commit."""
    job, epoch = turn.job.id, turn.epoch
    chunk = Chunk(
        seq=seq,
        object_key=chunk_key(job, seq, epoch),
        rows_key=rows_key(job, seq, epoch),
        rows=cut.rows,
        bytes=cut.bytes,
        first_row=cut.first_row,
        vendor_seq=vendor_seq,
    )
    turn.write(chunk.object_key, cut.body)
    turn.write(chunk.rows_key, cut.rows_object)
    return chunk
