"""Collects what is known of a job besides its own row."""

from datetime import datetime
from typing import TYPE_CHECKING

from orchestrator.api.status import Sight
from orchestrator.clock import WallClock
from orchestrator.job.record import Job

if TYPE_CHECKING:
    from orchestrator.runtime import Runtime


def seen(runtime: "Runtime", job: Job) -> Sight:
    """Return the rest of what the status body shows."""
    jobs = runtime.store.jobs
    waiting = jobs.waiting(job.id)
    tally = jobs.steps_of(job.id)
    return Sight(
        request=jobs.request_of(job.id),
        now=_now(),
        remote_ids=jobs.vendor_ids(job.id),
        waiting_reason=waiting and str(waiting.reason),
        waiting_until=waiting and waiting.until,
        steps_done=tally.done,
        steps_total=tally.total,
        phase=tally.phase,
    )


def _now() -> datetime:
    return WallClock().now()
