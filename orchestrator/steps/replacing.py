"""Replacing: an unreleased vendor job that cannot be used any more is abandoned, and a new one takes its rows (I9)."""

from datetime import timedelta

from orchestrator.job.chunk import VendorJobState
from orchestrator.job.commit import Moved, MoveVendorJob, NewVendorJob, Outcome, Stopped
from orchestrator.job.marker import new_marker
from orchestrator.job.status import StopReason
from orchestrator.job.step import PARTITION_GAP, StepKind, Successor
from orchestrator.steps.step import Turn

MOST_LOST = 8  # vendor jobs abandoned for the same rows before a person must look; the waits add up to 4 min


def replace_vendor_job(turn: Turn, *when: VendorJobState) -> Outcome:
    """Abandon the vendor job, which is in one of these states, for good; its chunks go into a new one.

    Where its chunks have gone already there is nothing left to do: a turn that died has replaced it.
    """
    old, chunks = turn.vendor_job, turn.chunks()
    if not chunks:
        return Moved()
    tried = old.seq // PARTITION_GAP
    if tried >= MOST_LOST * (1 + turn.job.restarts):
        return Stopped(reason=StopReason.OUTAGE, message=f"the vendor lost the same rows {tried + 1} times")
    # A multiple of the gap above the old number: unlike the numbers that split gives out, and the same if repeated.
    seq = old.seq + PARTITION_GAP
    turn.tell(event="vendor_job.abandoned", data={"vendorJobId": old.remote_id})
    turn.save(
        MoveVendorJob(seq=old.seq, when=[*when, VendorJobState.ABANDONED], to=VendorJobState.ABANDONED),
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
