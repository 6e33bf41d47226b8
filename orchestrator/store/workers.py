"""Which worker processes are alive: one heartbeat row per process."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from orchestrator.clock import from_micros
from orchestrator.store.engine import Database
from orchestrator.store.reading import many
from orchestrator.store.tables import workers

ALIVE = timedelta(seconds=15)  # five heartbeats of 3 s


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A worker process that was seen lately; `slots` turns run in it at once."""

    id: str
    queues: Sequence[str]
    slots: int
    seen_at: datetime


class Workers:
    """All worker processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def beat(self, worker_id: str, queues: Sequence[str], slots: int) -> None:
        """Note that the process lives and which queues it serves."""
        values = {"queues": list(queues), "slots": slots, "seen_at": self._database.now}
        statement = self._database.insert(workers).values(id=worker_id, **values)
        with self._database.write() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))

    def prove(self, worker_id: str) -> None:
        """Note that the process took a message just now: a heartbeat alone does not prove that it consumes."""
        with self._database.write() as connection:
            took = update(workers).where(workers.c.id == worker_id)
            connection.execute(took.values(consumed_at=self._database.now))

    def any_consumes(self) -> bool:
        """Return whether any process took a message within 15 s."""
        query = select(workers.c.id).where(workers.c.consumed_at > self._database.after(-ALIVE)).limit(1)
        return bool(many(self._database, query))

    def leave(self, worker_id: str) -> None:
        """Note that the process ends; harmless when repeated."""
        with self._database.write() as connection:
            connection.execute(delete(workers).where(workers.c.id == worker_id))

    def alive(self) -> Sequence[Worker]:
        """Return the processes seen within 15 s."""
        query = select(workers).where(workers.c.seen_at > self._database.after(-ALIVE)).order_by(workers.c.id)
        plain = ("id", "queues", "slots")
        return [
            Worker(**{name: row[name] for name in plain}, seen_at=from_micros(row["seen_at"]))
            for row in many(self._database, query)
        ]

    def live(self, queue: str) -> int:
        """Return the slots of all live processes that serve the queue."""
        return sum(worker.slots for worker in self.alive() if queue in worker.queues)

    def sweep(self, older: timedelta = timedelta(hours=1)) -> int:
        """Forget processes not seen for so long; return how many."""
        with self._database.write() as connection:
            gone = delete(workers).where(workers.c.seen_at < self._database.after(-older))
            return connection.execute(gone).rowcount
