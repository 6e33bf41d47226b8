"""When a number of calls can be done: by the rate that is in force, by quotas and their resets, by apiLimit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from orchestrator.lifecycle.limit_desk import LimitsSeen
from orchestrator.lifecycle.take import until_midnight
from orchestrator.limits.burst import rate
from orchestrator.limits.limit import LimitState, QuotaLimit, RateLimit

A_CALL = timedelta(milliseconds=200)  # where no rate limits it; vendors far away take longer
DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class QuotaShare:
    """What a job takes of a quota."""

    name: str
    units: int
    amount: int
    available: int | None  # None: nothing was asked of this vendor since the limiter was started

    @property
    def share(self) -> float:
        """Of the whole quota, 1.0 is all of it."""
        return round(self.units / self.amount, 4) if self.amount else 0.0


def duration(points: int, calls: int, seen: LimitsSeen, api_limit: int | None = None, ahead: int = 0) -> timedelta:
    """Return how long from now the calls take, behind `ahead` units of others; quota waits are in it."""
    blocked = seen.blocked_until - seen.now if seen.blocked_until is not None else timedelta(0)
    at_work = blocked + _at_the_rate(points + ahead, calls, seen)
    waits = [_quota_wait(points + ahead, limit, seen) for limit in seen.limits if isinstance(limit, QuotaLimit)]
    return max([at_work, *waits, _own_limit_wait(calls, api_limit, seen.now)])


def _at_the_rate(points: int, calls: int, seen: LimitsSeen) -> timedelta:
    speeds = [rate(each) * _share(seen.states, each.name) for each in seen.limits if isinstance(each, RateLimit)]
    return timedelta(seconds=points / min(speeds)) if speeds and min(speeds) > 0 else calls * A_CALL


def _share(states: Mapping[str, LimitState], name: str) -> float:
    return states[name].share if name in states else 1.0


def _quota_wait(units: int, limit: QuotaLimit, seen: LimitsSeen) -> timedelta:
    state = seen.states.get(limit.name)
    left = limit.amount if state is None else max(0.0, state.available)
    if units <= left or not limit.amount:
        return timedelta(0)
    windows = ceil((units - left) / limit.amount)
    first = state.resets_in if state is not None and state.resets_in is not None else limit.window
    return first + (windows - 1) * limit.window


def _own_limit_wait(calls: int, api_limit: int | None, now: datetime) -> timedelta:
    days = 0 if api_limit is None else ceil(calls / api_limit) - 1
    return timedelta(0) if days <= 0 else until_midnight(now) + (days - 1) * DAY


def quota_shares(points: int, seen: LimitsSeen) -> Sequence[QuotaShare]:
    """Return what so many units are of each quota."""
    quotas = [limit for limit in seen.limits if isinstance(limit, QuotaLimit)]
    return [
        QuotaShare(
            name=limit.name,
            units=points,
            amount=int(limit.amount),
            available=int(state.available) if (state := seen.states.get(limit.name)) is not None else None,
        )
        for limit in quotas
    ]
