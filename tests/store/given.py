"""What tests of the store begin with."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from orchestrator.job.criteria import DownloadCriteria
from orchestrator.job.status import Direction
from orchestrator.job.step import StepKind, Successor
from orchestrator.store.budgets import NewBudget
from orchestrator.store.connections import Connection, Connections, NewConnection
from orchestrator.store.engine import Database
from orchestrator.store.jobs import Jobs, NewJob
from orchestrator.store.keys import Keys

PEOPLE = DownloadCriteria(object_name="Person")


def a_tenant(database: Database, name: str = "acme") -> int:
    """Return the id of the tenant of that name."""
    return Keys(database).ensure_tenant(name).id


def a_new_connection(name: str = "sl", **changes: Any) -> NewConnection:
    """Return a wish for a connection with a budget of its own."""
    budget = NewBudget(name=name, provider="salesloft")
    wish = NewConnection(
        name=name, provider="salesloft", base_url="https://vendor.test", credential_type="bearer", budget=budget
    )
    return replace(wish, **changes)


def a_connection(database: Database, tenant_id: int, name: str = "sl", **changes: Any) -> Connection:
    """Return a connection whose credentials are "sealed" with a text that names their context."""
    return Connections(database).add(tenant_id, a_new_connection(name, **changes), seal)


def seal(context: bytes) -> str:
    """Return what stands for sealed credentials; it tells the context."""
    return f"sealed for {context.decode()}"


def a_new_job(connection: Connection, **changes: Any) -> NewJob:
    """Return a wish for a download with one fetch step."""
    wish = NewJob(
        tenant_id=connection.tenant_id,
        connection_id=connection.id,
        budget_id=connection.budget_id,
        provider=connection.provider,
        direction=Direction.DOWNLOAD,
        object_name="Person",
        criteria=PEOPLE,
        request={"objectName": "person"},
        first_steps=(Successor(kind=StepKind.FETCH),),
        api_limit=None,
        weight=1.0,
        auto_restart=True,
        give_up_after=timedelta(hours=24),
    )
    return replace(wish, **changes)


def a_job(database: Database, connection: Connection, **changes: Any) -> int:
    """Return the id of a new download."""
    return Jobs(database).add(a_new_job(connection, **changes)).id
