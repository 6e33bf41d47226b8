"""What a look at a budget found, as values; the same for every member."""

from datetime import timedelta

from orchestrator.clock import MICROSECOND
from orchestrator.limits import burst
from orchestrator.limits.limit import BlockedBy, ConcurrencyLimit, Limit, LimitState, QuotaLimit, RateLimit


def state_of(limit: Limit, available: float, resets_in: float, share: float, gate: timedelta) -> LimitState:
    """Return the state of one limit; `resets_in` is µs, below zero where nothing resets."""
    kind, whole = _kind_and_whole(limit, share)
    return LimitState(
        name=limit.name,
        kind=kind,
        amount=limit.amount,
        published=getattr(limit, "published", None) or limit.amount,
        available=round(min(available, whole), 3),
        used=round(max(0.0, whole - available), 3),
        resets_in=None if resets_in < 0 else round(resets_in) * MICROSECOND,
        share=round(share, 6),
        gate_for=gate,
    )


def _kind_and_whole(limit: Limit, share: float) -> tuple[BlockedBy, float]:
    """Return the kind, and what is there when nothing is used."""
    match limit:
        case RateLimit():
            return BlockedBy.RATE, burst.burst(limit)
        case QuotaLimit():
            return BlockedBy.QUOTA, limit.amount * share // 1
        case ConcurrencyLimit():
            return BlockedBy.CONCURRENCY, limit.amount
