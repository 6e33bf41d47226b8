"""What the steps of an upload share."""

from orchestrator.job.criteria import UploadCriteria
from orchestrator.job.errors import Misbehaved
from orchestrator.providers.provider import Sink
from orchestrator.steps.step import Turn


def sink_of(turn: Turn) -> Sink:
    """Return the vendor's bulk upload for this turn's job."""
    criteria = turn.job.criteria
    assert isinstance(criteria, UploadCriteria)
    return turn.vendor.sink(criteria)


def remote_id_of(turn: Turn) -> str:
    """Return the vendor's id of this step's vendor job; it is stored before any step that needs it is born."""
    remote_id = turn.vendor_job.remote_id
    if remote_id is None:
        raise Misbehaved("bulkhead", f"vendor job {turn.vendor_job.seq} has no id")
    return remote_id
