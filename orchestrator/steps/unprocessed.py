"""Unprocessed: a vendor job has ended before it handled all of its rows, and the rest waits to be sent again."""

from collections.abc import Sequence

from orchestrator.job.chunk import UNPROCESSED, Chunk, RowError, Stream
from orchestrator.job.commit import Moved, NewVendorJob, Outcome, Stopped
from orchestrator.job.errors import Misbehaved
from orchestrator.job.marker import new_marker
from orchestrator.job.record import Counts
from orchestrator.job.status import StopReason
from orchestrator.job.step import PARTITION_GAP, StepKind, Successor
from orchestrator.providers.provider import Sink
from orchestrator.results.chunks import cut_again
from orchestrator.results.fates import outcome_line
from orchestrator.steps.sinks import remote_id_of
from orchestrator.steps.step import Turn
from orchestrator.steps.storing import stored

EARLY = "early"  # of a cursor: why the vendor job ended before its rows did
NO_FATE = "the vendor told no fate"


def book_unprocessed(turn: Turn, rows: Sequence[int]) -> None:
    """Book rows that the vendor never mentioned: sent, but neither accepted nor refused; all in the next commit."""
    lines = [outcome_line(row, "error", b"null", NO_FATE, b"null", code=UNPROCESSED, retryable=True) for row in rows]
    errors = [
        RowError(row=row, identifier=None, code=UNPROCESSED, message=NO_FATE, retryable=True, phase="fetch")
        for row in rows
    ]
    turn.keep(
        b"".join(lines),
        rows=len(lines),
        counts=Counts(unprocessed=len(lines)),
        cursor={**turn.step.cursor, "end": True},
        stream=Stream.OUTCOME,
        errors=errors,
        with_next_save=True,
    )


def stop_before_the_rest(turn: Turn, sink: Sink, rows: Sequence[int]) -> Outcome:
    """Stop the job, with the rows that were left behind planned anew: a restart sends just those, and all else goes on.

    Raises Misbehaved where the vendor does not confirm that it left so many behind: one of them may have been handled.
    """
    early = turn.step.cursor[EARLY]
    if not rows:
        turn.save(cursor={"end": True, EARLY: early})
        return Moved()
    _check_confirmed(turn, sink, len(rows))
    turn.save(cursor={"end": True, EARLY: early})  # what was handled keeps a part of its own
    book_unprocessed(turn, rows)
    chunks = _cut_again(turn, rows)
    seq = turn.step.vendor_seq + PARTITION_GAP  # as of a vendor job that replaces an abandoned one
    planned = NewVendorJob(seq=seq, marker=new_marker(), rows=len(rows), chunks=[chunk.seq for chunk in chunks])
    again = {"vendor_seq": turn.step.vendor_seq, "rows": len(rows), "first_row": rows[0], "last_row": rows[-1]}
    return Stopped(
        reason=StopReason(early["reason"]),
        message=f"{early['message']}; {len(rows)} rows were not processed, a restart sends them",
        is_done=True,
        effects=[*chunks, planned],
        successors=[Successor(kind=StepKind.CREATE, vendor_seq=seq, cursor={"again": again})],
    )


def _check_confirmed(turn: Turn, sink: Sink, left: int) -> None:
    vendor_job = turn.vendor_job
    listed = sink.unprocessed(remote_id_of(turn))
    untouched = left == vendor_job.rows and vendor_job.processed == 0  # it could not even be read
    if listed != left and not (listed == 0 and untouched):
        raise Misbehaved("the vendor", f"{left} rows have no fate, but {listed} are said to be unprocessed")


def _cut_again(turn: Turn, rows: Sequence[int]) -> Sequence[Chunk]:
    wanted = frozenset(rows)
    chunks = []
    for old in turn.chunks():
        cut = cut_again(turn.load(old.object_key), turn.load(old.rows_key), wanted)
        if cut is not None:
            chunks.append(stored(turn, old.seq + PARTITION_GAP, cut))
    return chunks
