"""Which objects nobody needs: no manifest, no chunk and no job names them (I2)."""

from collections.abc import Sequence

from sqlalchemy import select, union_all

from orchestrator.store.engine import Database
from orchestrator.store.tables import chunks, jobs, parts


class Garbage:
    """Objects without an owner."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def unnamed(self, keys: Sequence[str]) -> Sequence[str]:
        """Return those of the keys that no row names, in their order."""
        columns = (parts.c.object_key, chunks.c.object_key, chunks.c.rows_key, jobs.c.input_key, jobs.c.input_rows_key)
        named = union_all(*(select(column.label("key")).where(column.in_(keys)) for column in columns))
        with self._database.read() as connection:
            found = set(connection.execute(named).scalars())
        return [key for key in keys if key not in found]
