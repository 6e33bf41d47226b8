"""The entries of the memory limiter's ledger, and small sums over limits."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from orchestrator.clock import MICROSECOND, from_micros, to_micros
from orchestrator.limits import pauses
from orchestrator.limits.limit import BlockedBy, ConcurrencyLimit, Limit, QuotaLimit, RateLimit, Refusal

LEAST_WAIT = 1000  # µs; a shorter one would make waiters spin

Metered = RateLimit | QuotaLimit


@dataclass(kw_only=True)
class Window:
    """A quota's window."""

    used: int
    reset: int  # of a rolling one: when it must be counted anew
    told: bool = False  # the vendor named the reset

    def is_stale(self, limit: QuotaLimit, now: int) -> bool:
        """Whether part of a rolling window is over, and only SQL knows how much was used in it."""
        return self.reset <= now and limit.timezone is None and not self.told


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What one limit could give; `basis` is µs per unit, or the reset of the window that would be charged."""

    limit: Metered
    units: int
    wait: float
    basis: float


@dataclass(frozen=True, kw_only=True)
class Charge:
    units: int
    made: int
    use_by: int
    basis: dict[tuple[type, str], float]  # by kind and name of the limit, as in Offer


def counted(limits: Iterable[Limit]) -> list[ConcurrencyLimit]:
    """Return those that are concurrency limits."""
    return [limit for limit in limits if isinstance(limit, ConcurrencyLimit)]


def key_of(limit: Metered) -> tuple[type, str]:
    return type(limit), limit.name


def metered(limits: Iterable[Limit]) -> list[Metered]:
    return [limit for limit in limits if not isinstance(limit, ConcurrencyLimit)]


def next_reset(limit: QuotaLimit, now: int) -> int:
    if limit.timezone is None:
        return now + whole_micros(limit.window)
    return to_micros(pauses.next_midnight(from_micros(now), limit.timezone))


def refusal_of(offer: Offer) -> Refusal:
    kind = BlockedBy.RATE if isinstance(offer.limit, RateLimit) else BlockedBy.QUOTA
    wait = max(LEAST_WAIT, math.ceil(offer.wait)) * MICROSECOND
    return Refusal(wait=wait, blocked_by=kind, limit=offer.limit.name)


def whole_micros(span: timedelta) -> int:
    return span // MICROSECOND
