"""Limits as they are now, for people: what is there, what blocks, what was learned from whom, who waits, how long."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from orchestrator.lifecycle.vendors import Vendors
from orchestrator.limits.burst import max_cap, rate
from orchestrator.limits.limit import Limit, Limiter, LimiterDown, LimitState, RateLimit
from orchestrator.store.budgets import Budget
from orchestrator.store.circuit import Circuit, circuit
from orchestrator.store.store import Store
from orchestrator.store.waiters import Waiter, Work
from orchestrator.store.width import places


class Sight(StrEnum):
    """How well the limits can be seen."""

    CLEAR = "clear"
    UNSEEDED = "unseeded"  # no call was made since the limiter was started, or lost its memory
    DOWN = "down"


@dataclass(frozen=True, kw_only=True)
class LimitsSeen:
    """A connection's budget at one moment; `states` are by limit name, {} where the limiter cannot tell."""

    now: datetime
    connection: str
    budget: Budget
    limits: Sequence[Limit]
    states: Mapping[str, LimitState]
    sight: Sight
    circuit: Circuit
    cap: int  # turns at once, by limits and width
    waiting: Sequence[Waiter]
    others_waiting: int
    work: Work
    done_in: timedelta | None  # the known work at the rate that is in force; None: no rate limits it

    @property
    def blocked_until(self) -> datetime | None:
        """Until when dispatch leaves the budget alone."""
        until = self.budget.blocked_until
        return until if until is not None and until > self.now else None


class LimitDesk:
    """Looks at limits; changes nothing, calls nobody."""

    def __init__(self, store: Store, vendors: Vendors, limiter: Limiter) -> None:
        self._store = store
        self._vendors = vendors
        self._limiter = limiter

    def see(self, tenant_id: int, name: str | int) -> LimitsSeen:
        """Return the limits of a connection's budget. Raises Missing."""
        connection = self._store.connections.get(tenant_id, name)
        budget, now = self._store.budgets.get(connection.budget_id), self._store.database_time()
        limits = self._vendors.limits(budget)
        sight, states = self._look(budget, limits)
        work = self._store.waiters.work(budget.id)
        return LimitsSeen(
            now=now,
            connection=connection.name,
            budget=budget,
            limits=limits,
            states=states,
            sight=sight,
            circuit=circuit(budget.failures, _is_ahead(budget.circuit_until, now)),
            cap=places(budget.width, max_cap(limits, budget.cap)),
            waiting=self._store.waiters.of(budget.id, tenant_id),
            others_waiting=self._store.waiters.others(budget.id, tenant_id),
            work=work,
            done_in=_done_in(work, limits, states, budget, now),
        )

    def _look(self, budget: Budget, limits: Sequence[Limit]) -> tuple[Sight, Mapping[str, LimitState]]:
        try:
            found = self._limiter.look(str(budget.id), limits)
        except LimiterDown:
            return Sight.DOWN, {}
        return Sight.CLEAR if found else Sight.UNSEEDED, {state.name: state for state in found}


def learned_of(budget: Budget, name: str) -> Mapping[str, Any]:
    """Return what headers said last of a limit: header, at (µs), remaining, limit, resets_in (s); {}: nothing."""
    said: Mapping[str, Any] = budget.learned.get(name, {})
    return said


def _is_ahead(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment > now


def _done_in(
    work: Work, limits: Sequence[Limit], states: Mapping[str, LimitState], budget: Budget, now: datetime
) -> timedelta | None:
    """Return how long the known calls take; a call is taken for one unit, what it really costs is not known before."""
    speeds = [
        rate(limit) * (states[limit.name].share if limit.name in states else 1.0)
        for limit in limits
        if isinstance(limit, RateLimit)
    ]
    if not speeds:
        return None
    blocked = budget.blocked_until - now if budget.blocked_until and budget.blocked_until > now else timedelta(0)
    gates = [state.gate_for for state in states.values()]
    return max([blocked, *gates]) + timedelta(seconds=work.calls / min(speeds))
