"""The outbox: notifications that were written with the status they tell of, and are delivered afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from orchestrator.clock import from_micros
from orchestrator.job.errors import Missing
from orchestrator.store.engine import Database
from orchestrator.store.reading import PAGE, many, one
from orchestrator.store.records import Row, moment
from orchestrator.store.tables import outbox

LEASE = timedelta(seconds=60)  # twice the time-out of a delivery


@dataclass(frozen=True, kw_only=True)
class Notification:
    """A webhook on its way; `webhook_id` is the same in every attempt."""

    id: int
    webhook_id: str
    tenant_id: int
    job_id: int
    url: str
    kind: str
    body: Mapping[str, Any]
    attempts: int
    due_at: datetime | None  # None: delivered, or given up
    delivered_at: datetime | None
    created_at: datetime


class Outbox:
    """The notifications of all jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, size: int = PAGE) -> Sequence[int]:
        """Return the ids of notifications whose time has come, oldest first."""
        waiting = (outbox.c.due_at <= self._database.now, outbox.c.delivered_at.is_(None))
        query = select(outbox.c.id).where(*waiting).order_by(outbox.c.due_at).limit(size)
        return [row["id"] for row in many(self._database, query)]

    def claim(self, notification_id: int) -> Notification | None:
        """Take a notification for one attempt of at most 60 s; None if it is not due: taken, delivered or given up."""
        due = (outbox.c.id == notification_id, outbox.c.due_at <= self._database.now, outbox.c.delivered_at.is_(None))
        values = {"attempts": outbox.c.attempts + 1, "due_at": self._database.after(LEASE)}
        with self._database.write() as connection:
            row = connection.execute(update(outbox).where(*due).values(**values).returning(outbox)).mappings().first()
        return None if row is None else _notification_of(dict(row))

    def mark(self, notification_id: int, *, again_in: timedelta | None = None, delivered: bool = False) -> None:
        """Note how an attempt went: delivered, or to be repeated after `again_in`, or (neither) given up."""
        values: dict[str, Any] = {"due_at": None if again_in is None else self._database.after(again_in)}
        if delivered:
            values = {"due_at": None, "delivered_at": self._database.now}
        open_still = (outbox.c.id == notification_id, outbox.c.delivered_at.is_(None))
        with self._database.write() as connection:
            connection.execute(update(outbox).where(*open_still).values(**values))

    def of_job(self, job_id: int) -> Sequence[Notification]:
        """Return the job's notifications, oldest first."""
        query = select(outbox).where(outbox.c.job_id == job_id).order_by(outbox.c.id)
        return [_notification_of(row) for row in many(self._database, query)]

    def redeliver(self, job_id: int, notification_id: int) -> Notification:
        """Make a notification due once more, under its old webhook id; raises Missing."""
        this = (outbox.c.id == notification_id, outbox.c.job_id == job_id)
        values = {"due_at": self._database.now, "delivered_at": None}
        with self._database.write() as connection:
            connection.execute(update(outbox).where(*this).values(**values))
        row = one(self._database, select(outbox).where(*this))
        if row is None:
            raise Missing("notification", notification_id)
        return _notification_of(row)


def _notification_of(row: Row) -> Notification:
    plain = ("id", "webhook_id", "tenant_id", "job_id", "url", "kind", "body", "attempts")
    return Notification(
        **{name: row[name] for name in plain},
        due_at=moment(row["due_at"]),
        delivered_at=moment(row["delivered_at"]),
        created_at=from_micros(row["created_at"]),
    )
