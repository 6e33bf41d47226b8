"""A job as it is known: what was asked for, how far it has come, what was counted."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from orchestrator.job.criteria import Criteria
from orchestrator.job.errors import IllegalMove
from orchestrator.job.status import NEXT, Direction, JobOutcome, JobStatus, StopReason


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What is counted of a job's rows; a commit adds its own to the job's.

    Download: read = stored + filtered + cut (I12). Upload: sent = accepted + refused + unprocessed;
    `invalid` rows of the input were never sent.
    """

    read: int = 0
    stored: int = 0
    filtered: int = 0  # by from, to, where; and what an earlier job of the chain delivered as it is
    cut: int = 0  # by limit
    undated: int = 0  # stored, although the date to filter by is missing or unreadable
    sent: int = 0
    accepted: int = 0
    refused: int = 0
    unprocessed: int = 0
    invalid: int = 0
    bytes: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__})


@dataclass(frozen=True, kw_only=True)
class Job:
    """One bulk download or upload."""

    id: int
    tenant_id: int
    connection_id: int
    budget_id: int
    direction: Direction
    object_name: str
    criteria: Criteria
    status: JobStatus
    outcome: JobOutcome | None = None
    stop_reason: StopReason | None = None
    status_message: str | None = None
    native: bool = False
    input_key: str | None = None  # the uploaded file in the object store
    input_bytes: int | None = None
    input_rows_key: str | None = None  # the rows of that file that are meant; None: all of them
    counts: Counts = field(default_factory=Counts)
    error_count: int = 0  # rows invalid or refused, and errors of the job itself
    vendor_counted: int | None = None
    open_steps: int = 0
    api_limit: int | None = None
    api_calls_today: int = 0
    api_calls_total: int = 0
    restarts: int = 0
    weight: float = 1.0
    cancel_requested: bool = False
    pause_requested: bool = False
    meta: Mapping[str, Any] = field(default_factory=dict)  # what the provider adds: effective page size, …
    default_select_fields: tuple[str, ...] | None = None
    created_at: datetime
    started_at: datetime | None = None
    progress_at: datetime
    completed_at: datetime | None = None
    restart_at: datetime | None = None  # THROTTLED: when it goes on by itself

    def move(self, status: JobStatus) -> Self:
        """Return the job in its next status; refuse a move that is not in the table."""
        if status not in NEXT[self.status]:
            raise IllegalMove(self.id, self.status, status)
        return replace(self, status=status)
