"""What SQL's ledger of hours says of a quota's window: the seed of a limiter that has to be told. Pure."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from orchestrator.clock import from_micros
from orchestrator.limits.limit import QuotaLimit

HOUR = timedelta(hours=1)  # the grain of the ledger: an hour counts as long as part of it does

Hours = Mapping[datetime, int]  # begin of the hour, units used in it


def used(limit: QuotaLimit, hours: Hours, now: datetime) -> int:
    """Return the units used in the window that `now` belongs to; those of its first hour all count."""
    return sum(units for _, units in _counted(limit, hours, now))


def counts_until(limit: QuotaLimit, hours: Hours, now: datetime) -> timedelta | None:
    """Return in how long a rolling window must be counted anew: its oldest use is over. None: it does not roll."""
    if limit.timezone is not None:
        return None
    oldest = min((began for began, units in _counted(limit, hours, now) if units), default=None)
    return limit.window if oldest is None else oldest + HOUR + limit.window - now


def used_as_told(limit: QuotaLimit, said: Mapping[str, Any], now: datetime) -> int:
    """Return what the vendor's last word of the last hour means for our share of a quota: others spend of it, too.

    `said` is as in `budgets.learned`: `remaining`, and `at` in µs.
    """
    if "remaining" not in said or now - from_micros(int(said.get("at", 0))) > HOUR:
        return 0
    kept = (limit.published or limit.amount) - limit.amount
    return max(0, ceil(limit.amount - max(0.0, float(said["remaining"]) - kept)))


def _counted(limit: QuotaLimit, hours: Hours, now: datetime) -> list[tuple[datetime, int]]:
    since = _begin(limit, now)
    return [(began, units) for began, units in hours.items() if began + HOUR > since]


def _begin(limit: QuotaLimit, now: datetime) -> datetime:
    if limit.timezone is None:
        return now - limit.window
    zone = ZoneInfo(limit.timezone)
    return datetime.combine(now.astimezone(zone).date(), time(), zone).astimezone(now.tzinfo)
