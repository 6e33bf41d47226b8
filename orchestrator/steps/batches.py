"""Batches: an upload whose chunks start at the vendor as soon as they are added.

add ──lost answer──▶ close the vendor job: what comes later is refused ──▶ look: is it there?
                                                                             │
      there: its id is noted    not there, and the time has run out in which it could still come: into a new vendor job
      the vendor no longer tells: ambiguous; the job's `onAmbiguous` decides
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from orchestrator.job.chunk import Chunk, ChunkState, RowError, Stream, VendorJobState
from orchestrator.job.commit import MoveChunk, Moved, MoveVendorJob, Outcome, Stopped, Wait
from orchestrator.job.criteria import Operation, UploadCriteria
from orchestrator.job.errors import Rejected, Throttled, Unauthorized, Unreachable
from orchestrator.job.record import Counts
from orchestrator.job.status import StopReason, WaitReason
from orchestrator.job.step import StepKind, Successor
from orchestrator.providers.batching import BatchSink
from orchestrator.results.chunks import unpack_rows
from orchestrator.results.fates import outcome_line
from orchestrator.results.pieces import rows_of
from orchestrator.steps.again import halved, planned
from orchestrator.steps.numbers import MOST_TRIED, ChunkNumber, next_try, tried
from orchestrator.steps.release import too_many_errors
from orchestrator.steps.sinks import remote_id_of
from orchestrator.steps.step import Turn

MOST_LOST = 8  # times that the same rows are moved on before a person must look; the waits add up to 4 min
SETTLED = frozenset({ChunkState.ACKED, ChunkState.AMBIGUOUS, ChunkState.REPLACED})
AMBIGUOUS = "ambiguous"
TOO_LARGE = "the row and its file are larger than one batch may be"
AT_MOST_ONCE = "at_most_once"
UNKNOWN = "the answer was lost and the vendor no longer tells whether these rows arrived; they were not sent again"


def add_batches(turn: Turn, sink: BatchSink) -> Outcome:
    """Add the chunks that have not been added yet, each once; nothing is added past the job's error threshold."""
    return too_many_errors(turn) or _Adder(turn, sink).run()


class _Adder:
    def __init__(self, turn: Turn, sink: BatchSink) -> None:
        self._turn = turn
        self._sink = sink
        self._seq = turn.vendor_job.seq
        self._remote_id = remote_id_of(turn)

    def run(self) -> Outcome:
        chunks = [chunk for chunk in self._turn.chunks() if chunk.state not in SETTLED]
        files = self._turn.files()
        for chunk in chunks:
            body = self._sink.body(self._turn.load(chunk.object_key), files)
            if body is None:
                return self._halve(chunk)
            if chunk.state is ChunkState.SENT:
                return self._look(chunk, body)
            if not self._add(chunk, body):
                return self._move_on()
            if self._turn.is_over and chunk is not chunks[-1]:
                return Wait.nothing()
        self._turn.save(MoveVendorJob(seq=self._seq, when=[VendorJobState.OPEN], to=VendorJobState.FILLED))
        return Moved(successors=[Successor(kind=StepKind.RELEASE, vendor_seq=self._seq)])

    def _halve(self, chunk: Chunk) -> Outcome:
        """Add two smaller batches in its place, for it is more than one may have; a row that is so alone is refused."""
        if chunk.rows == 1:
            self._book(chunk, "too_large", TOO_LARGE, Counts(refused=1), ChunkState.REPLACED)
            return Wait.nothing()
        rows = rows_of(self._turn.load(chunk.object_key), self._turn.load(chunk.rows_key))
        halves = halved(self._turn, ChunkNumber.of(chunk.seq), rows, self._seq)
        self._turn.save(*halves, MoveChunk(seq=chunk.seq, to=ChunkState.REPLACED))
        return Wait.nothing()

    def _add(self, chunk: Chunk, body: bytes) -> bool:
        """Return whether the vendor job has taken the batch; raises what the call raised, with nothing lost."""
        self._turn.save(MoveChunk(seq=chunk.seq, to=ChunkState.SENT))
        try:
            batch_id = self._sink.add(self._remote_id, body)
        except (Throttled, Rejected):
            self._turn.save(MoveChunk(seq=chunk.seq, to=ChunkState.NEW))  # a refusal has no effect
            raise
        except Unreachable as lost:
            if not lost.maybe_done:
                self._turn.save(MoveChunk(seq=chunk.seq, to=ChunkState.NEW))
            raise
        state = ChunkState.NEW if batch_id is None else ChunkState.ACKED
        self._turn.save(MoveChunk(seq=chunk.seq, to=state, remote_id=batch_id))
        return batch_id is not None

    def _look(self, chunk: Chunk, body: bytes) -> Outcome:
        """Find out whether a batch is there whose answer was lost; presence proves, absence only when time has run out.

        The vendor job is closed first, so that a request still on its way is refused.
        """
        try:
            lost_at = self._closed_at(chunk)
            found = self._sink.arrived(self._remote_id, body, self._known())
        except Unauthorized:
            raise
        except Rejected as error:
            return self._ambiguous(chunk, error)
        self._turn.tell(event="batch.looked", data={"chunk": chunk.seq, "found": found is not None})
        left = lost_at + self._sink.settles_in - self._turn.began_at
        if found is not None:
            self._turn.save(MoveChunk(seq=chunk.seq, to=ChunkState.ACKED, remote_id=found))
        elif left > timedelta(0):
            return Wait(pause=left, reason=WaitReason.VENDOR_JOB)
        return self._move_on()

    def _closed_at(self, chunk: Chunk) -> datetime:
        """Close the vendor job, once; return since when no request of ours was on its way any more, at the latest."""
        cursor = self._turn.step.cursor
        if cursor.get("lost") == chunk.seq:
            return datetime.fromisoformat(cursor["at"])
        self._sink.release(self._remote_id)
        self._turn.save(cursor={"lost": chunk.seq, "at": self._turn.began_at.isoformat()})
        return self._turn.began_at

    def _known(self) -> set[str]:
        return {chunk.remote_id for chunk in self._turn.chunks() if chunk.remote_id is not None}

    def _ambiguous(self, chunk: Chunk, error: Rejected) -> Outcome:
        criteria = self._turn.job.criteria
        assert isinstance(criteria, UploadCriteria)
        default = AT_MOST_ONCE if criteria.operation is Operation.INSERT else "at_least_once"
        policy = criteria.on_ambiguous or default
        data = {"chunk": chunk.seq, "rows": chunk.rows, "policy": policy, "cause": error.text}
        self._turn.tell(event="batch.ambiguous", data=data)
        if policy == AT_MOST_ONCE:
            self._book(chunk, AMBIGUOUS, UNKNOWN, Counts(unprocessed=chunk.rows), ChunkState.AMBIGUOUS)
        return self._move_on()

    def _book(self, chunk: Chunk, code: str, message: str, counts: Counts, state: ChunkState) -> None:
        """Book all rows of a chunk, which is not sent any more."""
        rows = [row for row, _ in unpack_rows(self._turn.load(chunk.rows_key))]
        self._turn.keep(
            b"".join(outcome_line(row, "error", b"null", message, b"null", code=code) for row in rows),
            rows=len(rows),
            counts=counts,
            cursor={},
            stream=Stream.OUTCOME,
            errors=[
                RowError(row=row, identifier=None, code=code, message=message, retryable=False, phase="upload")
                for row in rows
            ],
            with_next_save=True,
        )
        self._turn.save(MoveChunk(seq=chunk.seq, to=state), cursor={})

    def _move_on(self) -> Outcome:
        """Let the vendor job be with the batches it has taken, and plan another one for the rest, if any."""
        chunks = self._turn.chunks()
        left = [chunk for chunk in chunks if chunk.state not in SETTLED]
        count = tried(self._seq)
        if left and count >= min(MOST_TRIED, MOST_LOST * (1 + self._turn.job.restarts)):
            return Stopped(reason=StopReason.OUTAGE, message=f"the vendor lost the same rows {count + 1} times")
        has_batches = any(chunk.state is ChunkState.ACKED for chunk in chunks)
        return self._parted(left, timedelta(seconds=2**count), has_batches=has_batches)

    def _parted(self, left: Sequence[Chunk], pause: timedelta, *, has_batches: bool) -> Outcome:
        state = VendorJobState.FILLED if has_batches else VendorJobState.ABANDONED
        effects = [MoveVendorJob(seq=self._seq, when=[VendorJobState.OPEN], to=state)]
        successors = [Successor(kind=StepKind.RELEASE, vendor_seq=self._seq)] if has_batches else []
        if not left:
            self._turn.save(*effects, cursor={}, successors=successors)
            return Moved()
        seq = next_try(self._seq)
        job, create = planned(seq, left)
        create = Successor(kind=create.kind, vendor_seq=seq, due_in=pause)
        self._turn.tell(event="vendor_job.parted", data={"vendorJobId": self._remote_id, "rows": job.rows})
        self._turn.save(*effects, job, cursor={}, successors=[*successors, create])
        return Moved()
