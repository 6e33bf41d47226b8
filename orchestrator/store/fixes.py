"""What a commit writes of its budget: blocks, gate, circuit breaker, width, and what the provider said of its limits.

A healthy checkpoint reads one row and writes none: all turns of a budget meet at this row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, select, update

from orchestrator.job.commit import Commit, Fixes, Wait
from orchestrator.job.status import WaitReason
from orchestrator.job.step import Lease
from orchestrator.store.circuit import TRIPS, opens_for
from orchestrator.store.control import write_event
from orchestrator.store.engine import Database
from orchestrator.store.records import Row, micros
from orchestrator.store.tables import budgets
from orchestrator.store.width import Felt, Width, after_turn

NONSENSE = "nonsense"  # beside the limits in `learned`: by header, how often it said what cannot be true


@dataclass
class _Fixing:
    """One budget's row, locked, and what is to be written of it."""

    before: Row
    fixes: Fixes
    failed: bool
    now: int

    def values(self) -> Mapping[str, Any]:
        values = {**self._circuit(), **self._learned(), **self._width()}
        if self.fixes.gate_for is not None:
            values["gate_until"] = max(self.before["gate_until"] or 0, self.now + micros(self.fixes.gate_for))
        return values | self._block(values)

    @property
    def closes(self) -> bool:
        """Whether an answer came while the circuit was not closed."""
        return self.fixes.answered and self.before["failures"] >= TRIPS

    @property
    def opens_for(self) -> timedelta | None:
        """How long the circuit opens now; a failure of a turn that began before it opened says nothing new."""
        if not self.failed or (self.before["circuit_until"] or 0) > self.now:
            return None
        return opens_for(1 if self.fixes.answered else self.before["failures"] + 1)

    def news_of_headers(self) -> Mapping[str, int]:
        """The headers that say nonsense for the first time."""
        known = (self.before["learned"] or {}).get(NONSENSE, {})
        return {header: count for header, count in self.fixes.nonsense.items() if header not in known}

    def _circuit(self) -> dict[str, Any]:
        failures = 0 if self.fixes.answered else self.before["failures"]
        if self.failed and (self.fixes.answered or (self.before["circuit_until"] or 0) <= self.now):
            failures += 1
        values: dict[str, Any] = {"failures": failures}
        if self.opens_for is not None:
            values["circuit_until"] = self.now + micros(self.opens_for)
        elif self.closes:
            values["circuit_until"] = None
        return values

    def _block(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return until when dispatch leaves the budget alone: the latest of all reasons."""
        before, fixes = self.before, self.fixes
        reasons = [(values["circuit_until"] or 0, str(WaitReason.GATE))] if "circuit_until" in values else []
        if fixes.gate_for is not None:
            reasons.append((self.now + micros(fixes.gate_for), str(WaitReason.GATE)))
        if fixes.blocked_for is not None:
            reasons.append((self.now + micros(fixes.blocked_for), str(fixes.blocked_by)))
        by_circuit = before["blocked_until"] == before["circuit_until"]
        if before["blocked_until"] is not None and not (self.closes and by_circuit):
            reasons.append((before["blocked_until"], before["blocked_by"]))
        until, by = max(reasons, key=lambda reason: reason[0], default=(None, None))
        return {"blocked_until": until or None, "blocked_by": by if until else None}

    def _learned(self) -> dict[str, Any]:
        fixes = self.fixes
        if fixes.learned is None and not fixes.nonsense:
            return {}
        learned = dict(self.before["learned"] or {})
        for name, said in (fixes.learned or {}).items():
            learned[name] = {**learned.get(name, {}), **said, "at": self.now}
        if fixes.nonsense:
            counted = learned.get(NONSENSE, {})
            more = {header: counted.get(header, 0) + count for header, count in fixes.nonsense.items()}
            learned[NONSENSE] = {**counted, **more}
        return {"learned": learned}

    def _width(self) -> dict[str, Any]:
        before, fixes = self.before, self.fixes
        if fixes.worked is None:
            return {}
        width = Width(
            turns=before["width"],
            shrunk_at=before["shrunk_at"] or 0,
            grown_at=before["grown_at"] or 0,
            latency=before["latency"],
            usual=before["usual_latency"],
        )
        latency = None if fixes.latency is None else float(micros(fixes.latency))
        felt = Felt(squeezed=fixes.squeezed, latency=latency, lasted=micros(fixes.worked))
        after = after_turn(width, felt, cap=before["cap"], now=self.now)
        return {
            "width": after.turns,
            "shrunk_at": after.shrunk_at or None,
            "grown_at": after.grown_at or None,
            "latency": after.latency,
            "usual_latency": after.usual,
        }


def fix_budget(connection: Connection, database: Database, lease: Lease, commit: Commit) -> None:
    """Write what became of the lease's budget, in the commit's transaction."""
    failed = isinstance(commit.outcome, Wait) and commit.outcome.failed
    fixing = _fix(connection, database, lease.budget_id, commit.fixes, failed)
    if fixing is not None:
        _tell(connection, database, lease, fixing)


def fix_after_look(connection: Connection, database: Database, budget_id: int, fixes: Fixes) -> None:
    """Write what became of a budget by calls that belong to no turn; they open no circuit, an answer closes it."""
    _fix(connection, database, budget_id, fixes, failed=False)


def _fix(connection: Connection, database: Database, budget_id: int, fixes: Fixes, failed: bool) -> _Fixing | None:
    mine = budgets.c.id == budget_id
    if not (failed or _says_something(fixes) or (fixes.answered and _has_failures(connection, budget_id))):
        return None
    # Not FOR UPDATE: a job's row that is written twice is checked against its budget's key, and two commits that have
    # done so would each wait for the other.
    query = select(budgets, database.now.label("now")).where(mine).with_for_update(key_share=True)
    row = connection.execute(query).mappings().one()
    fixing = _Fixing(before=row, fixes=fixes, failed=failed, now=row["now"])
    connection.execute(update(budgets).where(mine).values(**fixing.values()))
    return fixing


def _has_failures(connection: Connection, budget_id: int) -> bool:
    return bool(connection.execute(select(budgets.c.failures).where(budgets.c.id == budget_id)).scalar_one())


def _says_something(fixes: Fixes) -> bool:
    told = (fixes.blocked_for, fixes.gate_for, fixes.learned, fixes.worked)
    return any(each is not None for each in told) or bool(fixes.nonsense)


def _tell(connection: Connection, database: Database, lease: Lease, fixing: _Fixing) -> None:
    job, step = lease.job_id, lease.step_id
    if fixing.opens_for is not None:
        data = {"seconds": fixing.opens_for.total_seconds()}
        write_event(connection, database, job, "budget.circuit_opened", data, step)
    elif fixing.closes:
        write_event(connection, database, job, "budget.circuit_closed", {}, step)
    for header, count in fixing.news_of_headers().items():
        write_event(connection, database, job, "limits.nonsense", {"header": header, "count": count}, step)
