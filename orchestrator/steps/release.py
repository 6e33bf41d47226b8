"""Release: the commit point at the vendor, the last and deliberate step."""

from orchestrator.job.chunk import VendorJobState
from orchestrator.job.commit import Moved, MoveVendorJob, Outcome, Stopped
from orchestrator.job.criteria import UploadCriteria
from orchestrator.job.errors import Gone
from orchestrator.job.status import StopReason
from orchestrator.job.step import StepKind, Successor
from orchestrator.steps.replacing import replace_vendor_job
from orchestrator.steps.sinks import remote_id_of, upload_of
from orchestrator.steps.step import Turn


def release(turn: Turn) -> Outcome:
    """Let the vendor execute its job: RELEASING is committed before the call, and releasing twice is harmless.

    A vendor job is not released once the job's error threshold is passed. One that is gone before its first release is
    replaced; later it may have been carried out, so that only a look can tell.
    """
    filled = turn.vendor_job
    if filled.state is VendorJobState.ABANDONED:
        return replace_vendor_job(turn)
    if filled.state is VendorJobState.FILLED:
        too_many = too_many_errors(turn)
        if too_many is not None:
            return too_many
        turn.save(MoveVendorJob(seq=filled.seq, when=[VendorJobState.FILLED], to=VendorJobState.RELEASING))
    if filled.state in (VendorJobState.FILLED, VendorJobState.RELEASING):
        try:
            upload_of(turn).release(remote_id_of(turn))
        except Gone:
            if filled.state is VendorJobState.FILLED:
                return replace_vendor_job(turn, VendorJobState.RELEASING)
        turn.tell(event="vendor_job.released", data={"vendorJobId": filled.remote_id, "rows": filled.rows})
        turn.save(MoveVendorJob(seq=filled.seq, when=[VendorJobState.RELEASING], to=VendorJobState.RELEASED))
    return Moved(successors=[Successor(kind=StepKind.POLL, vendor_seq=filled.seq)])


def too_many_errors(turn: Turn) -> Stopped | None:
    """Return the stop that the job's error threshold asks for; None while it is not passed."""
    criteria, counts = turn.job.criteria, turn.job.counts
    assert isinstance(criteria, UploadCriteria)
    bad = counts.refused + counts.invalid
    known = bad + counts.accepted
    most = criteria.max_errors
    if most is not None and bad > most:
        return Stopped(reason=StopReason.ERROR_THRESHOLD, message=f"{bad} rows failed, more than maxErrors {most}")
    rate = criteria.max_error_rate
    if rate is not None and known and bad / known > rate:
        return Stopped(
            reason=StopReason.ERROR_THRESHOLD, message=f"{bad} of {known} rows failed, more than maxErrorRate {rate:g}"
        )
    return None
