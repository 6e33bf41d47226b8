"""A query's result that the vendor no longer has: the query is asked anew, behind the last key where that can be."""

from datetime import timedelta

from orchestrator.job.chunk import VendorJobState
from orchestrator.job.commit import Moved, MoveVendorJob, Outcome, StartOver, Stopped
from orchestrator.job.errors import Gone
from orchestrator.job.status import StopReason
from orchestrator.job.step import PARTITION_GAP, Cursor, StepKind, Successor
from orchestrator.providers.provider import Phase, RemoteStatus
from orchestrator.steps.sinks import query_of, remote_id_of
from orchestrator.steps.step import Turn

MOST_LOST = 3  # queries for the same job before a person must look; each may be of hours


def result_lost(turn: Turn, gone: Gone, cursor: Cursor | None = None, read: int = 0) -> Outcome:
    """Plan another query, or stop where the vendor says that this one did not end well.

    `cursor` is behind the `read` records that the job has by now. A result in the order of its keys goes on behind the
    last one; of any other all is taken back, in the commit that plans the next query (see steps/create.py).
    """
    query = query_of(turn)
    try:
        seen = query.status(remote_id_of(turn))
    except Gone:
        seen = None
    if seen is not None and seen.phase in (Phase.FAILED, Phase.ABORTED):
        return ended_badly(turn, seen)
    start = query.behind(cursor or {})
    tried = turn.vendor_job.seq // PARTITION_GAP
    data = {"vendorJobId": turn.vendor_job.remote_id, "message": gone.text, "from": "start" if start is None else "key"}
    turn.tell(event="vendor_job.lost", data=data)
    lost, again = _planned(turn, {"anew": True} if start is None else {"start": start, "before": read}, 2**tried)
    if tried >= MOST_LOST * (1 + turn.job.restarts):
        message = f"the vendor lost the result of the query {tried + 1} times: {gone.text}"
        return _stopped(StopReason.VENDOR_FAILED, message, lost, again)
    turn.save(lost, successors=[again])
    return Moved()


def list_lost(turn: Turn, gone: Gone) -> Outcome:
    """Read a list from its start again, in another step; what was stored of it is taken back in the same commit."""
    partition = turn.step.partition + PARTITION_GAP
    tried = turn.step.partition // PARTITION_GAP
    turn.tell(event="list.lost", data={"message": gone.text})
    again = Successor(kind=StepKind.FETCH, partition=partition, due_in=timedelta(seconds=2**tried))
    turn.save(StartOver(), cursor={"end": True}, successors=[again])
    if tried >= MOST_LOST * (1 + turn.job.restarts):
        return Stopped(reason=StopReason.VENDOR_FAILED, message=f"the list was lost {tried + 1} times: {gone.text}")
    return Moved()


def ended_badly(turn: Turn, seen: RemoteStatus) -> Stopped:
    """Stop the job; another query is planned, for when it is restarted."""
    planned = _planned(turn, {"anew": True}, 0)
    if seen.phase is Phase.FAILED:
        return _stopped(StopReason.VENDOR_FAILED, seen.message or "the vendor's job failed", *planned)
    return _stopped(StopReason.VENDOR_ABORTED, seen.message or "the vendor's job was aborted", *planned)


def _planned(turn: Turn, cursor: Cursor, seconds: int) -> tuple[MoveVendorJob, Successor]:
    lost = turn.vendor_job.seq
    return (
        MoveVendorJob(seq=lost, when=[VendorJobState.RELEASED, VendorJobState.DONE], to=VendorJobState.LOST),
        Successor(
            kind=StepKind.CREATE,
            vendor_seq=lost + PARTITION_GAP,
            cursor=cursor,
            due_in=timedelta(seconds=seconds),
        ),
    )


def _stopped(reason: StopReason, message: str, lost: MoveVendorJob, again: Successor) -> Stopped:
    """In one commit: no worker may begin the next query before the job stops."""
    return Stopped(reason=reason, message=message, is_done=True, effects=[lost], successors=[again])
