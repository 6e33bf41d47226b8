"""Up to when a download has read everything."""

from datetime import datetime, timedelta

from orchestrator.job.criteria import DownloadCriteria
from orchestrator.job.record import Job

SETTLED = timedelta(minutes=2)  # clocks of vendors are off by seconds, their replicas and commits late by as many
MOMENT = timedelta(microseconds=1)  # the finest unit in which vendors tell times


def mark_of(job: Job) -> datetime:
    """Return up to when a COMPLETED download has read everything."""
    criteria = download_of(job)
    if criteria.mark is not None:
        return criteria.mark
    settled = job.created_at - SETTLED
    return settled if criteria.to is None else min(criteria.to, settled)


def download_of(job: Job) -> DownloadCriteria:
    """Return the criteria of a download."""
    assert isinstance(job.criteria, DownloadCriteria)
    return job.criteria
