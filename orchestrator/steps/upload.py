"""Upload: fill one vendor job with its chunks, in order, by this one writer."""

from collections.abc import Sequence
from datetime import timedelta

from orchestrator.job.chunk import Chunk, ChunkState, VendorJobState
from orchestrator.job.commit import MoveChunk, Moved, MoveVendorJob, NewVendorJob, Outcome, Stopped, Wait
from orchestrator.job.errors import Rejected, Throttled, Unauthorized, Unreachable
from orchestrator.job.marker import new_marker
from orchestrator.job.status import StopReason
from orchestrator.job.step import PARTITION_GAP, StepKind, Successor
from orchestrator.providers.provider import Phase, Posted, Proof, Sink, Walking
from orchestrator.results.chunks import unpack_rows
from orchestrator.steps.sinks import remote_id_of, sink_of
from orchestrator.steps.step import Turn

MOST_LOST = 8  # vendor jobs abandoned for the same rows before a person must look; the waits add up to 4 min


def upload(turn: Turn) -> Outcome:
    """Send the chunks that are not acknowledged yet; after a lost answer look first, and never send again blindly (I9).

    What cannot be proven to have arrived leaves the vendor job abandoned, unreleased, and its chunks go into a new one.
    """
    match turn.vendor_job.state:
        case VendorJobState.OPEN:
            return _Filler(turn, sink_of(turn)).run()
        case VendorJobState.ABANDONED:
            return Moved()  # replaced by a turn that died before it said so
        case _:
            return Moved(successors=[Successor(kind=StepKind.RELEASE, vendor_seq=turn.vendor_job.seq)])


class _Filler:
    def __init__(self, turn: Turn, sink: Sink) -> None:
        self._turn = turn
        self._sink = sink
        self._seq = turn.vendor_job.seq
        self._remote_id = remote_id_of(turn)
        self._acked = 0

    def run(self) -> Outcome:
        chunks = self._turn.chunks()
        for chunk in chunks:
            if chunk.state is ChunkState.SENT:
                unproven = self._look(chunk, chunks)
                if unproven is not None:
                    return unproven
            elif chunk.state is not ChunkState.ACKED and not self._send(chunk):
                return self._replace(chunks)
            self._acked += chunk.rows
            if self._turn.is_over and chunk is not chunks[-1]:
                return Wait.nothing()
        self._turn.save(MoveVendorJob(seq=self._seq, when=[VendorJobState.OPEN], to=VendorJobState.FILLED))
        return Moved(successors=[Successor(kind=StepKind.RELEASE, vendor_seq=self._seq)])

    def _send(self, chunk: Chunk) -> bool:
        """Return False where the vendor has closed the job meanwhile, as it does with one that was open for long."""
        body = self._turn.load(chunk.object_key)
        self._turn.save(MoveChunk(seq=chunk.seq, to=ChunkState.SENT))
        try:
            self._sink.fill(self._remote_id, body)
        except (Throttled, Rejected) as refused:
            self._turn.save(MoveChunk(seq=chunk.seq, to=ChunkState.NEW))  # a refusal has no effect
            if isinstance(refused, (Throttled, Unauthorized)) or not self._is_closed():
                raise
            return False
        except Unreachable as lost:
            if not lost.maybe_done:
                self._turn.save(MoveChunk(seq=chunk.seq, to=ChunkState.NEW))
            raise
        self._turn.save(MoveChunk(seq=chunk.seq, to=ChunkState.ACKED), cursor={})
        return True

    def _is_closed(self) -> bool:
        return self._sink.status(self._remote_id).phase in (Phase.ABORTED, Phase.FAILED)

    def _look(self, chunk: Chunk, chunks: Sequence[Chunk]) -> Outcome | None:
        """Return None once the chunk is proven to be there."""
        hashes = [digest for _, digest in unpack_rows(self._turn.load(chunk.rows_key))]
        posted = Posted(acked_rows=self._acked, rows=chunk.rows, hashes=hashes)
        walk = self._turn.step.cursor or None
        while isinstance(seen := self._sink.look(self._remote_id, posted, walk), Walking):
            walk = seen.cursor
            self._turn.save(cursor=walk)
            if self._turn.is_over:
                return Wait.nothing()
        self._turn.tell(event="upload.looked", data={"chunk": chunk.seq, "found": seen})
        if seen is Proof.ARRIVED:
            self._turn.save(MoveChunk(seq=chunk.seq, to=ChunkState.ACKED), cursor={})
            return None
        return self._replace(chunks)

    def _replace(self, chunks: Sequence[Chunk]) -> Outcome:
        tried = self._seq // PARTITION_GAP
        if tried >= MOST_LOST * (1 + self._turn.job.restarts):
            return Stopped(reason=StopReason.OUTAGE, message=f"the vendor lost the same rows {tried + 1} times")
        # A multiple of the gap above the old number: unlike the numbers that split gives out, and the same if repeated.
        seq = self._seq + PARTITION_GAP
        self._turn.tell(event="vendor_job.abandoned", data={"vendorJobId": self._remote_id})
        self._turn.save(
            MoveVendorJob(seq=self._seq, when=[VendorJobState.OPEN], to=VendorJobState.ABANDONED),
            NewVendorJob(
                seq=seq,
                marker=new_marker(),
                rows=sum(chunk.rows for chunk in chunks),
                chunks=[chunk.seq for chunk in chunks],
            ),
            cursor={},
            successors=[Successor(kind=StepKind.CREATE, vendor_seq=seq, due_in=timedelta(seconds=2**tried))],
        )
        return Moved()
