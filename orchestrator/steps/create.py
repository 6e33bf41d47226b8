"""Create: an empty vendor job that carries our marker."""

from orchestrator.job.chunk import VendorJobState
from orchestrator.job.commit import Moved, MoveVendorJob, Outcome
from orchestrator.job.errors import Fenced, Rejected, Throttled, Unreachable
from orchestrator.job.step import StepKind, Successor
from orchestrator.providers.provider import Sink
from orchestrator.steps.sinks import sink_of
from orchestrator.steps.step import Turn


def create(turn: Turn) -> Outcome:
    """Create the vendor job, once: an intent is committed before the call, and an intent found is looked after first.

    A second empty job, made because the first could not be found, changes nothing at the vendor: it is never released.
    """
    planned, sink = turn.vendor_job, sink_of(turn)
    remote_id = None
    match planned.state:
        case VendorJobState.PLANNED:
            turn.save(MoveVendorJob(seq=planned.seq, when=[VendorJobState.PLANNED], to=VendorJobState.INTENT))
        case VendorJobState.INTENT:
            remote_id = sink.find(planned.marker)
            turn.tell(event="vendor_job.looked", data={"found": remote_id is not None})
        case _:
            return Moved(successors=[Successor(kind=StepKind.UPLOAD, vendor_seq=planned.seq)])
    remote_id = remote_id or _create(turn, sink)
    opened = MoveVendorJob(seq=planned.seq, when=[VendorJobState.INTENT], to=VendorJobState.OPEN, remote_id=remote_id)
    turn.tell(event="vendor_job.created", data={"vendorJobId": remote_id})
    try:
        turn.save(opened)
    except Fenced:
        turn.rescue(remote_id)
        raise
    return Moved(successors=[Successor(kind=StepKind.UPLOAD, vendor_seq=planned.seq)])


def _create(turn: Turn, sink: Sink) -> str:
    planned = turn.vendor_job
    try:
        return sink.create(planned.marker)
    except (Throttled, Rejected):
        _take_back(turn, planned.seq)
        raise
    except Unreachable as lost:
        if not lost.maybe_done:
            _take_back(turn, planned.seq)
        raise


def _take_back(turn: Turn, seq: int) -> None:
    """The call had no effect for certain, so the next turn need not spend calls on a look."""
    turn.save(MoveVendorJob(seq=seq, when=[VendorJobState.INTENT], to=VendorJobState.PLANNED))
