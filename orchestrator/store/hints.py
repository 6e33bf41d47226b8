"""Which due steps get a worker next: derived from rows alone, under one lock per budget."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, not_, or_, select, text, update

from orchestrator.job.step import LOCAL, StepKind
from orchestrator.store.engine import Database
from orchestrator.store.records import micros
from orchestrator.store.tables import budgets, chunks, jobs, steps

HINT = timedelta(seconds=15)  # a hint not taken up in this time is given again
LOST_HINT = timedelta(seconds=2)  # a hint this old whose queue is empty was lost
BUSY = frozenset({StepKind.FETCH, StepKind.UPLOAD})  # kinds that may not take the last place of a budget


@dataclass(frozen=True, kw_only=True)
class Hint:
    """A message to be published: look at this step. `about` is what a person reads in Flower."""

    step_id: int
    kind: StepKind
    provider: str
    about: str


class Hints:
    """Hints for due steps."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def budgets_due(self) -> Sequence[int]:
        """Return the budgets that have a due step which nobody holds."""
        now = self._database.now
        query = (
            select(steps.c.budget_id).where(steps.c.state == "ready", steps.c.due_at <= now, self._free()).distinct()
        )
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def take(self, budget_id: int, *, room: int, queue_empty: bool = False, patient: bool = True) -> Sequence[Hint]:
        """Mark up to `room` due steps of a budget as hinted, lowest place first, and return their hints.

        Never more than the budget's cap are leased or hinted at once. While the budget is blocked only steps
        without vendor calls are taken. `patient` False: return nothing if another dispatcher is at it.
        """
        with self._database.write() as connection:
            if not self._lock(connection, budget_id, patient):
                return []
            budget = connection.execute(
                select(budgets, self._database.now.label("now")).where(budgets.c.id == budget_id)
            ).one()
            in_flight, busy = self._in_flight(connection, budget_id, queue_empty)
            places = min(room, budget.cap - in_flight)
            if places <= 0:
                return []
            # One place is kept for the short kinds, so that polls and releases never wait behind long turns.
            blocked = budget.blocked_until is not None and budget.blocked_until > budget.now
            busy_places = 0 if blocked else max(1, budget.cap - 1) - busy
            chosen = self._choose(connection, budget_id, places, busy_places, blocked, queue_empty)
            if not chosen:
                return []
            self._mark(connection, budget_id, chosen)
            return self._describe(connection, chosen)

    def _lock(self, connection: Connection, budget_id: int, patient: bool) -> bool:
        if self._database.dialect == "sqlite":
            return True  # BEGIN IMMEDIATE is the lock
        if patient:
            connection.execute(text("SELECT pg_advisory_xact_lock(:budget)"), {"budget": budget_id})
            return True
        return bool(
            connection.execute(text("SELECT pg_try_advisory_xact_lock(:budget)"), {"budget": budget_id}).scalar()
        )

    def _hint_alive(self, queue_empty: bool = False) -> ColumnElement[bool]:
        now = self._database.now
        return steps.c.hinted_until > (now + micros(HINT - LOST_HINT) if queue_empty else now)

    def _free(self, queue_empty: bool = False) -> ColumnElement[bool]:
        now = self._database.now
        return and_(
            or_(steps.c.lease_until.is_(None), steps.c.lease_until < now),
            or_(steps.c.hinted_until.is_(None), not_(self._hint_alive(queue_empty))),
        )

    def _in_flight(self, connection: Connection, budget_id: int, queue_empty: bool) -> tuple[int, int]:
        mine = steps.c.budget_id == budget_id
        leased = select(steps.c.id, steps.c.kind).where(mine, steps.c.lease_until >= self._database.now)
        hinted = select(steps.c.id, steps.c.kind).where(
            mine, steps.c.state == "ready", steps.c.hinted_until.is_not(None), self._hint_alive(queue_empty)
        )
        kinds = connection.execute(leased.union(hinted)).all()
        return len(kinds), sum(1 for row in kinds if row.kind in BUSY)

    def _choose(
        self,
        connection: Connection,
        budget_id: int,
        places: int,
        busy_places: int,
        blocked: bool,
        queue_empty: bool,
    ) -> Sequence[int]:
        due = (
            select(steps.c.vtime, steps.c.id)
            .where(
                steps.c.budget_id == budget_id,
                steps.c.state == "ready",
                steps.c.due_at <= self._database.now,
                self._free(queue_empty),
            )
            .order_by(steps.c.vtime, steps.c.id)
            .with_for_update(skip_locked=True)
        )
        short = due.where(steps.c.kind.in_(LOCAL) if blocked else steps.c.kind.not_in(BUSY))
        found = [(row.vtime, row.id) for row in connection.execute(short.limit(places))]
        if busy_places > 0:
            busy = due.where(steps.c.kind.in_(BUSY)).limit(min(places, busy_places))
            found += [(row.vtime, row.id) for row in connection.execute(busy)]
        return [step_id for _, step_id in sorted(found)[:places]]

    def _mark(self, connection: Connection, budget_id: int, chosen: Sequence[int]) -> None:
        connection.execute(
            update(steps).where(steps.c.id.in_(chosen)).values(hinted_until=self._database.now + micros(HINT))
        )
        lowest = select(func.min(steps.c.vtime)).where(steps.c.id.in_(chosen)).scalar_subquery()
        connection.execute(
            update(budgets).where(budgets.c.id == budget_id, budgets.c.vtime < lowest).values(vtime=lowest)
        )

    def _describe(self, connection: Connection, chosen: Sequence[int]) -> Sequence[Hint]:
        first_chunk = (
            select(func.min(chunks.c.seq))
            .where(
                chunks.c.job_id == steps.c.job_id, chunks.c.vendor_seq == steps.c.vendor_seq, chunks.c.state != "acked"
            )
            .scalar_subquery()
        )
        rows = connection.execute(
            select(
                steps.c.id, steps.c.kind, steps.c.provider, steps.c.partition, steps.c.vendor_seq,
                jobs.c.id.label("job_id"), jobs.c.object_name, jobs.c.direction, first_chunk.label("chunk"),
            )
            .join(jobs, jobs.c.id == steps.c.job_id)
            .where(steps.c.id.in_(chosen))
        ).all()  # fmt: skip
        return [Hint(step_id=row.id, kind=StepKind(row.kind), provider=row.provider, about=_about(row)) for row in rows]


def _about(row: Any) -> str:
    words = [f"job {row.job_id}", row.object_name]
    if row.kind == StepKind.UPLOAD and row.chunk is not None:
        words.append(f"chunk {row.chunk}")
    elif row.vendor_seq:
        words.append(f"vendor job {row.vendor_seq}")
    elif row.kind == StepKind.FETCH and row.partition:
        words.append(f"partition {row.partition}")
    return " · ".join(words)
