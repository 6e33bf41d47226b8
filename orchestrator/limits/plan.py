"""What the scripts are told of a budget's limits: keys, fields and numbers, in the order the top of each script has.

What does not change from call to call is packed once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import quote

import msgspec

from orchestrator.clock import MICROSECOND
from orchestrator.limits import burst, pauses
from orchestrator.limits.limit import ConcurrencyLimit, Limit, LimitState, News, QuotaLimit, RateLimit, Seed
from orchestrator.limits.state import state_of

RATE, QUOTA = 1, 2  # as in prelude.lua
HEAD = ("born", "gate", "slow", "slow_at", "synced")
PER_LIMIT = ("share", "at", "used", "told")

Metered = RateLimit | QuotaLimit
Midnight = Callable[[str], int]  # time zone → µs of the next midnight there


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A budget and its limits, as the scripts take them; the same for each call, so made once."""

    prefix: str
    name: str
    limits: tuple[Limit, ...]

    @cached_property
    def budget(self) -> str:
        """The budget's own key; what is in braces decides where a clustered Redis keeps all keys of the budget."""
        return f"{self.prefix}:{{{_quoted(self.name)}}}"

    @cached_property
    def metered(self) -> Sequence[Metered]:
        """The rates and quotas, in the order the scripts count them."""
        return [limit for limit in self.limits if not isinstance(limit, ConcurrencyLimit)]

    @cached_property
    def counted(self) -> Sequence[ConcurrencyLimit]:
        """The concurrency limits, in the order the scripts count them."""
        return [limit for limit in self.limits if isinstance(limit, ConcurrencyLimit)]

    @cached_property
    def slots(self) -> Sequence[str]:
        """The keys of the concurrency limits."""
        return [f"{self.budget}:slots:{_quoted(limit.name)}" for limit in self.counted]

    def grant(self, grant_id: str) -> str:
        """Return the key of a grant."""
        return f"{self.budget}:grant:{grant_id}"

    @cached_property
    def spare(self) -> float:
        """How many units all turns together may hold; see `burst.spare`."""
        return burst.spare_of_all(self.metered)

    @cached_property
    def use_by(self) -> int:
        """How long tokens may be kept, in µs."""
        return burst.use_by(self.metered) // MICROSECOND

    @cached_property
    def fields(self) -> bytes:
        """The fields of the budget's hash that the scripts read."""
        named = [f"{field}:{_field(limit)}" for limit in self.metered for field in PER_LIMIT]
        return _packed([*HEAD, *named])

    def numbers(self, midnight: Midnight) -> bytes:
        """Return what acquire, release and settle are told of the limits."""
        return self._with_days(midnight) if self._has_days else self._packed_numbers

    @cached_property
    def _has_days(self) -> bool:
        return any(isinstance(limit, QuotaLimit) and limit.timezone for limit in self.metered)

    @cached_property
    def _packed_numbers(self) -> bytes:
        return self._with_days(lambda _: 0)

    def _with_days(self, midnight: Midnight) -> bytes:
        return _packed([_numbers(limit, midnight) for limit in self.metered])

    def told(self, news: News, midnight: Midnight) -> bytes:
        """Return what observe.lua is told of the limits."""
        return _packed([_told(limit, news, midnight) for limit in self.metered])

    def states(self, told: Sequence[bytes]) -> Sequence[LimitState]:
        """Return what look.lua told of the limits, in their own order."""
        if not told:
            return ()
        gate, metered, taken = int(told[0]) * MICROSECOND, iter(self.metered), iter(told[1 + 3 * len(self.metered) :])
        found = {
            id(limit): state_of(limit, float(units), float(resets_in), float(share), gate)
            for limit, units, resets_in, share in zip(metered, told[1::3], told[2::3], told[3::3], strict=False)
        }
        found |= {id(limit): state_of(limit, limit.amount - int(next(taken)), -1, 1.0, gate) for limit in self.counted}
        return [found[id(limit)] for limit in self.limits]

    def seeded(self, seed: Seed, midnight: Midnight) -> bytes:
        """Return what seed.lua is told of the rates and quotas."""
        return _packed([_seeded(limit, seed, midnight) for limit in self.metered])


@lru_cache(maxsize=1024)
def plan(prefix: str, budget: str, limits: tuple[Limit, ...]) -> Plan:
    """Return the plan of a budget, made at most once."""
    return Plan(prefix=prefix, name=budget, limits=limits)


def micros(span: timedelta | None) -> int:
    """Return whole µs, -1 for a span that is not known."""
    return -1 if span is None else max(0, span // MICROSECOND)


def _numbers(limit: Metered, midnight: Midnight) -> Sequence[Any]:
    if isinstance(limit, QuotaLimit):
        return QUOTA, _field(limit), limit.amount, micros(limit.window), _day_end(limit, midnight)
    worth = burst.WAKE_SECONDS * burst.rate(limit)
    return RATE, _field(limit), burst.interval(limit), burst.burst(limit), burst.room(limit), worth


def _told(limit: Metered, news: News, midnight: Midnight) -> Sequence[Any]:
    said = (
        limit.amount,
        limit.published or limit.amount,
        news.remaining.get(limit.name, -1),
        news.limits.get(limit.name, -1),
        micros(pauses.told_reset(limit, news)),
    )
    if isinstance(limit, QuotaLimit):
        return QUOTA, _field(limit), micros(limit.window), *said, _day_end(limit, midnight)
    watched = 0 if burst.is_short(limit) else micros(limit.window)
    return RATE, _field(limit), burst.interval(limit), *said, watched, burst.held_back(limit)


def _seeded(limit: Metered, seed: Seed, midnight: Midnight) -> Sequence[Any]:
    if isinstance(limit, RateLimit):
        return RATE, _field(limit)
    named = seed.quota_resets_in.get(limit.name)
    day_end = _day_end(limit, midnight) if named is None else 0
    used = seed.quota_used.get(limit.name, 0)
    return QUOTA, _field(limit), used, micros(limit.window if named is None else named), day_end


def _field(limit: Metered) -> str:
    return f"{'rate' if isinstance(limit, RateLimit) else 'quota'}:{_quoted(limit.name)}"


def _day_end(limit: QuotaLimit, midnight: Midnight) -> int:
    return midnight(limit.timezone) if limit.timezone else 0


def _packed(values: Sequence[Any]) -> bytes:
    return msgspec.msgpack.encode(values)


def _quoted(name: str) -> str:
    return quote(name, safe="")  # braces, blanks and "=" mean something in keys and grants
