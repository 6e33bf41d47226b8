"""Upload: fill one vendor job with its chunks, in order, by this one writer."""

from collections.abc import Sequence

from orchestrator.job.chunk import Chunk, ChunkState, VendorJobState
from orchestrator.job.commit import MoveChunk, Moved, MoveVendorJob, Outcome, Wait
from orchestrator.job.errors import Gone, Rejected, Throttled, Unreachable
from orchestrator.job.step import Cursor, StepKind, Successor
from orchestrator.providers.look import Posted, Proof, Walking
from orchestrator.providers.provider import Sink
from orchestrator.results.chunks import unpack_rows
from orchestrator.steps.batches import add_batches
from orchestrator.steps.replacing import replace_vendor_job
from orchestrator.steps.sinks import batch_sink_of, remote_id_of, sink_of
from orchestrator.steps.step import Turn


def upload(turn: Turn) -> Outcome:
    """Send the chunks that are not acknowledged yet; after a lost answer look first, and never send again blindly (I9).

    What cannot be proven to have arrived leaves the vendor job abandoned, unreleased, and its chunks go into a new one;
    so does a vendor job that is gone, or closed to us: the vendor's clean-up, other credentials, or our own reaper.
    """
    match turn.vendor_job.state:
        case VendorJobState.OPEN:
            batches = batch_sink_of(turn)
            return _Filler(turn, sink_of(turn)).run() if batches is None else add_batches(turn, batches)
        case VendorJobState.ABANDONED:
            return replace_vendor_job(turn)
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
                return replace_vendor_job(self._turn, VendorJobState.OPEN)
            self._acked += chunk.rows
            if self._turn.is_over and chunk is not chunks[-1]:
                return Wait.nothing()
        self._turn.save(MoveVendorJob(seq=self._seq, when=[VendorJobState.OPEN], to=VendorJobState.FILLED))
        return Moved(successors=[Successor(kind=StepKind.RELEASE, vendor_seq=self._seq)])

    def _send(self, chunk: Chunk) -> bool:
        """Return whether the vendor job took the chunk; False: it takes nothing from us any more."""
        body = self._turn.load(chunk.object_key)
        self._turn.save(MoveChunk(seq=chunk.seq, to=ChunkState.SENT))
        try:
            self._sink.fill(self._remote_id, body)
        except Gone:
            return False
        except (Throttled, Rejected):
            self._turn.save(MoveChunk(seq=chunk.seq, to=ChunkState.NEW))  # a refusal has no effect
            raise
        except Unreachable as lost:
            if not lost.maybe_done:
                self._turn.save(MoveChunk(seq=chunk.seq, to=ChunkState.NEW))
            raise
        self._turn.save(MoveChunk(seq=chunk.seq, to=ChunkState.ACKED), cursor={})
        return True

    def _look(self, chunk: Chunk, chunks: Sequence[Chunk]) -> Outcome | None:
        """Return None once the chunk is proven to be there."""
        hashes = [digest for _, digest in unpack_rows(self._turn.load(chunk.rows_key))]
        posted = Posted(acked_rows=self._acked, rows=chunk.rows, hashes=hashes)
        walk = self._turn.step.cursor or None
        while isinstance(seen := self._seen(posted, walk), Walking):
            walk = seen.cursor
            self._turn.save(cursor=walk)
            if self._turn.is_over:
                return Wait.nothing()
        self._turn.tell(event="upload.looked", data={"chunk": chunk.seq, "found": seen})
        if seen is Proof.ARRIVED:
            self._turn.save(MoveChunk(seq=chunk.seq, to=ChunkState.ACKED), cursor={})
            return None
        return replace_vendor_job(self._turn, VendorJobState.OPEN)

    def _seen(self, posted: Posted, walk: Cursor | None) -> Proof | Walking:
        try:
            return self._sink.look(self._remote_id, posted, walk)
        except Gone:
            return Proof.UNPROVEN  # whatever arrived, nobody will ever release it
