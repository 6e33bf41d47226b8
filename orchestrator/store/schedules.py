"""Schedules, and the fires that are made once however many beats there are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, delete, select, update

from orchestrator.clock import from_micros, to_micros
from orchestrator.job.criteria import Criteria
from orchestrator.job.errors import Conflict, Missing
from orchestrator.job.status import Direction
from orchestrator.store.engine import Database
from orchestrator.store.reading import PAGE, many, one
from orchestrator.store.records import Row, criteria_of
from orchestrator.store.tables import schedule_fires, schedules

Submit = Callable[[Connection], int | None]  # submits the job in the transaction of the fire; None: skipped


@dataclass(frozen=True, kw_only=True)
class NewSchedule:
    """A schedule as asked for: `cron` or `every`, one of the two."""

    name: str
    connection_id: int
    cron: str | None = None  # five fields, in `timezone`
    every: timedelta | None = None  # whole seconds
    timezone: str = "UTC"
    direction: Direction
    request: Mapping[str, Any]  # the criteria or metaData as the user sent them
    criteria: Criteria
    enabled: bool = True
    next_fire_at: datetime


@dataclass(frozen=True, kw_only=True)
class Schedule(NewSchedule):
    """A schedule of a tenant."""

    id: int
    tenant_id: int
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Fire:
    """A moment at which a schedule fired, and the job that came of it (None: it was skipped)."""

    fire_at: datetime
    job_id: int | None


class Schedules:
    """All schedules."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, tenant_id: int, new: NewSchedule) -> Schedule:
        """Add a schedule; raises Conflict for a name that is taken."""
        values = {"tenant_id": tenant_id, "name": new.name, "created_at": self._database.now, **_timing(new)}
        values |= {"connection_id": new.connection_id, "direction": new.direction}
        values |= {"request": dict(new.request), "criteria": new.criteria.to_json()}
        statement = self._database.insert(schedules).values(**values)
        with self._database.write() as connection:
            added = connection.execute(statement.on_conflict_do_nothing().returning(schedules.c.id)).scalar()
        if added is None:
            raise Conflict(f"there is a schedule {new.name} already", "Choose another name, or change that one.")
        return self.get(tenant_id, new.name)

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

    def replace(self, tenant_id: int, name: str, new: NewSchedule) -> Schedule:
        """Put `new` in the place of the schedule, fires and id kept; raises Missing."""
        mine = (schedules.c.tenant_id == tenant_id, schedules.c.name == name)
        values = _timing(new) | {"request": dict(new.request), "criteria": new.criteria.to_json()}
        with self._database.write() as connection:
            if connection.execute(update(schedules).where(*mine).values(**values)).rowcount != 1:
                raise Missing("schedule", name)
        return self.get(tenant_id, name)

    def enable(self, tenant_id: int, name: str, *, enabled: bool, next_fire_at: datetime | None = None) -> None:
        """Switch the schedule on or off; switched on, it fires next at `next_fire_at` if given. Raises Missing."""
        mine = (schedules.c.tenant_id == tenant_id, schedules.c.name == name)
        values: dict[str, Any] = {"enabled": enabled}
        if next_fire_at is not None:
            values["next_fire_at"] = to_micros(next_fire_at)
        with self._database.write() as connection:
            if connection.execute(update(schedules).where(*mine).values(**values)).rowcount != 1:
                raise Missing("schedule", name)

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

    def fire(self, schedule_id: int, fire_at: datetime, submit: Submit, next_fire_at: datetime) -> bool:
        """Note the fire, submit its job and set the next time, together or not at all; False if it was fired before.

        Whatever `submit` raises undoes it all.
        """
        with self._database.write() as connection:
            first = self._note(connection, schedule_id, fire_at)
            if first:
                self._set_job(connection, schedule_id, fire_at, submit(connection))
            later = (schedules.c.id == schedule_id, schedules.c.next_fire_at <= to_micros(fire_at))
            connection.execute(update(schedules).where(*later).values(next_fire_at=to_micros(next_fire_at)))
        return first

    def fires(self, schedule_id: int, size: int = PAGE) -> Sequence[Fire]:
        """Return the latest fires, newest first."""
        query = select(schedule_fires).where(schedule_fires.c.schedule_id == schedule_id)
        rows = many(self._database, query.order_by(schedule_fires.c.fire_at.desc()).limit(size))
        return [Fire(fire_at=from_micros(row["fire_at"]), job_id=row["job_id"]) for row in rows]

    def _note(self, connection: Connection, schedule_id: int, fire_at: datetime) -> bool:
        statement = self._database.insert(schedule_fires).values(
            schedule_id=schedule_id, fire_at=to_micros(fire_at), created_at=self._database.now
        )
        return connection.execute(statement.on_conflict_do_nothing()).rowcount == 1

    def _set_job(self, connection: Connection, schedule_id: int, fire_at: datetime, job_id: int | None) -> None:
        this = (schedule_fires.c.schedule_id == schedule_id, schedule_fires.c.fire_at == to_micros(fire_at))
        connection.execute(update(schedule_fires).where(*this).values(job_id=job_id))


def schedule_of(row: Row) -> Schedule:
    """Return the schedule of a row of `schedules`."""
    plain = ("id", "tenant_id", "name", "connection_id", "cron", "timezone", "request", "enabled")
    direction = Direction(row["direction"])
    return Schedule(
        **{name: row[name] for name in plain},
        every=None if row["every_seconds"] is None else timedelta(seconds=row["every_seconds"]),
        direction=direction,
        criteria=criteria_of(direction, row["criteria"]),
        next_fire_at=from_micros(row["next_fire_at"]),
        created_at=from_micros(row["created_at"]),
    )


def _timing(new: NewSchedule) -> dict[str, Any]:
    return {
        "cron": new.cron,
        "every_seconds": None if new.every is None else new.every // timedelta(seconds=1),
        "timezone": new.timezone,
        "enabled": new.enabled,
        "next_fire_at": to_micros(new.next_fire_at),
    }


def _of(tenant_id: int) -> Select[Any]:
    return select(schedules).where(schedules.c.tenant_id == tenant_id)
