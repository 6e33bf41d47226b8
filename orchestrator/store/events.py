"""The timeline of a job."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from orchestrator.clock import from_micros
from orchestrator.store.engine import Database
from orchestrator.store.reading import PAGE, many
from orchestrator.store.records import Row
from orchestrator.store.tables import events


@dataclass(frozen=True, kw_only=True)
class PastEvent:
    """A line of a job's timeline, as it was written."""

    id: int
    job_id: int
    step_id: int | None
    name: str
    data: Mapping[str, Any]
    at: datetime


class Events:
    """All timelines."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, job_id: int, after: int = 0, size: int = PAGE) -> Sequence[PastEvent]:
        """Return up to `size` lines with ids above `after`, oldest first."""
        query = select(events).where(events.c.job_id == job_id, events.c.id > after).order_by(events.c.id).limit(size)
        return [_event_of(row) for row in many(self._database, query)]

    def add(self, job_id: int, name: str, data: Mapping[str, Any], step_id: int | None = None) -> None:
        """Write a line that belongs to no commit; `data` holds no secret and no record."""
        values = {"job_id": job_id, "step_id": step_id, "name": name, "data": dict(data), "at": self._database.now}
        with self._database.write() as connection:
            connection.execute(events.insert().values(**values))


def _event_of(row: Row) -> PastEvent:
    plain = {name: row[name] for name in ("id", "job_id", "step_id", "name", "data")}
    return PastEvent(**plain, at=from_micros(row["at"]))
