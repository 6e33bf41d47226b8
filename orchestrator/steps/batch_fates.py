"""The fates of rows that were sent in batches: told batch by batch, and tied by their order.

A batch that failed as a whole for what is in it is halved, until the row that spoils it stands alone; where both halves
fail again and again, all rows are refused, for each batch costs calls. Rows that failed for a while only are sent again
in smaller batches, then one batch after the other, then their refusal is final.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from orchestrator.job.chunk import UNPROCESSED, Chunk, ChunkState, RowError, Stream
from orchestrator.job.commit import Effect, MoveChunk, Moved, Outcome, Wait
from orchestrator.job.errors import Misbehaved
from orchestrator.job.record import Counts
from orchestrator.providers.batching import BatchEnd, BatchSink, Ending, RowFate
from orchestrator.results.fates import REFUSED, outcome_line
from orchestrator.results.pieces import Row, rows_of
from orchestrator.steps.again import halved, in_pieces, planned
from orchestrator.steps.numbers import MOST_PIECES, SERIAL, ChunkNumber, Place
from orchestrator.steps.sinks import remote_id_of
from orchestrator.steps.step import Turn

SMALL = 200  # rows: one transaction of the vendor's
MOST_TOGETHER = 4  # levels on which both halves fail; then it is what they share, and no row of the 16 pieces alone


def book_batches(turn: Turn, sink: BatchSink) -> Outcome:
    """Book what became of the rows of a vendor job, batch by batch; a crash repeats at most one checkpoint."""
    remote_id = remote_id_of(turn)
    done = turn.step.cursor.get("after", 0)
    left = [chunk for chunk in turn.chunks() if chunk.state is ChunkState.ACKED and chunk.seq > done]
    ends = sink.ends(remote_id) if left else {}
    spoiled = _spoiled(turn.chunks(), ends)
    for chunk in left:
        end = _end_of(chunk, ends)
        fates = sink.fates(remote_id, str(chunk.remote_id)) if end.processed else ()
        _Booking(turn, chunk, spoiled).book(end, fates)
        if turn.is_over and chunk is not left[-1]:
            return Wait.nothing()
    return Moved()


def _spoiled(chunks: Sequence[Chunk], ends: Mapping[str, BatchEnd]) -> set[Place]:
    """Return which chunks failed as a whole, those that are booked already too."""
    failed = {batch for batch, end in ends.items() if end.ending is Ending.SPOILED}
    return {ChunkNumber.of(chunk.seq).place for chunk in chunks if chunk.remote_id in failed}


def _end_of(chunk: Chunk, ends: Mapping[str, BatchEnd]) -> BatchEnd:
    end = ends.get(str(chunk.remote_id))
    if end is None:
        raise Misbehaved("the vendor", f"batch {chunk.remote_id} is gone from its job")
    return end


@dataclass
class _Told:
    """What is booked of one chunk."""

    lines: list[bytes] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    accepted: int = 0
    refused: int = 0
    unprocessed: int = 0

    def good(self, row: Row, fate: RowFate) -> None:
        self.accepted += 1
        self.lines.append(outcome_line(row.number, "success", row.record, None, fate.resource))

    def bad(self, row: Row, code: str, message: str, *, retryable: bool) -> None:
        line = outcome_line(row.number, "error", row.record, message, b"null", code=code, retryable=retryable)
        self.lines.append(line)
        self.errors.append(
            RowError(row=row.number, identifier=None, code=code, message=message, retryable=retryable, phase="fetch")
        )

    def refuse(self, row: Row, message: str, *, retryable: bool) -> None:
        self.refused += 1
        self.bad(row, REFUSED, message, retryable=retryable)

    def skip(self, row: Row, message: str) -> None:
        self.unprocessed += 1
        self.bad(row, UNPROCESSED, message, retryable=True)


class _Booking:
    """Books one chunk: what has its fate, and what is to be sent again."""

    def __init__(self, turn: Turn, chunk: Chunk, spoiled: Set[Place]) -> None:
        self._turn = turn
        self._chunk = chunk
        number = ChunkNumber.of(chunk.seq)
        self._number = replace(number, together=number.together + (number.other_half in spoiled))
        self._is_last_round = self._number.round >= SERIAL
        self._told = _Told()
        self._passing: list[Row] = []  # to be sent again in smaller batches
        self._spoiled: Sequence[Row] = ()  # to be halved

    def book(self, end: BatchEnd, fates: Sequence[RowFate]) -> None:
        rows = rows_of(self._turn.load(self._chunk.object_key), self._turn.load(self._chunk.rows_key))
        self._check(end, len(fates), len(rows))
        for row, fate in zip(rows, fates, strict=False):
            self._take(row, fate)
        self._take_rest(rows[len(fates) :], end)
        self._keep()

    def _check(self, end: BatchEnd, told: int, sent: int) -> None:
        """Raise Misbehaved where there are not as many fates as rows that were handled (I12)."""
        wanted = sent if end.ending is Ending.DONE else end.processed
        if told != wanted or told > sent:
            raise Misbehaved("the vendor", f"{wanted} rows of a batch were handled, but {told} fates were told")

    def _take(self, row: Row, fate: RowFate) -> None:
        if fate.error is None:
            self._told.good(row, fate)
        elif fate.is_passing and not self._is_last_round:
            self._passing.append(row)
        else:
            self._told.refuse(row, fate.error, retryable=fate.is_passing)

    def _take_rest(self, rows: Sequence[Row], end: BatchEnd) -> None:
        """Sort the rows of a batch that failed as a whole."""
        match end.ending:
            case Ending.SPOILED if len(rows) > 1 and self._number.together < MOST_TOGETHER:
                self._spoiled = rows
            case Ending.CROWDED if not self._is_last_round:
                self._passing.extend(rows)
            case Ending.SPOILED | Ending.UNFIT | Ending.CROWDED:
                for row in rows:
                    is_shared = end.ending is Ending.CROWDED or len(rows) > 1
                    self._told.refuse(row, end.message, retryable=is_shared)
            case _:
                for row in rows:
                    self._told.skip(row, end.message)

    def _keep(self) -> None:
        told, cursor = self._told, {"after": self._chunk.seq}
        again = self._again()
        self._turn.keep(
            b"".join(told.lines),
            rows=len(told.lines),
            counts=Counts(accepted=told.accepted, refused=told.refused, unprocessed=told.unprocessed),
            cursor=cursor,
            stream=Stream.OUTCOME,
            errors=told.errors,
            with_next_save=bool(again),
        )
        if again:
            self._plan(again, cursor)

    def _again(self) -> list[Chunk]:
        chunks = halved(self._turn, self._number, self._spoiled) if self._spoiled else []
        if self._passing:
            most = len(self._passing) if self._number.round else SMALL
            size = max(most, -(-len(self._passing) // MOST_PIECES))
            chunks += in_pieces(self._turn, self._number, self._passing, size)
        return chunks

    def _plan(self, chunks: list[Chunk], cursor: Mapping[str, int]) -> None:
        seq = self._number.vendor_seq(retried=bool(self._passing))
        job, create = planned(seq, chunks)
        effects: list[Effect] = [*chunks, job]
        if not self._told.lines:
            effects.append(MoveChunk(seq=self._chunk.seq, to=ChunkState.REPLACED))
        data = {"chunk": self._chunk.seq, "halved": len(self._spoiled), "retried": len(self._passing)}
        self._turn.tell(event="batch.again", data=data)
        self._turn.save(*effects, cursor=cursor, successors=[create])
