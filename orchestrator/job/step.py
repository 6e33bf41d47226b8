"""A step: one leased piece of a job's life, and the cursors it carries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

Cursor = Mapping[str, Any]  # JSON-able; its meaning belongs to whoever wrote it (a provider, or the step itself)

PARTITION_GAP = 2**32  # partitions are numbered in steps of this, so that halves find room between


class StepKind(StrEnum):
    """What a step does; also the second half of its Celery task's name."""

    SPLIT = "split"
    CREATE = "create"
    UPLOAD = "upload"
    RELEASE = "release"
    POLL = "poll"
    FETCH = "fetch"
    FINISH = "finish"
    ABORT = "abort"


NOT_COUNTED = frozenset({StepKind.FINISH, StepKind.ABORT})  # kinds that `open_steps` leaves out
LOCAL = frozenset({StepKind.SPLIT, StepKind.FINISH})  # kinds that make no vendor call, or a single one


class StepState(StrEnum):
    """Waiting is not a state: a step that waits is READY with a later `due_at`."""

    READY = "ready"
    DONE = "done"
    STOPPED = "stopped"  # its job must not move


@dataclass(frozen=True, kw_only=True)
class Successor:
    """A step to be born in the commit that names it; born twice it stays one (unique key)."""

    kind: StepKind
    vendor_seq: int = 0
    partition: int = 0
    cursor: Cursor = field(default_factory=dict)
    due_in: timedelta = timedelta(0)


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step as its turn found it."""

    id: int
    job_id: int
    budget_id: int
    connection_id: int
    kind: StepKind
    vendor_seq: int
    partition: int
    cursor: Cursor
    next_part: int
    attempt: int
    failures: int
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Lease:
    """The right to advance one step, until it runs out or somebody claims the step under a higher epoch."""

    step_id: int
    job_id: int
    budget_id: int
    epoch: int
    owner: str
