"""Who waits for a budget, and how much work is known: what a person looks at when a job seems slow."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from orchestrator.job.status import JobStatus, StopReason, WaitReason
from orchestrator.store.births import MOVING
from orchestrator.store.engine import Database
from orchestrator.store.reading import many
from orchestrator.store.records import Row, moment
from orchestrator.store.tables import jobs, steps

MOST = 100  # jobs shown; a person reads no more
MOST_WORK = 10_000  # jobs looked at for the forecast


@dataclass(frozen=True, kw_only=True)
class Waiter:
    """A job with steps that wait for the budget; `until` None: as soon as it is their turn."""

    job_id: int
    steps: int
    reason: WaitReason
    until: datetime | None


@dataclass(frozen=True, kw_only=True)
class Work:
    """The calls that are known to be needed; of `unknown` jobs at least one per step is counted."""

    calls: int
    jobs: int
    unknown: int


class Waiters:
    """Looks at all jobs of a budget."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, budget_id: int, tenant_id: int) -> Sequence[Waiter]:
        """Return the tenant's first 100 jobs with steps that are due or wait, and those that are THROTTLED."""
        now = self._database.now
        due, later = func.min(steps.c.due_at), case((steps.c.due_at > now, steps.c.wait_reason))
        query = (
            select(steps.c.job_id, func.count().label("steps"), due.label("due_at"), func.max(later).label("reason"),
                   now.label("now"))
            .join(jobs, jobs.c.id == steps.c.job_id)
            .where(self._waits(budget_id), jobs.c.tenant_id == tenant_id)
            .group_by(steps.c.job_id).order_by(due, steps.c.job_id).limit(MOST)
        )  # fmt: skip
        waiting = [_waiter(row) for row in many(self._database, query)]
        return [*waiting, *self._throttled(budget_id, tenant_id)][:MOST]

    def others(self, budget_id: int, tenant_id: int) -> int:
        """Return how many jobs of other tenants wait for a shared budget; nothing else is told of them."""
        query = (
            select(func.count(steps.c.job_id.distinct()).label("jobs"))
            .join(jobs, jobs.c.id == steps.c.job_id)
            .where(self._waits(budget_id), jobs.c.tenant_id != tenant_id)
        )
        return int(many(self._database, query)[0]["jobs"])

    def work(self, budget_id: int) -> Work:
        """Return the calls that the budget's running jobs are known to need."""
        columns = (jobs.c.vendor_counted, jobs.c.rows_read, jobs.c.meta, jobs.c.criteria, jobs.c.open_steps)
        query = select(*columns).where(jobs.c.budget_id == budget_id, jobs.c.status.in_(MOVING)).limit(MOST_WORK)
        known = [_calls(row) for row in many(self._database, query)]
        return Work(
            calls=sum(calls for calls, _ in known), jobs=len(known), unknown=sum(1 for _, sure in known if not sure)
        )

    def _waits(self, budget_id: int) -> ColumnElement[bool]:
        now = self._database.now
        free = or_(steps.c.lease_until.is_(None), steps.c.lease_until < now)
        return and_(steps.c.budget_id == budget_id, steps.c.state == "ready", free)

    def _throttled(self, budget_id: int, tenant_id: int) -> Sequence[Waiter]:
        query = (
            select(jobs.c.id, jobs.c.stop_reason, jobs.c.open_steps, jobs.c.restart_at)
            .where(jobs.c.budget_id == budget_id, jobs.c.tenant_id == tenant_id, jobs.c.status == JobStatus.THROTTLED)
            .order_by(jobs.c.id)
            .limit(MOST)
        )
        return [
            Waiter(
                job_id=row["id"],
                steps=row["open_steps"],
                reason=WaitReason.QUOTA if row["stop_reason"] == StopReason.VENDOR_QUOTA else WaitReason.API_LIMIT,
                until=moment(row["restart_at"]),
            )
            for row in many(self._database, query)
        ]


def _waiter(row: Row) -> Waiter:
    is_due = row["due_at"] <= row["now"]
    reason = WaitReason.TURN if is_due or row["reason"] is None else WaitReason(row["reason"])
    return Waiter(
        job_id=row["job_id"], steps=row["steps"], reason=reason, until=None if is_due else moment(row["due_at"])
    )


def _calls(row: Row) -> tuple[int, bool]:
    """Return the calls that a job still needs, and whether that is all."""
    size: Any = row["meta"].get("pageSize")
    bounds = [each for each in (row["vendor_counted"], row["criteria"].get("limit")) if each is not None]
    if not size or not bounds:
        return row["open_steps"], False
    return max(row["open_steps"], ceil((min(bounds) - row["rows_read"]) / size)), True
