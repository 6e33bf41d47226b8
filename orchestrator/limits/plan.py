"""What the scripts are told of a budget's limits: keys, numbers, and their order, as the top of each script has it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from urllib.parse import quote

from orchestrator.clock import MICROSECOND
from orchestrator.limits import burst, pauses
from orchestrator.limits.limit import ConcurrencyLimit, Limit, News, QuotaLimit, RateLimit, Seed

PER_LIMIT = 6  # values of a limit in acquire.lua and settle.lua
RESET_PLACE = 4  # which of them says when a calendar day ends
KINDS = {RateLimit: "rate", QuotaLimit: "quota", ConcurrencyLimit: "slots"}

Value = str | int | float
Midnight = Callable[[str], int]  # time zone → µs of the next midnight there


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The metered limits of a budget, as the scripts take them; the same for each call, so made once."""

    budget: str
    metered: Sequence[RateLimit | QuotaLimit]
    keys: Sequence[str]
    kinds: Sequence[str]
    use_by: int  # µs
    frame: Sequence[Value]
    days: Sequence[tuple[int, str]]  # where in `frame` the next midnight of which time zone belongs

    def args(self, midnight: Midnight) -> Sequence[Value]:
        """Return what acquire.lua and settle.lua are told of the limits."""
        if not self.days:
            return self.frame
        args = list(self.frame)
        for place, zone in self.days:
            args[place] = midnight(zone)
        return args

    def grant(self, grant_id: str) -> str:
        """Return the key of a grant."""
        return f"{self.budget}:grant:{grant_id}"


@lru_cache(maxsize=1024)
def plan(prefix: str, budget: str, limits: tuple[Limit, ...]) -> Plan:
    """Return the plan of a budget's rates and quotas."""
    metered = [limit for limit in limits if not isinstance(limit, ConcurrencyLimit)]
    described = [_described(limit) for limit in metered]
    zones = [limit.timezone if isinstance(limit, QuotaLimit) else None for limit in metered]
    return Plan(
        budget=budget_key(prefix, budget),
        metered=metered,
        keys=[limit_key(prefix, budget, limit) for limit in metered],
        kinds=[str(value) for values in described for value in values[:2]],
        use_by=burst.use_by(metered) // MICROSECOND,
        frame=[value for values in described for value in values],
        days=[(PER_LIMIT * i + RESET_PLACE, zone) for i, zone in enumerate(zones) if zone is not None],
    )


def slots(limits: Sequence[Limit]) -> list[ConcurrencyLimit]:
    """Return those that are concurrency limits."""
    return [limit for limit in limits if isinstance(limit, ConcurrencyLimit)]


def told(limit: RateLimit | QuotaLimit, news: News) -> Sequence[Value]:
    """Return what observe.lua is told of one limit."""
    return (
        _share(limit),
        KINDS[type(limit)],
        burst.interval(limit) if isinstance(limit, RateLimit) else limit.window // MICROSECOND,
        limit.amount,
        limit.published or limit.amount,
        news.remaining.get(limit.name, -1),
        news.limits.get(limit.name, -1),
        micros(pauses.told_reset(limit, news)),
    )


def seeded(limit: Limit, seed: Seed, midnight: Midnight) -> Sequence[Value]:
    """Return what seed.lua is told of one limit."""
    match limit:
        case RateLimit():
            return "rate", 0, 0, 0
        case ConcurrencyLimit():
            return "slots", seed.slots_taken, seed.slot_ttl // MICROSECOND, 0
        case QuotaLimit():
            named = seed.quota_resets_in.get(limit.name)
            reset = midnight(limit.timezone) if named is None and limit.timezone else 0
            return "quota", seed.quota_used.get(limit.name, 0), (named or limit.window) // MICROSECOND, reset


def budget_key(prefix: str, budget: str) -> str:
    """Return the budget's own key; what is in braces decides where a clustered Redis keeps it and all its limits."""
    return f"{prefix}:{{{_quoted(budget)}}}"


def limit_key(prefix: str, budget: str, limit: Limit) -> str:
    """Return the key of one limit's state."""
    return f"{budget_key(prefix, budget)}:{KINDS[type(limit)]}:{_quoted(limit.name)}"


def micros(span: timedelta | None) -> int:
    """Return whole µs, -1 for a span that is not known."""
    return -1 if span is None else max(0, span // MICROSECOND)


def _described(limit: RateLimit | QuotaLimit) -> Sequence[Value]:
    if isinstance(limit, QuotaLimit):
        return _share(limit), "quota", limit.amount, limit.window // MICROSECOND, 0, 0
    worth = burst.WAKE_SECONDS * burst.rate(limit)
    return _share(limit), "rate", burst.interval(limit), burst.burst(limit), burst.room(limit), worth


def _share(limit: Limit) -> str:
    return f"share:{_quoted(limit.name)}"


def _quoted(name: str) -> str:
    return quote(name, safe="")  # braces, blanks and "=" mean something in keys and grants
