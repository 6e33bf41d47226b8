"""How much of each quota a budget has used, hour by hour: the seed of a limiter that has lost its memory."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, select

from orchestrator.clock import from_micros
from orchestrator.store.engine import Database
from orchestrator.store.reading import many
from orchestrator.store.tables import api_usage

HOUR = timedelta(hours=1) // timedelta(microseconds=1)
KEPT = timedelta(days=8)  # the longest quota window of a vendor is a week


class Usage:
    """The used units of all budgets."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, budget_id: int, within: timedelta = timedelta(hours=24)) -> Mapping[str, int]:
        """Return the units used of each limit, by its name, in the hours that touch the time since `within` ago."""
        since = self._database.after(-within) - HOUR
        query = (
            select(api_usage.c.limit_name, func.sum(api_usage.c.used).label("used"))
            .where(api_usage.c.budget_id == budget_id, api_usage.c.window_start > since)
            .group_by(api_usage.c.limit_name)
        )
        return {row["limit_name"]: int(row["used"]) for row in many(self._database, query)}

    def hours(self, budget_id: int) -> Mapping[str, Mapping[datetime, int]]:
        """Return the units used of each limit, by its name, in each hour that is still kept."""
        query = select(api_usage).where(api_usage.c.budget_id == budget_id)
        found: dict[str, dict[datetime, int]] = {}
        for row in many(self._database, query):
            found.setdefault(row["limit_name"], {})[from_micros(row["window_start"])] = row["used"]
        return found

    def add(self, budget_id: int, used: Mapping[str, int]) -> None:
        """Add units to each limit's current hour, in a transaction of its own."""
        with self._database.write() as connection:
            write_usage(connection, self._database, budget_id, used)

    def sweep(self, older: timedelta = KEPT) -> int:
        """Forget hours older than this; return how many."""
        with self._database.write() as connection:
            gone = delete(api_usage).where(api_usage.c.window_start < self._database.after(-older))
            return connection.execute(gone).rowcount


def write_usage(connection: Connection, database: Database, budget_id: int, used: Mapping[str, int]) -> None:
    """Add units to each limit's current hour within an open transaction."""
    for limit, units in sorted(used.items()):
        hour = database.now // HOUR * HOUR
        statement = database.insert(api_usage).values(
            budget_id=budget_id, limit_name=limit, window_start=hour, used=units
        )
        grown = statement.on_conflict_do_update(
            index_elements=["budget_id", "limit_name", "window_start"],
            set_={"used": api_usage.c.used + statement.excluded.used},
        )
        connection.execute(grown)
