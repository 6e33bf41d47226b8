"""Schedules as they are kept; what their times make is in `fires.py`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, delete, select, update

from orchestrator.clock import from_micros, to_micros
from orchestrator.job.criteria import Criteria
from orchestrator.job.errors import Conflict, Missing
from orchestrator.job.schedule import CatchUp, Overlap
from orchestrator.job.status import Direction
from orchestrator.store.engine import Database
from orchestrator.store.reading import PAGE, many, one
from orchestrator.store.records import Row, criteria_of
from orchestrator.store.tables import schedules


@dataclass(frozen=True, kw_only=True)
class NewSchedule:
    """A schedule as asked for: `cron` or `every`, one of the two."""

    name: str
    connection_id: int
    cron: str | None = None  # in `timezone`
    every: timedelta | None = None  # whole seconds
    timezone: str = "UTC"
    direction: Direction
    request: Mapping[str, Any]  # the criteria or metaData as the user sent them
    criteria: Criteria
    overlap: Overlap = Overlap.SKIP
    catch_up: CatchUp = CatchUp.ONE
    continue_from_last: bool = False
    notification_url: str | None = None
    enabled: bool = True
    next_fire_at: datetime


@dataclass(frozen=True, kw_only=True)
class Schedule(NewSchedule):
    """A schedule of a tenant."""

    id: int
    tenant_id: int
    created_at: datetime


Also = Callable[[Connection, Schedule], None]  # writes something of its own in the transaction that adds a schedule


class Schedules:
    """All schedules."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, tenant_id: int, new: NewSchedule, also: Also | None = None) -> Schedule:
        """Add a schedule, and what `also` writes, in one transaction; raises Conflict for a name that is taken."""
        values = {"tenant_id": tenant_id, "name": new.name, "created_at": self._database.now, **_values(new)}
        statement = self._database.insert(schedules).values(direction=new.direction, **values)
        with self._database.write() as connection:
            row = connection.execute(statement.on_conflict_do_nothing().returning(schedules)).mappings().first()
            if row is None:
                advice = "Choose another name, or change that one."
                raise Conflict(f"there is a schedule {new.name} already", advice, code="name_taken")
            added = schedule_of(row)
            if also is not None:
                also(connection, added)
        return added

    def get(self, tenant_id: int, name: str) -> Schedule:
        """Return the tenant's schedule; raises Missing."""
        row = one(self._database, _of(tenant_id).where(schedules.c.name == name))
        if row is None:
            raise Missing("schedule", name)
        return schedule_of(row)

    def list(self, tenant_id: int, after_id: int = 0, size: int = PAGE) -> Sequence[Schedule]:
        """Return the tenant's schedules in the order of their ids."""
        query = _of(tenant_id).where(schedules.c.id > after_id).order_by(schedules.c.id).limit(size)
        return [schedule_of(row) for row in many(self._database, query)]

    def replace(self, tenant_id: int, name: str, new: NewSchedule, seen: datetime | None = None) -> Schedule:
        """Put `new` in the place of the schedule, its name, fires and id kept; raises Missing.

        A next time that is still the one `seen` is left as it is: a beat may have moved it on meanwhile.
        """
        mine = (schedules.c.tenant_id == tenant_id, schedules.c.name == name)
        values = _values(new)
        if new.next_fire_at == seen:
            del values["next_fire_at"]
        with self._database.write() as connection:
            if connection.execute(update(schedules).where(*mine).values(**values)).rowcount != 1:
                raise Missing("schedule", name)
        return self.get(tenant_id, name)

    def remove(self, tenant_id: int, name: str) -> None:
        """Remove the schedule and its list of fires; its jobs stay. Raises Missing."""
        mine = (schedules.c.tenant_id == tenant_id, schedules.c.name == name)
        with self._database.write() as connection:
            if connection.execute(delete(schedules).where(*mine)).rowcount != 1:
                raise Missing("schedule", name)

    def due(self, size: int = PAGE) -> Sequence[Schedule]:
        """Return the enabled schedules of all tenants whose time has come by the database's clock, oldest first."""
        query = select(schedules).where(schedules.c.enabled, schedules.c.next_fire_at <= self._database.now)
        return [schedule_of(row) for row in many(self._database, query.order_by(schedules.c.next_fire_at).limit(size))]


def schedule_of(row: Row) -> Schedule:
    """Return the schedule of a row of `schedules`."""
    plain = (
        "id", "tenant_id", "name", "connection_id", "cron", "timezone", "request", "continue_from_last",
        "notification_url", "enabled",
    )  # fmt: skip
    direction = Direction(row["direction"])
    return Schedule(
        **{name: row[name] for name in plain},
        every=None if row["every_seconds"] is None else timedelta(seconds=row["every_seconds"]),
        direction=direction,
        criteria=criteria_of(direction, row["criteria"]),
        overlap=Overlap(row["overlap"]),
        catch_up=CatchUp(row["catch_up"]),
        next_fire_at=from_micros(row["next_fire_at"]),
        created_at=from_micros(row["created_at"]),
    )


def _values(new: NewSchedule) -> dict[str, Any]:
    return {
        "connection_id": new.connection_id,
        "request": dict(new.request),
        "criteria": new.criteria.to_json(),
        "cron": new.cron,
        "every_seconds": None if new.every is None else new.every // timedelta(seconds=1),
        "timezone": new.timezone,
        "overlap": new.overlap,
        "catch_up": new.catch_up,
        "continue_from_last": new.continue_from_last,
        "notification_url": new.notification_url,
        "enabled": new.enabled,
        "next_fire_at": to_micros(new.next_fire_at),
    }


def _of(tenant_id: int) -> Select[Any]:
    return select(schedules).where(schedules.c.tenant_id == tenant_id)
