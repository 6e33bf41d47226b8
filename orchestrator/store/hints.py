"""Which due steps get a worker next: derived from rows alone, under one lock per budget."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, not_, or_, select, text, update

from orchestrator.job.step import LOCAL, StepKind
from orchestrator.store.budgets import Budget, budget_of
from orchestrator.store.circuit import TRIPS
from orchestrator.store.engine import Database
from orchestrator.store.records import micros
from orchestrator.store.tables import budgets, chunks, jobs, steps
from orchestrator.store.tables.steps import READY, SHORT
from orchestrator.store.width import places as places_of

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
        """Return the budgets that have a due step which nobody holds, or whose hint may be lost; one probe a budget."""
        first = (
            select(steps.c.id)
            .where(
                steps.c.budget_id == budgets.c.id,
                READY,
                steps.c.due_at <= self._database.now,
                self._free(queue_empty=True),
            )
            .order_by(steps.c.due_at)
            .limit(1)
            .correlate(budgets)
            .scalar_subquery()
        )
        with self._database.read() as connection:
            return list(connection.execute(select(budgets.c.id).where(first.is_not(None))).scalars())

    def take(
        self,
        budget_id: int,
        *,
        room: int,
        queue_empty: bool = False,
        patient: bool = True,
        cap_of: Callable[[Budget], int] = lambda budget: budget.cap,
    ) -> Sequence[Hint]:
        """Mark up to `room` due steps of a budget as hinted, lowest place first, and return their hints.

        Never more than its cap, its learned width and what `cap_of` says are leased or hinted at once. While the budget
        is blocked only steps without vendor calls are taken; while its circuit is half open, one step with such calls
        at a time. `patient` False: return nothing if another dispatcher is at it.
        """
        with self._database.write() as connection:
            if not self._lock(connection, budget_id, patient):
                return []
            budget = connection.execute(
                select(budgets, self._database.now.label("now")).where(budgets.c.id == budget_id)
            ).one()
            cap = places_of(budget.width, min(budget.cap, cap_of(budget_of(budget._mapping))))
            kinds = self._in_flight(connection, budget_id, queue_empty)
            places = min(room, cap - len(kinds))
            blocked = budget.blocked_until is not None and budget.blocked_until > budget.now
            if budget.failures >= TRIPS and not blocked:
                blocked = any(kind not in LOCAL for kind in kinds)  # the probe is under way
                places = min(places, 1)
            if places <= 0:
                return []
            # One place is kept for the short kinds, so that polls and releases never wait behind long turns.
            busy_places = 0 if blocked else max(1, cap - 1) - sum(1 for kind in kinds if kind in BUSY)
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

    def _in_flight(self, connection: Connection, budget_id: int, queue_empty: bool) -> Sequence[StepKind]:
        mine = steps.c.budget_id == budget_id
        leased = select(steps.c.id, steps.c.kind).where(mine, steps.c.lease_until >= self._database.now)
        hinted = select(steps.c.id, steps.c.kind).where(
            mine, READY, steps.c.hinted_until.is_not(None), self._hint_alive(queue_empty)
        )
        return [StepKind(row.kind) for row in connection.execute(leased.union(hinted))]

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
                READY,
                steps.c.due_at <= self._database.now,
                self._free(queue_empty),
            )
            .order_by(steps.c.vtime, steps.c.id)
            .with_for_update(skip_locked=True)
        )
        short = due.where(SHORT, steps.c.kind.in_(LOCAL)) if blocked else due.where(SHORT)
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
