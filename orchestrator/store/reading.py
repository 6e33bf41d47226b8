"""Two ways to read: some rows, or the one row."""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Connection, Select

from orchestrator.store.engine import Database
from orchestrator.store.records import Row

PAGE = 200  # rows of a list, unless the caller says otherwise


def many(database: Database, query: Select[Any]) -> Sequence[Row]:
    """Return all rows of the query. Raises StoreDown."""
    with database.read() as connection:
        return cast(Sequence[Row], connection.execute(query).mappings().all())


def one(database: Database, query: Select[Any]) -> Row | None:
    """Return the only row of the query, or None. Raises StoreDown."""
    with database.read() as connection:
        return only(connection, query)


def only(connection: Connection, query: Select[Any]) -> Row | None:
    """Return the only row of the query within an open transaction, or None."""
    return cast(Row | None, connection.execute(query).mappings().one_or_none())
