"""Poll: ask the vendor how far its job has come, as seldom as still serves the user."""

from dataclasses import replace
from datetime import timedelta

from orchestrator.job.chunk import VendorJobState
from orchestrator.job.commit import Moved, MoveVendorJob, Outcome, Stopped, VendorProgress, Wait
from orchestrator.job.errors import Gone
from orchestrator.job.status import Direction, StopReason, WaitReason
from orchestrator.job.step import Cursor, StepKind, Successor
from orchestrator.providers.provider import Phase, RemoteStatus
from orchestrator.steps.links import LinkWalk
from orchestrator.steps.lost import ended_badly, result_lost
from orchestrator.steps.sinks import remote_id_of, upload_of
from orchestrator.steps.step import Turn
from orchestrator.steps.unprocessed import EARLY

SOONEST = timedelta(seconds=1)
LATEST = timedelta(minutes=5)


def poll(turn: Turn) -> Outcome:
    """Ask how far the vendor job has come; costs one call, or shares one, and one for links to rows that came since."""
    if turn.vendor_job.state is VendorJobState.LOST:
        return Moved()  # another one is planned
    if turn.job.direction is Direction.UPLOAD:
        return _poll(turn)
    try:
        return _poll(turn)
    except Gone as gone:
        cursor = turn.step.cursor
        return result_lost(turn, gone, cursor.get("start"), cursor.get("before", 0))


def _poll(turn: Turn) -> Outcome:
    seq = turn.vendor_job.seq
    seen = _confirmed(turn, turn.status())
    progress = VendorProgress(seq=seq, processed=seen.processed, errors=seen.errors, total=seen.total)
    match seen.phase:
        case Phase.FAILED | Phase.ABORTED if not seen.fates_told:
            return _ended_badly(turn, seen)
        case Phase.DONE | Phase.FAILED | Phase.ABORTED:
            return _ended(turn, seen, progress)
        case Phase.UNKNOWN:
            turn.tell(event="vendor_job.unknown_state", data={"state": seen.word})
        case Phase.OPEN:  # the answer to the release was not the vendor's own; releasing twice is harmless
            turn.tell(event="vendor_job.still_open", data={"vendorJobId": remote_id_of(turn)})
            upload_of(turn).release(remote_id_of(turn))
    stands = seen.processed == turn.step.cursor.get("processed", 0)
    if stands and turn.began_at - turn.job.progress_at > turn.job.criteria.give_up_after:
        return Stopped(reason=StopReason.VENDOR_STUCK, message=f"the vendor's job stands at {seen.processed} rows")
    cursor = _walked(turn, progress)
    elapsed = turn.began_at - turn.step.created_at
    told = {"processed": seen.processed, "after": elapsed.total_seconds(), "told": seen.confirm}
    turn.save(progress, cursor={**cursor, **told})
    return Wait(pause=next_look(elapsed, seen, turn.step.cursor.get("processed")), reason=WaitReason.VENDOR_JOB)


def _walked(turn: Turn, progress: VendorProgress) -> Cursor:
    if turn.job.direction is Direction.UPLOAD:
        return {}
    walk = LinkWalk(turn)
    walk.goes_on(progress, is_done=False)
    return walk.cursor


def _ended(turn: Turn, seen: RemoteStatus, progress: VendorProgress) -> Outcome:
    """Let the result be read; a query's poll is done only once all of its pieces are being fetched."""
    seq, pieces = turn.vendor_job.seq, False
    if turn.job.direction is Direction.DOWNLOAD:
        walk = LinkWalk(turn)
        walk.goes_on(progress, is_done=True)
        pieces = walk.follows_links
        if pieces and not walk.is_done:
            return Wait.nothing() if walk.has_more else Wait(pause=SOONEST, reason=WaitReason.VENDOR_JOB)
    _tell_end(turn, seen)
    done = MoveVendorJob(seq=seq, when=[VendorJobState.RELEASED, VendorJobState.DONE], to=VendorJobState.DONE)
    turn.save(progress, done)
    return Moved() if pieces else _fetch_after(turn, seq, seen)


def _fetch_after(turn: Turn, seq: int, seen: RemoteStatus) -> Moved:
    """Go on with the results; an upload's `fetch` stops the job where the vendor left rows behind."""
    cursor = turn.step.cursor.get("start", {})
    if seen.phase is not Phase.DONE:
        reason = StopReason.VENDOR_FAILED if seen.phase is Phase.FAILED else StopReason.VENDOR_ABORTED
        cursor = {EARLY: {"reason": reason, "message": seen.message or f"the vendor's job is {seen.word}"}}
    return Moved(successors=[Successor(kind=StepKind.FETCH, vendor_seq=seq, partition=seq, cursor=cursor)])


def _confirmed(turn: Turn, seen: RemoteStatus) -> RemoteStatus:
    if seen.phase is Phase.DONE and seen.confirm != turn.step.cursor.get("told"):
        return replace(seen, phase=Phase.RUNNING)
    return seen


def _tell_end(turn: Turn, seen: RemoteStatus) -> None:
    if seen.phase is Phase.DONE:
        turn.tell(event="vendor_job.done", data={"processed": seen.processed, "errors": seen.errors})
    else:
        data = {"state": seen.word, "message": seen.message, "processed": seen.processed}
        turn.tell(event="vendor_job.ended_early", data=data)
    if turn.job.direction is Direction.DOWNLOAD:
        turn.tell(vendor_counted=turn.step.cursor.get("before", 0) + seen.processed)


def _ended_badly(turn: Turn, seen: RemoteStatus) -> Stopped:
    if turn.job.direction is Direction.DOWNLOAD:
        return ended_badly(turn, seen)
    reason = StopReason.VENDOR_FAILED if seen.phase is Phase.FAILED else StopReason.VENDOR_ABORTED
    return Stopped(reason=reason, message=seen.message or f"the vendor's job ended as {seen.word}")


def next_look(elapsed: timedelta, seen: RemoteStatus, before: int | None = None) -> timedelta:
    """Return when to look again: clamp(elapsed / 4), or half of the estimated rest where progress is known.

    38 looks for a vendor job of an hour; progress never makes the looks more frequent than once a second.
    """
    wait = elapsed / 4
    if seen.total and seen.processed and before is not None and seen.processed > before:
        rest = elapsed * (seen.total - seen.processed) / seen.processed
        wait = rest / 2
    return min(max(wait, SOONEST), LATEST)
