"""Every sealed text there is, so that a change of keys can seal it anew: credentials and webhook secrets."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, select, update

from orchestrator.store.connections import context
from orchestrator.store.engine import Database
from orchestrator.store.reading import many
from orchestrator.store.tables import connections, webhook_secrets
from orchestrator.store.tenants import webhook_context


@dataclass(frozen=True, kw_only=True)
class SealedText:
    """A sealed text, and where it is."""

    what: str  # for people
    text: str = field(repr=False)
    context: bytes  # what it is bound to
    column: Column[str] = field(repr=False)
    where: tuple[ColumnElement[bool], ...] = field(repr=False)


class SealedTexts:
    """The sealed texts of all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> Iterator[SealedText]:
        """Yield them; connections that were removed have none any more."""
        yield from map(_credentials, many(self._database, _of_connections()))
        yield from map(_webhook_secret, many(self._database, select(webhook_secrets)))

    def replace(self, old: SealedText, new: str) -> bool:
        """Put the same secret, sealed anew, in its place; False where somebody has stored another one meanwhile."""
        change = update(old.column.table).where(*old.where, old.column == old.text).values({old.column: new})
        with self._database.write() as connection:
            return connection.execute(change).rowcount == 1


def _of_connections() -> Select[Any]:
    plain = (connections.c.id, connections.c.tenant_id, connections.c.name)
    query = select(*plain, connections.c.credentials, connections.c.credentials_version)
    return query.where(connections.c.removed_at.is_(None))


def _credentials(row: Any) -> SealedText:
    bound = context(row["tenant_id"], row["id"], row["credentials_version"])
    where = (connections.c.id == row["id"], connections.c.credentials_version == row["credentials_version"])
    return SealedText(
        what=f"connection {row['name']}",
        text=row["credentials"],
        context=bound,
        column=connections.c.credentials,
        where=where,
    )


def _webhook_secret(row: Any) -> SealedText:
    bound = webhook_context(row["tenant_id"], row["version"])
    where = (webhook_secrets.c.tenant_id == row["tenant_id"], webhook_secrets.c.version == row["version"])
    what = f"webhook secret {row['version']} of tenant {row['tenant_id']}"
    return SealedText(what=what, text=row["secret"], context=bound, column=webhook_secrets.c.secret, where=where)
