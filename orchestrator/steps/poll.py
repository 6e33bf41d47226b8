"""Poll: ask the vendor how far its job has come, as seldom as still serves the user."""

from datetime import timedelta

from orchestrator.job.chunk import VendorJobState
from orchestrator.job.commit import Moved, MoveVendorJob, Outcome, Stopped, VendorProgress, Wait
from orchestrator.job.status import Direction, StopReason, WaitReason
from orchestrator.job.step import PARTITION_GAP, StepKind, Successor
from orchestrator.providers.provider import Phase, RemoteStatus
from orchestrator.steps.sinks import remote_id_of, sink_of
from orchestrator.steps.step import Turn

SOONEST = timedelta(seconds=1)
LATEST = timedelta(minutes=5)


def poll(turn: Turn) -> Outcome:
    """Ask how far the vendor job has come; costs one call, or shares one."""
    seq = turn.vendor_job.seq
    if turn.vendor_job.state is VendorJobState.LOST:
        return Moved()  # failed, and planned anew; a person has restarted the job since
    seen = turn.status()
    progress = VendorProgress(seq=seq, processed=seen.processed, errors=seen.errors, total=seen.total)
    fetch = Moved(successors=[Successor(kind=StepKind.FETCH, vendor_seq=seq, partition=seq)])
    match seen.phase:
        case Phase.FAILED | Phase.ABORTED if not seen.fates_told:
            return _ended_badly(turn, seen)
        case Phase.DONE | Phase.FAILED | Phase.ABORTED:
            _tell_end(turn, seen)
            done = MoveVendorJob(seq=seq, when=[VendorJobState.RELEASED, VendorJobState.DONE], to=VendorJobState.DONE)
            turn.save(progress, done)
            return fetch
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


def _tell_end(turn: Turn, seen: RemoteStatus) -> None:
    if seen.phase is Phase.DONE:
        turn.tell(event="vendor_job.done", data={"processed": seen.processed, "errors": seen.errors})
    else:
        data = {"state": seen.word, "message": seen.message, "processed": seen.processed}
        turn.tell(event="vendor_job.ended_early", data=data)
    if turn.job.direction is Direction.DOWNLOAD:
        turn.tell(vendor_counted=seen.processed)


def _ended_badly(turn: Turn, seen: RemoteStatus) -> Stopped:
    """Stop the job. A query left nothing behind: another one is planned, for when the job is restarted."""
    if turn.job.direction is Direction.DOWNLOAD:
        lost, again = turn.step.vendor_seq, turn.step.vendor_seq + PARTITION_GAP
        turn.save(
            MoveVendorJob(seq=lost, when=[VendorJobState.RELEASED], to=VendorJobState.LOST),
            successors=[Successor(kind=StepKind.CREATE, vendor_seq=again)],
        )
    if seen.phase is Phase.FAILED:
        return Stopped(reason=StopReason.VENDOR_FAILED, message=seen.message or "the vendor's job failed")
    return Stopped(reason=StopReason.VENDOR_ABORTED, message=seen.message or "the vendor's job was aborted")


def next_look(elapsed: timedelta, seen: RemoteStatus, before: int | None = None) -> timedelta:
    """Return when to look again: clamp(elapsed / 4), or half of the estimated rest where progress is known.

    38 looks for a vendor job of an hour; progress never makes the looks more frequent than once a second.
    """
    wait = elapsed / 4
    if seen.total and seen.processed and before is not None and seen.processed > before:
        rest = elapsed * (seen.total - seen.processed) / seen.processed
        wait = rest / 2
    return min(max(wait, SOONEST), LATEST)
