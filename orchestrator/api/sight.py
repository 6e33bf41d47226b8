"""Collects what is known of a job besides its own row."""

from typing import TYPE_CHECKING

from orchestrator.job.record import Job
from orchestrator.store.status_body import Sight

if TYPE_CHECKING:
    from orchestrator.runtime import Runtime


def seen(runtime: "Runtime", job: Job) -> Sight:
    """Return the rest of what the status body shows."""
    jobs = runtime.store.jobs
    waiting = jobs.waiting(job.id)
    tally = jobs.steps_of(job.id)
    return Sight(
        request=jobs.request_of(job.id),
        now=runtime.store.database_time(),
        remote_ids=jobs.vendor_ids(job.id),
        waiting_reason=None if waiting is None else str(waiting.reason),
        waiting_until=None if waiting is None else waiting.until,
        steps_done=tally.done,
        steps_total=tally.total,
        phase=tally.phase,
    )
