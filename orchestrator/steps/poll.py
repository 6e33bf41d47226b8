"""Poll: ask the vendor how far its job has come, as seldom as still serves the user."""

from datetime import timedelta

from orchestrator.job.chunk import VendorJobState
from orchestrator.job.commit import Moved, MoveVendorJob, Outcome, Stopped, VendorProgress, Wait
from orchestrator.job.status import StopReason, WaitReason
from orchestrator.job.step import StepKind, Successor
from orchestrator.providers.provider import Phase, RemoteStatus
from orchestrator.steps.sinks import remote_id_of, sink_of
from orchestrator.steps.step import Turn

SOONEST = timedelta(seconds=1)
LATEST = timedelta(minutes=5)


def poll(turn: Turn) -> Outcome:
    """Ask how far the vendor job has come; costs one call."""
    seq = turn.vendor_job.seq
    seen = sink_of(turn).status(remote_id_of(turn))
    progress = VendorProgress(seq=seq, processed=seen.processed, errors=seen.errors, total=seen.total)
    fetch = Moved(successors=[Successor(kind=StepKind.FETCH, vendor_seq=seq, partition=seq)])
    match seen.phase:
        case Phase.DONE:
            turn.tell(event="vendor_job.done", data={"processed": seen.processed, "errors": seen.errors})
            done = MoveVendorJob(seq=seq, when=[VendorJobState.RELEASED, VendorJobState.DONE], to=VendorJobState.DONE)
            turn.save(progress, done)
            return fetch
        case Phase.FAILED:
            return Stopped(reason=StopReason.VENDOR_FAILED, message=seen.message or "the vendor's job failed")
        case Phase.ABORTED:
            return Stopped(reason=StopReason.VENDOR_ABORTED, message=seen.message or "the vendor's job was aborted")
        case Phase.UNKNOWN:
            turn.tell(event="vendor_job.unknown_state", data={"state": seen.word})
        case Phase.OPEN:  # the answer to the release was not the vendor's own; releasing twice is harmless
            turn.tell(event="vendor_job.still_open", data={"vendorJobId": remote_id_of(turn)})
            sink_of(turn).release(remote_id_of(turn))
    stands = seen.processed == turn.step.cursor.get("processed", 0)
    if stands and turn.began_at - turn.job.progress_at > turn.job.criteria.give_up_after:
        return Stopped(reason=StopReason.VENDOR_STUCK, message=f"the vendor's job stands at {seen.processed} rows")
    elapsed = turn.began_at - turn.step.created_at
    turn.save(progress, cursor={"processed": seen.processed, "after": elapsed.total_seconds()})
    return Wait(pause=next_look(elapsed, seen, turn.step.cursor.get("processed")), reason=WaitReason.VENDOR_JOB)


def next_look(elapsed: timedelta, seen: RemoteStatus, before: int | None = None) -> timedelta:
    """Return when to look again: clamp(elapsed / 4), or half of the estimated rest where progress is known.

    38 looks for a vendor job of an hour; progress never makes the looks more frequent than once a second.
    """
    wait = elapsed / 4
    if seen.total and seen.processed and before is not None and seen.processed > before:
        rest = elapsed * (seen.total - seen.processed) / seen.processed
        wait = rest / 2
    return min(max(wait, SOONEST), LATEST)
