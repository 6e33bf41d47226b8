"""Jobs whose results may still be read."""

from typing import TYPE_CHECKING

from orchestrator.api.problems import Refused
from orchestrator.job.record import Job
from orchestrator.store.status_body import FINAL

if TYPE_CHECKING:
    from orchestrator.runtime import Runtime


def kept_job(runtime: "Runtime", tenant_id: int, job_id: int) -> Job:
    """Return the tenant's job. Raises Missing, and Refused where it has ended and its `expiresAt` is over."""
    job = runtime.store.jobs.get(tenant_id, job_id)
    expires_at = job.criteria.expires_at
    if expires_at is not None and job.status in FINAL and expires_at <= runtime.store.database_time():
        raise Refused("expired", f"the result of job {job.id} expired at {expires_at:%Y-%m-%dT%H:%M:%SZ}")
    return job
