"""Plans that stay fast with a hundred thousand steps that wait, or that are due and may not run."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text

from orchestrator.job.commit import Commit, Wait
from orchestrator.job.step import StepKind, Successor
from orchestrator.store.budgets import NewBudget
from orchestrator.store.connections import Connection
from orchestrator.store.engine import Database
from orchestrator.store.hints import Hint
from orchestrator.store.store import Store
from tests.store.given import a_connection, a_job, a_tenant

CAP = 4
MANY = 100_000


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


@pytest.fixture
def connection(store: Store) -> Connection:
    """A connection whose budget lets four turns run at once."""
    budget = NewBudget(name="sl", provider="salesloft", cap=CAP)
    return a_connection(store.database, a_tenant(store.database), budget=budget)


def a_job_of(store: Store, connection: Connection, *kinds: StepKind, **changes: Any) -> int:
    """Add a job that begins with these steps."""
    first = tuple(Successor(kind=kind, vendor_seq=n, partition=n) for n, kind in enumerate(kinds))
    return a_job(store.database, connection, first_steps=first, **changes)


def take(store: Store, connection: Connection, room: int = 100, **how: Any) -> Sequence[Hint]:
    return store.hints.take(connection.budget_id, room=room, **how)


def claimed(store: Store, step_id: int) -> Any:
    claim = store.claims.claim(step_id, "worker")
    assert claim is not None
    return claim.lease


def fill(store: Store, job_id: int, due_in: timedelta) -> None:
    """Give a job a hundred thousand more steps, due then."""
    series = {
        "postgresql": "SELECT n FROM generate_series(1000, :last) AS n",
        "sqlite": "WITH RECURSIVE c(n) AS (SELECT 1000 UNION ALL SELECT n + 1 FROM c WHERE n < :last) SELECT n FROM c",
    }[store.database.dialect]
    columns = "job_id, budget_id, connection_id, provider, kind, state, cursor, created_at"
    statement = f"""
        INSERT INTO steps ({columns}, vendor_seq, partition, due_at, vtime)
        SELECT {columns}, series.n, series.n, due_at + :pause, vtime + series.n
        FROM steps, ({series}) AS series WHERE job_id = :job
    """
    numbers = {"last": 999 + MANY, "job": job_id, "pause": due_in // timedelta(microseconds=1)}
    with store.database.write() as connection:
        connection.execute(text(statement), numbers)
        connection.execute(text("ANALYZE steps"))


@contextmanager
def statements(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """Note every statement about steps, with its parameters."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if re.search(r"\bsteps\b", statement):
            seen.append((statement, parameters))

    engines = {database._writer, database._reader}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    yield seen
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)


def plan(database: Database, statement: str, parameters: Any) -> str:
    """Return how the database would carry the statement out."""
    words = "EXPLAIN" if database.dialect == "postgresql" else "EXPLAIN QUERY PLAN"
    with database.read() as connection:
        rows = connection.exec_driver_sql(f"{words} {statement}", parameters)
        return "\n".join(str(row[-1]) for row in rows)


def reads_it_all(plan: str) -> bool:
    """Whether the plan looks at every row of the table, or sorts a hundred thousand of them."""
    return bool(re.search(r"Seq Scan on steps|SCAN steps(?! USING)", plan))


@pytest.mark.parametrize("due_in", [timedelta(hours=1), timedelta(0)], ids=["waiting", "due but capped"])
def test_a_hundred_thousand_steps_are_never_all_looked_at(
    store: Store, connection: Connection, due_in: timedelta
) -> None:
    crowd = a_job_of(store, connection, StepKind.FETCH)
    fill(store, crowd, due_in)
    a_job_of(store, connection, *[StepKind.POLL] * CAP)
    lease = claimed(store, take(store, connection, room=1)[0].step_id)

    with statements(store.database) as seen:
        store.hints.budgets_due()
        take(store, connection)
        take(store, connection)
        store.commits.commit(lease, Commit(cursor={"after": 1}))
        store.commits.commit(lease, Commit(outcome=Wait.nothing()))

    plans = {statement: plan(store.database, statement, parameters) for statement, parameters in seen}
    assert len(plans) > 8
    assert [(statement, plan) for statement, plan in plans.items() if reads_it_all(plan)] == []
