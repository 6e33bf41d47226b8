"""What a tenant has set for itself: where notifications go by default, and the secrets that sign them.

A secret is random, sealed like credentials, and belongs to the tenant: a change of the encryption keys does not touch
what receivers have been given. When it is changed itself, the old one goes on signing beside it for a while.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, select, update

from orchestrator.clock import from_micros
from orchestrator.job.errors import Missing
from orchestrator.store.engine import Database
from orchestrator.store.reading import many, one
from orchestrator.store.records import Row, moment
from orchestrator.store.tables import tenants, webhook_secrets

SealNew = Callable[[bytes], str]  # makes a new secret and seals it, bound to this context


@dataclass(frozen=True, kw_only=True)
class WebhookSecret:
    """A secret that signs, sealed under `context()`."""

    tenant_id: int
    version: int
    secret: str = field(repr=False)
    signs_until: datetime | None  # None: it is the latest
    created_at: datetime

    def context(self) -> bytes:
        """Return what the secret is bound to."""
        return webhook_context(self.tenant_id, self.version)


def webhook_context(tenant_id: int, version: int) -> bytes:
    """Return what a tenant's sealed secret is bound to, so that it opens nowhere else."""
    return f"webhook|{tenant_id}|{version}".encode()


class Tenants:
    """What all tenants have set."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def notification_url(self, tenant_id: int) -> str | None:
        """Return where the tenant's notifications go by default; raises Missing."""
        row = one(self._database, select(tenants.c.notification_url).where(tenants.c.id == tenant_id))
        if row is None:
            raise Missing("tenant", tenant_id)
        url: str | None = row["notification_url"]
        return url

    def set_notification_url(self, tenant_id: int, url: str | None) -> None:
        """Let the tenant's notifications go there from now on; None: nowhere."""
        with self._database.write() as connection:
            connection.execute(update(tenants).where(tenants.c.id == tenant_id).values(notification_url=url))

    def webhook_secrets(self, tenant_id: int, seal: SealNew) -> Sequence[WebhookSecret]:
        """Return the secrets that sign now, the latest first; the tenant's first one is made here."""
        found = self._signing(tenant_id)
        if not found:
            self._add(tenant_id, seal, version=1)
            found = self._signing(tenant_id)
        return found

    def new_webhook_secret(self, tenant_id: int, seal: SealNew, overlap: timedelta) -> Sequence[WebhookSecret]:
        """Let a new secret sign, and those that sign now beside it for `overlap` at most; return all of them."""
        latest = max((each.version for each in self._signing(tenant_id)), default=0)
        self._add(tenant_id, seal, version=latest + 1, overlap=overlap)
        return self._signing(tenant_id)

    def _add(self, tenant_id: int, seal: SealNew, *, version: int, overlap: timedelta = timedelta(0)) -> None:
        """Add a version, unless somebody was faster; the one before signs a while longer."""
        values = {"tenant_id": tenant_id, "version": version, "created_at": self._database.now}
        sealed = seal(webhook_context(tenant_id, version))
        statement = self._database.insert(webhook_secrets).values(secret=sealed, **values)
        with self._database.write() as connection:
            if connection.execute(statement.on_conflict_do_nothing()).rowcount == 1:
                self._retire(connection, tenant_id, version, overlap)

    def _retire(self, connection: Connection, tenant_id: int, version: int, overlap: timedelta) -> None:
        until = self._database.after(overlap)
        before = (webhook_secrets.c.tenant_id == tenant_id, webhook_secrets.c.version < version)
        longer = or_(webhook_secrets.c.signs_until.is_(None), webhook_secrets.c.signs_until > until)
        connection.execute(update(webhook_secrets).where(*before, longer).values(signs_until=until))

    def _signing(self, tenant_id: int) -> Sequence[WebhookSecret]:
        until = webhook_secrets.c.signs_until
        signs = or_(until.is_(None), until > self._database.now)
        query = select(webhook_secrets).where(webhook_secrets.c.tenant_id == tenant_id, signs)
        return [_secret_of(row) for row in many(self._database, query.order_by(webhook_secrets.c.version.desc()))]


def _secret_of(row: Row) -> WebhookSecret:
    return WebhookSecret(
        tenant_id=row["tenant_id"],
        version=row["version"],
        secret=row["secret"],
        signs_until=moment(row["signs_until"]),
        created_at=from_micros(row["created_at"]),
    )
