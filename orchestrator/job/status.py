"""The statuses of a job, and which may follow which.

CREATED ──▶ STARTED ──▶ RUNNING ──▶ COMPLETED (with an outcome)
   │           │           ├──────▶ ABORTED ────▶ STARTED (restart)
   │           │           └──────▶ THROTTLED ──▶ STARTED (restart, or the day turns)
   └───────────┴───────────┴──────▶ CANCELLATION_PENDING ──▶ CANCELED
"""

from collections.abc import Mapping
from enum import StrEnum


class Direction(StrEnum):
    """Which way the records travel, seen from us."""

    DOWNLOAD = "DOWNLOAD"
    UPLOAD = "UPLOAD"


class JobStatus(StrEnum):
    """The last thing known to have happened to a job, in the words of Bulk v3 (THROTTLED is ours)."""

    CREATED = "CREATED"
    STARTED = "STARTED"  # a worker has claimed its first step
    RUNNING = "RUNNING"  # the vendor has answered
    COMPLETED = "COMPLETED"  # see JobOutcome for how well
    ABORTED = "ABORTED"  # stopped by an outage, a refusal, a threshold or a poisoned step; restartable
    THROTTLED = "THROTTLED"  # today's calls are used up; goes on by itself
    CANCELLATION_PENDING = "CANCELLATION_PENDING"
    CANCELED = "CANCELED"


NEXT: Mapping[JobStatus, frozenset[JobStatus]] = {
    JobStatus.CREATED: frozenset({JobStatus.STARTED, JobStatus.ABORTED, JobStatus.CANCELLATION_PENDING}),
    JobStatus.STARTED: frozenset(
        {
            JobStatus.RUNNING,
            JobStatus.COMPLETED,
            JobStatus.ABORTED,
            JobStatus.THROTTLED,
            JobStatus.CANCELLATION_PENDING,
        }
    ),
    JobStatus.RUNNING: frozenset(
        {JobStatus.COMPLETED, JobStatus.ABORTED, JobStatus.THROTTLED, JobStatus.CANCELLATION_PENDING}
    ),
    JobStatus.THROTTLED: frozenset({JobStatus.STARTED, JobStatus.CANCELLATION_PENDING}),
    JobStatus.ABORTED: frozenset({JobStatus.STARTED}),
    JobStatus.CANCELLATION_PENDING: frozenset({JobStatus.CANCELED}),
    JobStatus.COMPLETED: frozenset(),
    JobStatus.CANCELED: frozenset(),
}


def before(status: JobStatus) -> tuple[JobStatus, ...]:
    """All statuses from which `status` may be reached; for the WHERE of a conditional UPDATE."""
    return tuple(source for source, targets in NEXT.items() if status in targets)


class JobOutcome(StrEnum):
    """How well a COMPLETED job went, by its rows."""

    SUCCEEDED = "SUCCEEDED"
    PARTIAL = "PARTIAL"  # some rows were refused or not processed
    FAILED = "FAILED"  # every row was refused


class StopReason(StrEnum):
    """Why a job stopped before COMPLETED."""

    API_LIMIT = "api_limit"
    VENDOR_QUOTA = "vendor_quota"
    VENDOR_FAILED = "vendor_failed"
    VENDOR_ABORTED = "vendor_aborted"
    VENDOR_STUCK = "vendor_stuck"
    VENDOR_JOB_GONE = "vendor_job_gone"  # a released vendor job cannot be seen any more
    VENDOR_RUNS_ON = "vendor_runs_on"  # canceled here, but the vendor cannot be stopped
    OUTAGE = "outage"
    REJECTED = "rejected"  # the vendor refused a request for good
    MISMATCH = "mismatch"  # counts that must be equal are not (I12)
    ERROR_THRESHOLD = "error_threshold"
    BAD_INPUT = "bad_input"
    POISON_STEP = "poison_step"
    REAUTHORIZE = "reauthorize"


class WaitReason(StrEnum):
    """What a step waits for; shown as `waiting.reason`."""

    RATE = "rate"
    QUOTA = "quota"
    CONCURRENCY = "concurrency"
    GATE = "gate"
    RETRY_AFTER = "retry_after"
    API_LIMIT = "api_limit"
    VENDOR_JOB = "vendor_job"
    BACK_OFF = "back_off"
    TOKEN_REFRESH = "token_refresh"  # noqa: S105 - a reason, not a secret
    LIMITER_DOWN = "limiter_down"
    PAUSED = "paused"
    TURN = "turn"  # nothing to wait for: others had their turn
