"""Again: rows that have no fate yet become chunks of a new vendor job, in one commit with what became of the others."""

from collections.abc import Sequence

from orchestrator.job.chunk import Chunk
from orchestrator.job.commit import NewVendorJob
from orchestrator.job.marker import new_marker
from orchestrator.job.step import StepKind, Successor
from orchestrator.results.pieces import Row, piece
from orchestrator.steps.numbers import ChunkNumber
from orchestrator.steps.step import Turn
from orchestrator.steps.storing import stored


def halved(turn: Turn, number: ChunkNumber, rows: Sequence[Row], vendor_seq: int = 0) -> list[Chunk]:
    """Write two halves of a chunk's rows; `vendor_seq` 0: a vendor job is planned for them in the same commit."""
    middle = len(rows) // 2
    pairs = zip(number.halves(), (rows[:middle], rows[middle:]), strict=True)
    return [stored(turn, half.seq, piece(some), vendor_seq) for half, some in pairs]


def in_pieces(turn: Turn, number: ChunkNumber, rows: Sequence[Row], size: int) -> list[Chunk]:
    """Write rows as smaller chunks of the next round."""
    starts = range(0, len(rows), size)
    return [stored(turn, number.again(at).seq, piece(rows[s : s + size])) for at, s in enumerate(starts, 1)]


def planned(seq: int, chunks: Sequence[Chunk]) -> tuple[NewVendorJob, Successor]:
    """Return the vendor job that takes the chunks, and its first step."""
    rows, seqs = sum(chunk.rows for chunk in chunks), [chunk.seq for chunk in chunks]
    job = NewVendorJob(seq=seq, marker=new_marker(), rows=rows, chunks=seqs)
    return job, Successor(kind=StepKind.CREATE, vendor_seq=seq)
