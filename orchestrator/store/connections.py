"""Connections: credentials at a provider, and the lease under which they are refreshed.

A refresh is never done inside a transaction: take the lease, call, store. The version of the credentials decides:
whoever holds a new pair stores it, lease or not, and everybody who saw the old version finds out by its row count.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sql
from sqlalchemy import ColumnElement, exists, or_, select, update

from orchestrator.clock import from_micros
from orchestrator.job.errors import Conflict, Missing
from orchestrator.job.status import JobStatus
from orchestrator.store.budgets import Budget, NewBudget, budget_in, insert_budget
from orchestrator.store.engine import Database
from orchestrator.store.reading import PAGE, many, one, only
from orchestrator.store.records import Row
from orchestrator.store.tables import connections, jobs, schedules

REFRESH = timedelta(seconds=30)  # twice the time-out of the token call
ENDED = (JobStatus.COMPLETED, JobStatus.CANCELED, JobStatus.ABORTED)

Seal = Callable[[bytes], str]  # encrypts the new credentials, bound to this context


class AuthState(StrEnum):
    """Whether the credentials are good."""

    OK = "ok"
    REAUTHORIZE = "reauthorize"  # a person must give new ones


@dataclass(frozen=True, kw_only=True)
class NewConnection:
    """A connection as asked for. `budget` is the id of one to join, or a new one."""

    name: str
    provider: str
    base_url: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    credential_type: str
    budget: int | NewBudget


@dataclass(frozen=True, kw_only=True)
class Connection:
    """One set of credentials at a provider."""

    id: int  # the API's instanceId
    tenant_id: int
    budget_id: int
    name: str
    provider: str
    base_url: str
    settings: Mapping[str, Any]
    credential_type: str
    credentials: str = field(repr=False)  # sealed under `context()`
    credentials_version: int
    auth_state: AuthState
    refresh_until: datetime | None  # somebody refreshes the token until then
    created_at: datetime
    updated_at: datetime

    def context(self, *, newer: int = 0) -> bytes:
        """Return what the credentials are bound to; with `newer=1` what their successor will be bound to."""
        return context(self.tenant_id, self.id, self.credentials_version + newer)


Also = Callable[[sql.Connection, Connection, Budget], None]  # writes something in the transaction that adds one


def context(tenant_id: int, connection_id: int, version: int) -> bytes:
    """Return what sealed credentials are bound to, so that they open nowhere else."""
    return f"{tenant_id}|{connection_id}|{version}".encode()


class Connections:
    """All connections."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, tenant_id: int, new: NewConnection, seal: Seal, also: Also | None = None) -> Connection:
        """Add a connection, its budget where that is new, and what `also` writes, in one transaction.

        Raises Conflict for a name that is taken.
        """
        with self._database.write() as connection:
            budget = new.budget
            if isinstance(budget, NewBudget):
                budget = insert_budget(connection, self._database, tenant_id, budget)
            added = self._insert(connection, tenant_id, new, budget)
            sealed = seal(context(tenant_id, added, 1))
            mine = update(connections).where(connections.c.id == added).values(credentials=sealed)
            whole = connection_of(connection.execute(mine.returning(connections)).mappings().one())
            if also is not None:
                also(connection, whole, budget_in(connection, budget))
        return whole

    def get(self, tenant_id: int, name: str | int) -> Connection:
        """Return the tenant's connection by its name, else by its instanceId; raises Missing."""
        row = one(self._database, _by_name(tenant_id, name))
        if row is None:
            raise Missing("connection", name)
        return connection_of(row)

    def by_id(self, connection_id: int) -> Connection:
        """Return any connection, removed ones too (their jobs still name them); raises Missing."""
        row = one(self._database, select(connections).where(connections.c.id == connection_id))
        if row is None:
            raise Missing("connection", connection_id)
        return connection_of(row)

    def list(self, tenant_id: int, after_id: int = 0, size: int = PAGE) -> Sequence[Connection]:
        """Return the tenant's connections in the order of their ids."""
        query = select(connections).where(
            connections.c.tenant_id == tenant_id, connections.c.removed_at.is_(None), connections.c.id > after_id
        )
        return [connection_of(row) for row in many(self._database, query.order_by(connections.c.id).limit(size))]

    def update(
        self,
        tenant_id: int,
        name: str | int,
        *,
        base_url: str | None = None,
        settings: Mapping[str, Any] | None = None,
        credential_type: str | None = None,
        seal: Seal | None = None,
    ) -> Connection:
        """Change what is given, leave the rest; new credentials (`seal`) make the connection `ok` again.

        Raises Missing.
        """
        asked = {"base_url": base_url, "settings": settings, "credential_type": credential_type}
        values: dict[str, Any] = {key: value for key, value in asked.items() if value is not None}
        with self._database.write() as connection:
            row = only(connection, _by_name(tenant_id, name).with_for_update())
            if row is None:
                raise Missing("connection", name)
            if seal is not None:
                version = row["credentials_version"] + 1
                values |= _fresh(seal(context(tenant_id, row["id"], version)), version)
            change = update(connections).where(connections.c.id == row["id"])
            connection.execute(change.values(updated_at=self._database.now, **values))
        return self.by_id(row["id"])

    def remove(self, tenant_id: int, name: str | int) -> None:
        """Remove the connection and erase its credentials; finished jobs keep it for their history.

        Raises Missing, and Conflict while a job or a schedule needs it.
        """
        with self._database.write() as connection:
            row = only(connection, _by_name(tenant_id, name).with_for_update())
            if row is None:
                raise Missing("connection", name)
            _refuse_if_needed(connection, row)
            change = update(connections).where(connections.c.id == row["id"])
            gone = {"name": f"{row['name'][:170]} (removed {row['id']})", "credentials": ""}
            connection.execute(change.values(removed_at=self._database.now, auth_state=AuthState.REAUTHORIZE, **gone))

    def take_refresh(self, connection_id: int, owner: str, seen_version: int) -> bool:
        """Take the right to refresh for 30 s; False: somebody else has it, or has been faster, or must reauthorize."""
        now = self._database.now
        free = or_(connections.c.refresh_until.is_(None), connections.c.refresh_until < now)
        return self._change(
            connection_id,
            (connections.c.auth_state == AuthState.OK, free, connections.c.credentials_version == seen_version),
            {"refresh_owner": owner, "refresh_until": self._database.after(REFRESH)},
        )

    def store_credentials(
        self, connection_id: int, sealed: str, seen_version: int, *, base_url: str | None = None
    ) -> bool:
        """Store new credentials, lease or not, unless newer ones are there; `sealed` is bound to `seen_version` + 1.

        `base_url`: where the account lives from now on, if that is elsewhere.
        """
        return self._change(
            connection_id,
            (connections.c.credentials_version == seen_version, connections.c.removed_at.is_(None)),
            _fresh(sealed, seen_version + 1) | ({} if base_url is None else {"base_url": base_url}),
        )

    def give_back_refresh(self, connection_id: int, owner: str) -> None:
        """Give the right to refresh back before its time; harmless when it is somebody else's by now."""
        mine = (connections.c.refresh_owner == owner,)
        self._change(connection_id, mine, {"refresh_owner": None, "refresh_until": None})

    def mark_reauthorize(self, connection_id: int, seen_version: int) -> bool:
        """Note that a person must authorize again, unless newer credentials are there; True for who noted it first."""
        return self._change(
            connection_id,
            (connections.c.auth_state == AuthState.OK, connections.c.credentials_version == seen_version),
            {"auth_state": AuthState.REAUTHORIZE, "refresh_owner": None, "refresh_until": None},
        )

    def _change(self, connection_id: int, when: Sequence[ColumnElement[bool]], values: Mapping[str, Any]) -> bool:
        change = update(connections).where(connections.c.id == connection_id, *when)
        with self._database.write() as connection:
            return connection.execute(change.values(**values)).rowcount == 1

    def _insert(self, connection: sql.Connection, tenant_id: int, new: NewConnection, budget_id: int) -> int:
        now = self._database.now
        statement = self._database.insert(connections).values(
            tenant_id=tenant_id,
            budget_id=budget_id,
            name=new.name,
            provider=new.provider,
            base_url=new.base_url,
            settings=dict(new.settings),
            credential_type=new.credential_type,
            credentials="",
            created_at=now,
            updated_at=now,
        )
        added = connection.execute(statement.on_conflict_do_nothing().returning(connections.c.id)).scalar_one_or_none()
        if added is None:
            raise Conflict(f"there is a connection {new.name} already", "Choose another name, or change that one.")
        return int(added)


def connection_of(row: Row) -> Connection:
    """Return the connection of a row of `connections`."""
    plain = ("id", "tenant_id", "budget_id", "name", "provider", "base_url", "settings", "credential_type")
    return Connection(
        **{name: row[name] for name in plain},
        credentials=row["credentials"],
        credentials_version=row["credentials_version"],
        auth_state=AuthState(row["auth_state"]),
        refresh_until=None if row["refresh_until"] is None else from_micros(row["refresh_until"]),
        created_at=from_micros(row["created_at"]),
        updated_at=from_micros(row["updated_at"]),
    )


def _fresh(sealed: str, version: int) -> dict[str, Any]:
    return {
        "credentials": sealed,
        "credentials_version": version,
        "auth_state": AuthState.OK,
        "refresh_owner": None,
        "refresh_until": None,
    }


def _by_name(tenant_id: int, name: str | int) -> sql.Select[Any]:
    named = connections.c.name == str(name)
    number = int(name) if str(name).isdecimal() and len(str(name)) < 19 else None
    wanted = named if number is None else or_(named, connections.c.id == number)
    query = select(connections).where(connections.c.tenant_id == tenant_id, connections.c.removed_at.is_(None), wanted)
    return query.order_by(connections.c.name != str(name)).limit(1)


def _refuse_if_needed(connection: sql.Connection, row: Row) -> None:
    live = exists().where(jobs.c.connection_id == row["id"], jobs.c.status.not_in(ENDED))
    if connection.execute(select(live)).scalar():
        raise Conflict(f"connection {row['name']} has jobs that have not ended", "Cancel them, or wait for their end.")
    if connection.execute(select(exists().where(schedules.c.connection_id == row["id"]))).scalar():
        raise Conflict(f"connection {row['name']} has schedules", "Remove them first.")
