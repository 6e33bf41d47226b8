"""Budgets: what the vendors count calls against. What turns learn of them is written by their commits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, or_, select, update

from orchestrator.job.errors import Conflict, Missing
from orchestrator.store.engine import Database
from orchestrator.store.reading import PAGE, many, one
from orchestrator.store.records import Row, moment
from orchestrator.store.tables import budgets

CAP = 16  # turns of one budget at once; more rarely helps, and leaves other budgets without workers


@dataclass(frozen=True, kw_only=True)
class NewBudget:
    """A budget as asked for; `limits` is JSON in the shape of the API, empty for the provider's own."""

    name: str
    provider: str
    account: str | None = None
    limits: Sequence[Mapping[str, Any]] = ()
    reserve: float = 0.0  # share of each limit left to people and other integrations
    cap: int = CAP


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What a vendor counts calls against: one account or team."""

    id: int
    tenant_id: int | None  # None: shared by all tenants
    name: str
    provider: str
    account: str | None
    limits: Sequence[Mapping[str, Any]]
    reserve: float
    cap: int
    failures: int
    blocked_until: datetime | None
    blocked_by: str | None
    gate_until: datetime | None
    circuit_until: datetime | None  # see circuit.py
    width: float | None  # turns at once, as learned; None: never narrowed
    latency: timedelta | None  # of reads, smoothed
    learned: Mapping[str, Any]  # by limit name: limit, remaining, resets_in (s), header, at (µs); and `nonsense`


class Budgets:
    """All budgets."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, tenant_id: int | None, new: NewBudget) -> Budget:
        """Add a budget; raises Conflict where the tenant has one of that name."""
        with self._database.write() as connection:
            added = insert_budget(connection, self._database, tenant_id, new)
        return self.get(added)

    def get(self, budget_id: int) -> Budget:
        """Return the budget; raises Missing."""
        row = one(self._database, select(budgets).where(budgets.c.id == budget_id))
        if row is None:
            raise Missing("budget", budget_id)
        return budget_of(row)

    def by_name(self, tenant_id: int, name: str) -> Budget | None:
        """Return the tenant's budget of that name, else the shared one, else None."""
        mine = or_(budgets.c.tenant_id == tenant_id, budgets.c.tenant_id.is_(None))
        query = select(budgets).where(mine, budgets.c.name == name).order_by(budgets.c.tenant_id.is_(None)).limit(1)
        row = one(self._database, query)
        return None if row is None else budget_of(row)

    def list(self, tenant_id: int, after_id: int = 0, size: int = PAGE) -> Sequence[Budget]:
        """Return the tenant's own budgets and the shared ones, in the order of their ids."""
        mine = or_(budgets.c.tenant_id == tenant_id, budgets.c.tenant_id.is_(None))
        query = select(budgets).where(mine, budgets.c.id > after_id).order_by(budgets.c.id).limit(size)
        return [budget_of(row) for row in many(self._database, query)]

    def change(
        self,
        budget_id: int,
        *,
        limits: Sequence[Mapping[str, Any]] | None = None,
        reserve: float | None = None,
        cap: int | None = None,
    ) -> Budget:
        """Change what is given, leave the rest, and let the budget try again at once; raises Missing."""
        asked = {"limits": None if limits is None else list(limits), "reserve": reserve, "cap": cap}
        values = {name: value for name, value in asked.items() if value is not None}
        if values:
            changed = update(budgets).where(budgets.c.id == budget_id)
            with self._database.write() as connection:
                connection.execute(changed.values(**values, blocked_until=None, blocked_by=None))
        return self.get(budget_id)


def insert_budget(connection: Connection, database: Database, tenant_id: int | None, new: NewBudget) -> int:
    """Insert a budget in an open transaction and return its id; raises Conflict for a name that is taken."""
    statement = database.insert(budgets).values(
        tenant_id=tenant_id,
        name=new.name,
        provider=new.provider,
        account=new.account,
        limits=list(new.limits),
        reserve=new.reserve,
        cap=new.cap,
        created_at=database.now,
    )
    added = connection.execute(statement.on_conflict_do_nothing().returning(budgets.c.id)).scalar_one_or_none()
    if added is None:
        raise Conflict(f"there is a budget {new.name} already", "Join it by its name, or choose another name.")
    return int(added)


def budget_in(connection: Connection, budget_id: int) -> Budget:
    """Return a budget as an open transaction sees it."""
    return budget_of(connection.execute(select(budgets).where(budgets.c.id == budget_id)).mappings().one())


def budget_of(row: Row) -> Budget:
    """Return the budget of a row of `budgets`."""
    plain = ("id", "tenant_id", "name", "provider", "account", "limits", "reserve", "cap", "failures", "blocked_by")
    return Budget(
        **{name: row[name] for name in plain},
        blocked_until=moment(row["blocked_until"]),
        gate_until=moment(row["gate_until"]),
        circuit_until=moment(row["circuit_until"]),
        width=row["width"],
        latency=None if row["latency"] is None else timedelta(microseconds=row["latency"]),
        learned=row["learned"] or {},
    )
