"""The outbox: notifications that were written with the status they tell of, delivered afterwards, and how that went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, update

from orchestrator.clock import from_micros
from orchestrator.job.errors import Missing
from orchestrator.store.engine import Database
from orchestrator.store.reading import PAGE, many, one
from orchestrator.store.records import Row, moment
from orchestrator.store.tables import deliveries, outbox

LEASE = timedelta(seconds=60)  # twice the time-out of a delivery
LONGEST_CAUSE = 300  # characters


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One attempt. `ended_at` None: it is on its way, or its process died; `status` None: there was no answer."""

    number: int
    began_at: datetime
    ended_at: datetime | None
    status: int | None
    cause: str | None


@dataclass(frozen=True, kw_only=True)
class Notification:
    """A webhook on its way; `webhook_id` is the same in every attempt."""

    id: int
    webhook_id: str
    tenant_id: int
    job_id: int | None
    url: str
    kind: str
    body: Mapping[str, Any]
    attempts: int
    attempts_before: int  # those before it was asked for once more; the waits begin anew
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
            if row is not None:
                self._begin(connection, row["id"], row["attempts"])
        return None if row is None else _notification_of(dict(row))

    def mark(
        self,
        claimed: Notification,
        *,
        again_in: timedelta | None = None,
        delivered: bool = False,
        status: int | None = None,
        cause: str | None = None,
    ) -> None:
        """Note how an attempt went: delivered, or to be repeated after `again_in`, or (neither) given up.

        Where somebody else has taken the notification meanwhile, only the log of this attempt is written.
        """
        values: dict[str, Any] = {"due_at": None if again_in is None else self._database.after(again_in)}
        if delivered:
            values = {"due_at": None, "delivered_at": self._database.now}
        mine = (outbox.c.id == claimed.id, outbox.c.delivered_at.is_(None), outbox.c.attempts == claimed.attempts)
        this = (deliveries.c.outbox_id == claimed.id, deliveries.c.number == claimed.attempts)
        told = {"ended_at": self._database.now, "status": status, "cause": cause and cause[:LONGEST_CAUSE]}
        with self._database.write() as connection:
            connection.execute(update(outbox).where(*mine).values(**values))
            connection.execute(update(deliveries).where(*this).values(**told))

    def of_job(self, job_id: int, after: int = 0, size: int = PAGE) -> Sequence[Notification]:
        """Return the job's notifications with ids above `after`, oldest first."""
        query = select(outbox).where(outbox.c.job_id == job_id, outbox.c.id > after).order_by(outbox.c.id).limit(size)
        return [_notification_of(row) for row in many(self._database, query)]

    def deliveries(self, notification_ids: Sequence[int]) -> Mapping[int, Sequence[Delivery]]:
        """Return the attempts of each notification, oldest first."""
        query = select(deliveries).where(deliveries.c.outbox_id.in_(notification_ids))
        found: dict[int, list[Delivery]] = {each: [] for each in notification_ids}
        for row in many(self._database, query.order_by(deliveries.c.outbox_id, deliveries.c.number)):
            found[row["outbox_id"]].append(_delivery_of(row))
        return found

    def redeliver(self, job_id: int, notification_id: int) -> Notification:
        """Make a notification due once more under its old webhook id, its waits from the beginning; raises Missing.

        One that is on its way, or waits, is sent at once too.
        """
        this = (outbox.c.id == notification_id, outbox.c.job_id == job_id)
        values = {"due_at": self._database.now, "delivered_at": None, "attempts_before": outbox.c.attempts}
        with self._database.write() as connection:
            connection.execute(update(outbox).where(*this).values(**values))
        row = one(self._database, select(outbox).where(*this))
        if row is None:
            raise Missing("notification", notification_id)
        return _notification_of(row)

    def _begin(self, connection: Connection, notification_id: int, number: int) -> None:
        begun = {"outbox_id": notification_id, "number": number, "began_at": self._database.now}
        connection.execute(insert(deliveries).values(**begun))


def _delivery_of(row: Row) -> Delivery:
    return Delivery(
        number=row["number"],
        began_at=from_micros(row["began_at"]),
        ended_at=moment(row["ended_at"]),
        status=row["status"],
        cause=row["cause"],
    )


def _notification_of(row: Row) -> Notification:
    plain = ("id", "webhook_id", "tenant_id", "job_id", "url", "kind", "body", "attempts", "attempts_before")
    return Notification(
        **{name: row[name] for name in plain},
        due_at=moment(row["due_at"]),
        delivered_at=moment(row["delivered_at"]),
        created_at=from_micros(row["created_at"]),
    )
