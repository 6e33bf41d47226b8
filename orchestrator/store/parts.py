"""Reading the manifest: the parts of results; they are written by the commits of turns."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, exists, func, select

from orchestrator.job.chunk import Part, Stream
from orchestrator.store.engine import Database
from orchestrator.store.reading import many
from orchestrator.store.records import Row
from orchestrator.store.tables import parts


class Parts:
    """The manifests of all jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_job(self, job_id: int, stream: Stream, restart: int | None = None) -> Sequence[Part]:
        """Return the parts of one stream in the order of the result, of one restart only if given."""
        query = select(parts).where(parts.c.job_id == job_id, parts.c.stream == stream)
        return self._all(query if restart is None else query.where(parts.c.restart == restart))

    def of_step(self, job_id: int, step_id: int) -> Sequence[Part]:
        """Return the parts that one step wrote, in order."""
        return self._all(select(parts).where(parts.c.job_id == job_id, parts.c.step_id == step_id))

    def rows(self, job_id: int, stream: Stream) -> int:
        """Return how many rows the manifest of one stream names."""
        query = select(func.coalesce(func.sum(parts.c.rows), 0)).where(
            parts.c.job_id == job_id, parts.c.stream == stream
        )
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def named(self, object_key: str) -> bool:
        """Whether a manifest names this object; an object that none names is garbage."""
        with self._database.read() as connection:
            return bool(connection.execute(select(exists().where(parts.c.object_key == object_key))).scalar())

    def _all(self, query: Select[Any]) -> Sequence[Part]:
        in_order = query.order_by(parts.c.partition, parts.c.step_id, parts.c.restart, parts.c.seq)
        return [part_of(row) for row in many(self._database, in_order)]


def part_of(row: Row) -> Part:
    """Return the part of a row of `parts`."""
    plain = {name: row[name] for name in Part.__dataclass_fields__ if name != "stream"}
    return Part(**plain, stream=Stream(row["stream"]))
