"""Abort: a canceled job's vendor job is stopped where the vendor can."""

from datetime import timedelta

from orchestrator.job.chunk import VendorJobState
from orchestrator.job.commit import Moved, Outcome
from orchestrator.job.errors import Misbehaved, Rejected, Unreachable
from orchestrator.job.status import StopReason
from orchestrator.steps.sinks import remote_id_of, vendor_jobs_of
from orchestrator.steps.step import Turn

PATIENCE = timedelta(hours=1)


def abort(turn: Turn) -> Outcome:
    """Stop the vendor job, or report that it runs on and how far it has come."""
    vendor_jobs, remote_id = vendor_jobs_of(turn), remote_id_of(turn)
    released = turn.vendor_job.state in (VendorJobState.RELEASING, VendorJobState.RELEASED)
    try:
        if vendor_jobs.abort(remote_id, released):
            turn.tell(event="vendor_job.aborted", data={"vendorJobId": remote_id})
            return Moved()
        seen = vendor_jobs.status(remote_id)
    except Unreachable:
        if turn.began_at - turn.step.created_at < PATIENCE:
            raise
        return _runs_on(turn, remote_id, None)
    except (Rejected, Misbehaved):
        return _runs_on(turn, remote_id, None)
    return _runs_on(turn, remote_id, seen.processed)


def _runs_on(turn: Turn, remote_id: str, done: int | None) -> Outcome:
    rows = "an unknown number of" if done is None else str(done)
    turn.tell(event="vendor_job.runs_on", data={"vendorJobId": remote_id, "rowsDone": done})
    turn.note_stop(
        StopReason.VENDOR_RUNS_ON, f"The vendor cannot stop its job {remote_id} any more; {rows} rows were done"
    )
    return Moved()
