"""How much of a published limit we use, and in what portions: pure functions, no state.

For a limit of A per window W > 2 s at our rate r: burst + all tokens held <= A - r * W. So whatever part of the
window a vendor looks at, and however late the tokens are spent, the published figure is not exceeded.
For W <= 2 s there is no room for that: calls are spaced, one token at a time.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from orchestrator.limits.limit import ConcurrencyLimit, Limit, QuotaLimit, RateLimit

SHORT_WINDOW = timedelta(seconds=2)
SHARE_OF_LONG = 0.95
SHARE_OF_SHORT = 0.98
LATE_CALL = 1.0  # units: where a window holds few, one that travels late must not make it overflow
LEAST_SHARE = 0.25
LARGEST_BATCH = 10  # units; a batch is also the grain at which jobs take turns
BATCH_SECONDS = 2.0
WAKE_SECONDS = 0.5  # of rate; a waiter woken for less comes back too often
LONGEST_HOLD = timedelta(seconds=2)
HOLD_SHARE = 10  # tokens live for a tenth of the window at most
LATE_SHARE = 400  # of a short window: a waiter that wakes this much late loses no token
DEFAULT_CAP = 16
MAX_RESERVE = 0.95
HELD_BACK = 0.02  # of what is published


def is_short(limit: RateLimit) -> bool:
    """Tell whether calls are spaced one by one, because the window is 2 s or less."""
    return limit.window <= SHORT_WINDOW


def rate(limit: RateLimit) -> float:
    """Return our own rate in units per second: 95 % of the published one, up to 98 % where calls are spaced.

    Fifty calls a second are used to 98 %, ten to 90 %: one that comes late by the time of a call is not refused.
    """
    return limit.amount * _share(limit) / limit.window.total_seconds()


def interval(limit: RateLimit) -> float:
    """Return the µs in which one unit comes back at our own rate."""
    return 1e6 / rate(limit)


def burst(limit: RateLimit) -> int:
    """Return how many units may be taken at once from a full bucket; at least 1.

    The limit's own burst is obeyed as far as the promise of this module allows.
    """
    if limit.burst is not None:
        return max(1, min(limit.burst, largest_burst(limit)))
    return 1 if is_short(limit) else max(1, math.floor(_slack(limit) / 2))


def largest_burst(limit: RateLimit) -> int:
    """Return the largest burst that the window can bear beside our own rate; at least 1."""
    slack = math.floor(_slack(limit))
    return max(1, slack if is_short(limit) else slack - 1)


def room(limit: RateLimit) -> float:
    """Return how many µs of rate a full bucket holds: the burst, and where calls are spaced a little for late wakers.

    A spaced limit has 2 % of its window to spare: an eighth of it forgives waiters that wake late (else the time from
    the token's return to the wake-up is lost each time), the rest forgives calls that travel unevenly.
    """
    late = limit.window / LATE_SHARE if is_short(limit) else timedelta(0)
    return burst(limit) * interval(limit) + late / timedelta(microseconds=1)


def spare(limit: RateLimit) -> float:
    """Return how many units all turns together may hold unspent; infinite where calls are spaced."""
    return math.inf if is_short(limit) else _slack(limit) - burst(limit)


def batch_size(limits: Iterable[Limit], cap: int) -> int:
    """Return how many units a turn asks for at once when `cap` turns of the budget may run; 1 to 10."""
    return min((_batch(limit, cap) for limit in rates(limits)), default=LARGEST_BATCH)


def max_cap(limits: Sequence[Limit], default: int = DEFAULT_CAP) -> int:
    """Return how many turns of a budget may run at once: `default`, or less where a limit asks for less; at least 1."""
    by_rate = [math.floor(spare(limit)) for limit in rates(limits) if not is_short(limit)]
    by_slots = [limit.amount for limit in limits if isinstance(limit, ConcurrencyLimit)]
    return max(1, min([default, *by_rate, *by_slots]))


def spare_of_all(limits: Iterable[Limit]) -> float:
    """Return how many units all turns together may hold unspent under all limits."""
    return min((spare(limit) for limit in rates(limits)), default=math.inf)


def most_at_once(spare: float, *, want: int, least: int, held: int) -> int:
    """Return how many units to ask for when others hold `held` of the `spare` ones: `least` to `want`."""
    free = spare - held
    return max(least, want if free >= want else math.floor(free))


def use_by(limits: Iterable[Limit]) -> timedelta:
    """Return how long tokens may be kept: 2 s, or a tenth of the shortest window."""
    return min([LONGEST_HOLD, *(limit.window / HOLD_SHARE for limit in rates(limits))])


def held_back(limit: RateLimit) -> float:
    """Return how many units of a window we do not touch: what others spend while an answer that tells of it travels.

    Alone we never come near, for we run at 95 %. Where calls are spaced nothing is held back.
    """
    return 0.0 if is_short(limit) else HELD_BACK * (limit.published or limit.amount)


def wake_target(limit: RateLimit, *, want: int, least: int) -> float:
    """Return how many units must be there before a refused asker is woken: worth the trip, at most the burst."""
    return min(max(least, min(want, WAKE_SECONDS * rate(limit))), burst(limit))


def with_reserve(limits: Sequence[Limit], reserve: float) -> tuple[Limit, ...]:
    """Return the limits less the share that people and other integrations keep; `reserve` is 0 to 0.95.

    Raises ValueError outside of that. The published amounts stay known, for the vendor's headers speak of them.
    """
    if not 0 <= reserve <= MAX_RESERVE:
        raise ValueError(f"a reserve is between 0 and {MAX_RESERVE}, not {reserve}")
    return tuple(_reserved(limit, 1 - reserve) for limit in limits) if reserve else tuple(limits)


def rates(limits: Iterable[Limit]) -> list[RateLimit]:
    """Return those that are rate limits."""
    return [limit for limit in limits if isinstance(limit, RateLimit)]


def _share(limit: RateLimit) -> float:
    if not is_short(limit):
        return SHARE_OF_LONG
    return max(LEAST_SHARE, min(SHARE_OF_SHORT, 1 - LATE_CALL / limit.amount))


def _slack(limit: RateLimit) -> float:
    return round(limit.amount * (1 - _share(limit)), 6)  # 0.95 is no binary fraction: 29.99… is 30


def _batch(limit: RateLimit, cap: int) -> int:
    if is_short(limit):
        return 1
    by_cap = max(1, math.floor(spare(limit) / max(1, cap)))
    return max(1, min(LARGEST_BATCH, math.floor(BATCH_SECONDS * rate(limit)), by_cap))


def _reserved(limit: Limit, share: float) -> Limit:
    published = getattr(limit, "published", None) or limit.amount
    match limit:
        case RateLimit():
            return replace(limit, amount=limit.amount * share, published=published)
        case QuotaLimit():
            return replace(limit, amount=_floor(limit.amount * share), published=int(published))
        case ConcurrencyLimit():
            return replace(limit, amount=max(1, _floor(limit.amount * share)))


def _floor(amount: float) -> int:
    return math.floor(round(amount, 6))
