"""What the steps on vendor jobs share."""

from dataclasses import replace

from orchestrator.job.criteria import DownloadCriteria, UploadCriteria
from orchestrator.job.errors import Misbehaved
from orchestrator.job.status import Direction
from orchestrator.providers.provider import Query, Sink, Source, VendorJobs
from orchestrator.providers.pushdown import left_here
from orchestrator.steps.step import Turn


def sink_of(turn: Turn) -> Sink:
    """Return the vendor's bulk upload for this turn's job."""
    criteria = turn.job.criteria
    assert isinstance(criteria, UploadCriteria)
    return turn.vendor.sink(criteria)


def query_of(turn: Turn) -> Query:
    """Return the query of this turn's job."""
    criteria = turn.job.criteria
    assert isinstance(criteria, DownloadCriteria)
    return turn.vendor.query(criteria)


def result_of(turn: Turn) -> Source:
    """Return the result of this step's query; what is left of `where` to be applied is what the query could not say."""
    criteria = turn.job.criteria
    assert isinstance(criteria, DownloadCriteria)
    left = replace(criteria, where=left_here(turn.job.meta))
    return turn.vendor.query(left).results(remote_id_of(turn))


def vendor_jobs_of(turn: Turn) -> VendorJobs:
    """Return the jobs that the vendor runs for this turn's job, whichever its direction."""
    return sink_of(turn) if turn.job.direction is Direction.UPLOAD else query_of(turn)


def remote_id_of(turn: Turn) -> str:
    """Return the vendor's id of this step's vendor job; it is stored before any step that needs it is born."""
    remote_id = turn.vendor_job.remote_id
    if remote_id is None:
        raise Misbehaved("bulkhead", f"vendor job {turn.vendor_job.seq} has no id")
    return remote_id
