"""What the steps on vendor jobs share."""

from dataclasses import replace
from typing import cast

from orchestrator.job.criteria import DownloadCriteria, UploadCriteria
from orchestrator.job.errors import Misbehaved
from orchestrator.job.status import Direction
from orchestrator.providers.batching import BatchSink
from orchestrator.providers.provider import Query, Sink, Source, Upload, VendorJobs
from orchestrator.providers.pushdown import left_here
from orchestrator.steps.numbers import is_serial
from orchestrator.steps.step import Turn


def upload_of(turn: Turn) -> Upload:
    """Return the vendor's bulk upload for this turn's job, of whichever kind."""
    criteria = turn.job.criteria
    assert isinstance(criteria, UploadCriteria)
    if is_serial(turn.step.vendor_seq):
        criteria = replace(criteria, concurrency_mode="Serial")
    return turn.vendor.sink(criteria)


def sink_of(turn: Turn) -> Sink:
    """Return the vendor's bulk upload for this turn's job, which is none in batches."""
    sink = upload_of(turn)
    assert not isinstance(sink, BatchSink)
    return cast(Sink, sink)


def batch_sink_of(turn: Turn) -> BatchSink | None:
    """Return the vendor's bulk upload for this turn's job where it takes batches; None where it does not."""
    if turn.job.direction is not Direction.UPLOAD:
        return None
    sink = upload_of(turn)
    return sink if isinstance(sink, BatchSink) else None


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
    return upload_of(turn) if turn.job.direction is Direction.UPLOAD else query_of(turn)


def remote_id_of(turn: Turn) -> str:
    """Return the vendor's id of this step's vendor job; it is stored before any step that needs it is born."""
    remote_id = turn.vendor_job.remote_id
    if remote_id is None:
        raise Misbehaved("bulkhead", f"vendor job {turn.vendor_job.seq} has no id")
    return remote_id
