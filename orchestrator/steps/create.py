"""Create: a vendor job that carries our marker where it can; an upload's is empty, a query's runs at once."""

from orchestrator.job.chunk import VendorJobState
from orchestrator.job.commit import Moved, MoveVendorJob, NewVendorJob, Outcome, StartOver, TakeBack
from orchestrator.job.errors import Fenced, Invalid, Rejected, Throttled, Unreachable
from orchestrator.job.marker import new_marker
from orchestrator.job.status import Direction
from orchestrator.job.step import StepKind, Successor
from orchestrator.providers.provider import Query, VendorJobs
from orchestrator.providers.unfit import Unfit
from orchestrator.steps.sinks import query_of, upload_of
from orchestrator.steps.step import Turn


def create(turn: Turn) -> Outcome:
    """Create the vendor job, once: an intent is committed before the call, and an intent found is looked after first.

    A second job, made because the first could not be found, changes nothing at the vendor: it is empty and never
    released, or it only reads.
    """
    is_query = turn.job.direction is Direction.DOWNLOAD
    if is_query and not turn.step.cursor.get("planned"):
        _plan_query(turn)
    query = _query(turn) if is_query else None
    planned, vendor_jobs = turn.vendor_job, query or upload_of(turn)
    following = Moved(successors=[_following(turn, planned.seq)])
    found = None
    match planned.state:
        case VendorJobState.PLANNED:
            _intend(turn, planned.seq)
        case VendorJobState.INTENT:
            found = _look(turn, vendor_jobs)
        case VendorJobState.ABANDONED if is_query:
            return Moved()  # it is read as a list
        case _:
            return following
    created = found or _create(turn, vendor_jobs)
    if isinstance(created, Unfit):
        return _read_as_list(turn, created)
    if query is not None:
        turn.tell(meta=query.meta)
    made = VendorJobState.RELEASED if is_query else VendorJobState.OPEN
    opened = MoveVendorJob(
        seq=planned.seq, when=[VendorJobState.INTENT], to=made, remote_id=created, adopted=found is not None
    )
    turn.tell(event="vendor_job.created", data={"vendorJobId": created})
    try:
        turn.save(opened)
    except Fenced:
        turn.rescue(created)
        raise
    return following


def _intend(turn: Turn, seq: int) -> None:
    """Commit the intent; rows that another vendor job left unprocessed are from now on on their way again."""
    intent = MoveVendorJob(seq=seq, when=[VendorJobState.PLANNED], to=VendorJobState.INTENT)
    again = turn.step.cursor.get("again")
    if again is None:
        turn.save(intent)
    else:
        turn.save(intent, TakeBack(**again), cursor={})  # together: the next intent must not take back once more


def _read_as_list(turn: Turn, unfit: Unfit) -> Moved:
    """Read the query as a list; the vendor job that was planned is never made."""
    seq = turn.step.vendor_seq
    turn.tell(native=False)
    turn.save(
        MoveVendorJob(seq=seq, when=[VendorJobState.INTENT], to=VendorJobState.ABANDONED),
        successors=[Successor(kind=StepKind.FETCH, partition=seq, cursor={"why": unfit.why})],
    )
    return Moved()


def _plan_query(turn: Turn) -> None:
    """Plan the query, which nobody has planned before; what a lost one left behind is taken back with it."""
    plan = NewVendorJob(seq=turn.step.vendor_seq, marker=new_marker())
    cursor = {**turn.step.cursor, "planned": True}
    if cursor.get("anew"):
        turn.save(StartOver(), plan, cursor=cursor)
    else:
        turn.save(plan, cursor=cursor)


def _query(turn: Turn) -> Query:
    start = turn.step.cursor.get("start")
    return query_of(turn) if start is None else query_of(turn).starting(start)


def _following(turn: Turn, seq: int) -> Successor:
    if turn.job.direction is Direction.UPLOAD:
        return Successor(kind=StepKind.UPLOAD, vendor_seq=seq)
    cursor = {name: turn.step.cursor[name] for name in ("start", "before") if name in turn.step.cursor}
    return Successor(kind=StepKind.POLL, vendor_seq=seq, cursor=cursor)


def _look(turn: Turn, vendor_jobs: VendorJobs) -> str | None:
    planned = turn.vendor_job
    found = vendor_jobs.find(planned.marker)
    turn.tell(event="vendor_job.looked", data={"found": found is not None})
    if found is None and planned.intent_at is not None:
        suspects = vendor_jobs.suspects(planned.intent_at)
        for each in sorted(set(suspects) - turn.ours(suspects)):
            turn.tell(event="vendor_job.suspected_orphan", data={"vendorJobId": each})
    return found


def _create(turn: Turn, vendor_jobs: VendorJobs) -> str | Unfit:
    planned = turn.vendor_job
    try:
        return vendor_jobs.create(planned.marker)
    except (Throttled, Rejected, Invalid):
        _take_back(turn, planned.seq)
        raise
    except Unreachable as lost:
        if not lost.maybe_done:
            _take_back(turn, planned.seq)
        raise


def _take_back(turn: Turn, seq: int) -> None:
    """The call had no effect for certain, so the next turn need not spend calls on a look."""
    turn.save(MoveVendorJob(seq=seq, when=[VendorJobState.INTENT], to=VendorJobState.PLANNED))
