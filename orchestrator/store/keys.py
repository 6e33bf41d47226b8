"""Tenants and their API keys; a key is known by its hash alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, or_, select, update

from orchestrator.clock import from_micros
from orchestrator.job.errors import Conflict, Missing
from orchestrator.store.engine import Database
from orchestrator.store.reading import PAGE, many, one
from orchestrator.store.records import Row, moment
from orchestrator.store.tables import api_keys, tenants


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """Owner of keys, connections, jobs and schedules; nothing crosses tenants."""

    id: int
    name: str


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """A key of a tenant; its text is nowhere."""

    id: int
    tenant_id: int
    name: str
    scopes: frozenset[str]
    created_at: datetime
    revoked_at: datetime | None


class Keys:
    """All tenants and their keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_tenant(self, name: str) -> Tenant:
        """Add a tenant; raises Conflict for a name that is taken."""
        added = self._insert_tenant(name)
        if added is None:
            raise Conflict(f"there is a tenant {name} already", "Choose another name.")
        return Tenant(id=added, name=name)

    def ensure_tenant(self, name: str) -> Tenant:
        """Return the tenant of that name, added if it was not there."""
        self._insert_tenant(name)
        return self.tenant(name)

    def tenant(self, name: str) -> Tenant:
        """Return the tenant of that name; raises Missing."""
        row = one(self._database, select(tenants).where(tenants.c.name == name))
        if row is None:
            raise Missing("tenant", name)
        return Tenant(id=row["id"], name=row["name"])

    def tenants(self, after_id: int = 0, size: int = PAGE) -> Sequence[Tenant]:
        """Return the tenants in the order of their ids."""
        query = select(tenants).where(tenants.c.id > after_id).order_by(tenants.c.id).limit(size)
        return [Tenant(id=row["id"], name=row["name"]) for row in many(self._database, query)]

    def add_key(self, tenant_id: int, key_hash: str, scopes: Iterable[str], name: str) -> ApiKey:
        """Add a key by its hash; the same hash of the same tenant again changes nothing.

        Raises Conflict where another tenant has it, or where it was revoked.
        """
        statement = self._database.insert(api_keys).values(
            tenant_id=tenant_id,
            name=name,
            hash=key_hash,
            scopes=sorted(scopes),
            created_at=self._database.now,
        )
        with self._database.write() as connection:
            connection.execute(statement.on_conflict_do_nothing())
            row = connection.execute(select(api_keys).where(api_keys.c.hash == key_hash)).mappings().one()
        key = key_of(dict(row))
        if key.tenant_id != tenant_id or key.revoked_at is not None:
            raise Conflict("this key cannot be used again", "Make a new one.")
        return key

    def find(self, key_hash: str) -> ApiKey | None:
        """Return the key with this hash, unless there is none or it was revoked."""
        good = or_(api_keys.c.revoked_at.is_(None), api_keys.c.revoked_at > self._database.now)
        query = select(api_keys).where(api_keys.c.hash == key_hash, good)
        row = one(self._database, query)
        return None if row is None else key_of(row)

    def list(self, tenant_id: int) -> Sequence[ApiKey]:
        """Return the tenant's keys, revoked ones too, in the order of their ids."""
        query = select(api_keys).where(api_keys.c.tenant_id == tenant_id).order_by(api_keys.c.id)
        return [key_of(row) for row in many(self._database, query)]

    def revoke(self, tenant_id: int, key_id: int) -> None:
        """Revoke a key for good; revoking it again changes nothing. Raises Missing."""
        mine = (api_keys.c.id == key_id, api_keys.c.tenant_id == tenant_id)
        with self._database.write() as connection:
            if connection.execute(select(api_keys.c.id).where(*mine)).first() is None:
                raise Missing("key", key_id)
            self._revoke(connection, key_id)

    def renew(self, tenant_id: int, key_id: int, key_hash: str, overlap: timedelta) -> ApiKey:
        """Put a new key in the place of one, of the same name and scopes; the old one is good for `overlap` more.

        Raises Missing, and Conflict for a key that is revoked.
        """
        mine = (api_keys.c.id == key_id, api_keys.c.tenant_id == tenant_id)
        with self._database.write() as connection:
            row = connection.execute(select(api_keys).where(*mine).with_for_update()).mappings().first()
            if row is None:
                raise Missing("key", key_id)
            if row["revoked_at"] is not None:
                raise Conflict("this key is revoked, or renewed already", "Make a new one.")
            new = {"tenant_id": tenant_id, "name": row["name"], "hash": key_hash, "scopes": row["scopes"]}
            added = insert(api_keys).values(created_at=self._database.now, **new).returning(api_keys)
            key = key_of(connection.execute(added).mappings().one())
            self._revoke(connection, key_id, overlap)
        return key

    def _revoke(self, connection: Connection, key_id: int, overlap: timedelta = timedelta(0)) -> None:
        end = self._database.after(overlap)
        still = (api_keys.c.id == key_id, or_(api_keys.c.revoked_at.is_(None), api_keys.c.revoked_at > end))
        connection.execute(update(api_keys).where(*still).values(revoked_at=end))

    def _insert_tenant(self, name: str) -> int | None:
        statement = self._database.insert(tenants).values(name=name, created_at=self._database.now)
        with self._database.write() as connection:
            return connection.execute(statement.on_conflict_do_nothing().returning(tenants.c.id)).scalar_one_or_none()


def key_of(row: Row) -> ApiKey:
    """Return the key of a row of `api_keys`."""
    return ApiKey(
        id=row["id"],
        tenant_id=row["tenant_id"],
        name=row["name"],
        scopes=frozenset(row["scopes"]),
        created_at=from_micros(row["created_at"]),
        revoked_at=moment(row["revoked_at"]),
    )
