"""How steps are born: by the unique key once, ready or stopped as their job is, with a place in the fair order."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, select, update

from orchestrator.job.status import JobStatus
from orchestrator.job.step import NOT_COUNTED, StepKind, Successor
from orchestrator.store.engine import Database
from orchestrator.store.records import Row, micros
from orchestrator.store.tables import budgets, jobs, steps
from orchestrator.store.tables.steps import READY

MOVING = (JobStatus.CREATED, JobStatus.STARTED, JobStatus.RUNNING)
ESTIMATE = 10  # units of work that a step is charged for a turn before it had it
FIRST_TURN = 1  # the same of a job's first turn, which is brief where others wait


def insert_steps(
    connection: Connection, database: Database, job: Row, successors: Sequence[Successor], *, state: str | None = None
) -> int:
    """Insert the steps that are not there yet; return how many of them count in `open_steps`.

    A step born under a job that must not move is born `stopped`, unless `state` says otherwise.
    """
    if not successors:
        return 0
    born = state or ("ready" if job["status"] in MOVING and not job["pause_requested"] else "stopped")
    places = next_places(connection, job, turns=len(successors))
    counted = 0
    for successor, place in zip(successors, places, strict=True):
        statement = database.insert(steps).values(
            job_id=job["id"],
            budget_id=job["budget_id"],
            connection_id=job["connection_id"],
            provider=job["provider"],
            kind=successor.kind,
            vendor_seq=successor.vendor_seq,
            partition=successor.partition,
            state=born,
            cursor=dict(successor.cursor),
            due_at=database.now + micros(successor.due_in),
            vtime=place,
            created_at=database.now,
        )
        inserted = connection.execute(statement.on_conflict_do_nothing()).rowcount
        counted += inserted if successor.kind not in NOT_COUNTED else 0
    return counted


def insert_finish(connection: Connection, database: Database, job: Row) -> int:
    """Insert the job's finish step and return its id."""
    insert_steps(connection, database, job, [Successor(kind=StepKind.FINISH)])
    found = connection.execute(
        select(steps.c.id).where(steps.c.job_id == job["id"], steps.c.kind == StepKind.FINISH)
    ).scalar_one()
    return int(found)


def first_place(connection: Connection, budget_id: int, tenant_id: int) -> float:
    """Return where a new job joins the stride order: at its front, or before the tenant's jobs not begun yet.

    The first of those goes to their end instead. They stand one behind the other, or a hundred jobs submitted at once
    would all have their first turns before another tenant's only one; and so close that the last of them has its first
    turn before the first of them has its second.
    """
    floor: float = connection.execute(select(budgets.c.vtime).where(budgets.c.id == budget_id)).scalar_one()
    mine = (jobs.c.budget_id == budget_id, jobs.c.tenant_id == tenant_id, jobs.c.status == JobStatus.CREATED)
    not_begun: int = connection.execute(select(func.count()).where(*mine)).scalar_one()
    end = floor + FIRST_TURN * not_begun
    front = (
        select(steps.c.id, steps.c.job_id, steps.c.vtime)
        .join(jobs, jobs.c.id == steps.c.job_id)
        .where(*mine, steps.c.budget_id == budget_id, READY, steps.c.hinted_until.is_(None), steps.c.vtime < end)
        .order_by(steps.c.vtime, steps.c.id)
        .limit(1)
    )
    first = connection.execute(front).one_or_none() if not_begun else None
    if first is None or not _move_to(end, connection, first):
        return end
    return max(floor, float(first.vtime))


def _move_to(end: float, connection: Connection, first: Any) -> bool:
    """Give a job not begun another place; False if it has begun meanwhile."""
    still = (jobs.c.id == first.job_id, jobs.c.status == JobStatus.CREATED)
    later = jobs.c.vtime + (end - first.vtime)
    if connection.execute(update(jobs).where(*still).values(vtime=later)).rowcount == 0:
        return False
    connection.execute(update(steps).where(steps.c.id == first.id).values(vtime=end))
    return True


def next_places(connection: Connection, job: Row, *, turns: int) -> Sequence[float]:
    """Charge the job for its coming turns and return their places in the stride order, one behind the other.

    A tenant's jobs in one budget share the tenant's place: each unit counts as many times as the tenant has active
    jobs there.
    """
    return _places(connection, job, turns, _stride(connection, job))


def next_place(connection: Connection, job: Row, *, before: float, cost: float) -> float:
    """Charge the job for its next turn and return its place; the last one, at `before`, has cost `cost` units.

    What it was charged in advance is corrected; it was less where jobs have joined since, so that the next place is
    behind the last one by the true cost at least.
    """
    stride = _stride(connection, job)
    (place,) = _places(connection, job, 1, stride, correction=cost - ESTIMATE, least=before + cost * stride)
    return place


def _places(
    connection: Connection, job: Row, turns: int, stride: float, *, correction: float = 0.0, least: float = 0.0
) -> list[float]:
    floor = connection.execute(select(budgets.c.vtime).where(budgets.c.id == job["budget_id"])).scalar_one()
    current = connection.execute(select(jobs.c.vtime).where(jobs.c.id == job["id"])).scalar_one()
    first: float = max(current + correction * stride, floor, least)
    places = [first + turn * ESTIMATE * stride for turn in range(turns + 1)]
    connection.execute(update(jobs).where(jobs.c.id == job["id"]).values(vtime=places.pop()))
    return places


def charge(connection: Connection, job: Row, cost: float) -> None:
    """Let the job's next turns come later by what a turn that goes on has cost so far."""
    later = jobs.c.vtime + cost * _stride(connection, job)
    connection.execute(update(jobs).where(jobs.c.id == job["id"]).values(vtime=later))


def _stride(connection: Connection, job: Row) -> float:
    """Return how far one unit of work moves the job's place."""
    mine = (jobs.c.budget_id == job["budget_id"], jobs.c.tenant_id == job["tenant_id"], jobs.c.status.in_(MOVING))
    active: int = connection.execute(select(func.count()).where(*mine)).scalar_one()
    return float(max(1, active) / job["weight"])
