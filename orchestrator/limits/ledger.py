"""What the memory limiter keeps of one budget: the arithmetic of the Lua scripts, told in Python.

All times are whole µs, handed in; nothing here waits, locks or looks at a clock. A rate is kept as the moment at which
its bucket held nothing: later than now is debt.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import timedelta

from orchestrator.clock import MICROSECOND
from orchestrator.limits import burst, pauses, phases
from orchestrator.limits.entries import (
    LEAST_WAIT,
    Charge,
    Metered,
    Offer,
    Window,
    key_of,
    metered,
    next_reset,
    refusal_of,
    whole_micros,
)
from orchestrator.limits.limit import (
    Answer,
    BlockedBy,
    ConcurrencyLimit,
    Grant,
    Limit,
    LimitState,
    News,
    QuotaLimit,
    RateLimit,
    Refusal,
    Seed,
    Unseeded,
)
from orchestrator.limits.state import state_of

MINUTE = 60_000_000
DAY = 86_400_000_000
GRANT_LIFE = 30_000_000
SAME_RESET = 5_000_000  # two tellings of one reset differ by less
EARLY = 0.01  # of a unit is there in time; else rounding to µs costs the last unit of a burst
HEALING = 0.05  # of the rate, each minute without a 429
SLOWEST = 0.05


class Ledger:
    """The state of one budget; `now` is µs."""

    def __init__(self, limits: Iterable[Limit], now: int, seed: Seed) -> None:
        self._gate = now + whole_micros(seed.gate_for)
        self._slow, self._slow_at, self._synced = 1.0, 0, 0
        self._shares: dict[tuple[type, str], float] = {}
        self._empty_at: dict[str, int] = {}
        self._seen: dict[str, phases.Seen] = {}
        self._windows: dict[str, Window] = {}
        self._slots: dict[str, dict[str, int]] = {}
        self._grants: dict[str, Charge] = {}
        for limit in limits:
            self._sow(limit, now, seed)

    def acquire(self, limits: Sequence[Limit], now: int, grant_id: str, want: int, least: int) -> Answer:
        """Take between `least` and `want` units of every rate and quota, or nothing."""
        self._forget_grants(now)
        if known := self._grants.get(grant_id):
            return Grant(id=grant_id, tokens=known.units, use_by=max(0, known.use_by - now) * MICROSECOND)
        if self._gate > now:
            return self._closed(now)
        if any(self._is_stale(limit, now) for limit in limits):
            return Unseeded()
        offers = [self._offer(limit, now, want, least) for limit in metered(limits)]
        blocking = [offer for offer in offers if offer.units < least]
        if blocking:
            return refusal_of(max(blocking, key=lambda offer: offer.wait))
        units = min([want, *(offer.units for offer in offers)])
        return self._take(offers, now, grant_id, units)

    def enter(self, limits: Sequence[ConcurrencyLimit], now: int, slot_id: str, ttl: timedelta) -> Refusal | None:
        """Take one slot of each limit, or none."""
        if self._gate > now:
            return self._closed(now)
        taken = {limit.name: self._taken(limit, now) for limit in limits}
        for limit in limits:
            if slot_id not in taken[limit.name] and len(taken[limit.name]) >= limit.amount:
                first = min(taken[limit.name].values(), default=now) - now
                pause = pauses.slot_pause(max(LEAST_WAIT, first) * MICROSECOND)
                return Refusal(wait=pause, blocked_by=BlockedBy.CONCURRENCY, limit=limit.name)
        for name, slots in taken.items():
            self._slots[name] = {**slots, slot_id: now + whole_micros(ttl)}
        return None

    def leave(self, limits: Iterable[ConcurrencyLimit], slot_id: str) -> None:
        """Give the slot back."""
        for limit in limits:
            self._slots.get(limit.name, {}).pop(slot_id, None)

    def release(self, limits: Sequence[Limit], now: int, grant_id: str, unused: int) -> None:
        """Give unused units of a grant back, once."""
        self._forget_grants(now)
        charge = self._grants.pop(grant_id, None)
        if charge is None:
            return
        for limit in metered(limits):
            basis = charge.basis.get(key_of(limit))
            if basis is not None:
                self._refund(limit, basis, max(0, min(unused, charge.units)))

    def settle(self, limits: Iterable[Limit], now: int, extra: float) -> None:
        """Charge or credit a difference."""
        for limit in metered(limits):
            if isinstance(limit, RateLimit):
                self._empty_at[limit.name] = math.ceil(self._emptied(limit, now) + extra * self._per_unit(limit, now))
            elif limit.name in self._windows and self._windows[limit.name].reset > now:
                window = self._windows[limit.name]
                window.used = max(0, math.ceil(window.used + extra))

    def observe(self, limits: Sequence[Limit], now: int, news: News) -> None:
        """Take note of what the provider said."""
        sent = None if news.sent_ago is None else now - whole_micros(news.sent_ago)
        if news.refused and not self._same_incident(sent, now):
            self._halve(limits, now)
        self._close(pauses.pause_after(limits, news), now)
        if sent is not None and sent < self._synced:
            return
        self._synced = now
        for limit in metered(limits):
            self._take_note(limit, now, news)

    def recount(self, limits: Iterable[Limit], now: int, seed: Seed) -> None:
        """Take from the seed what was used of those quotas whose rolling window must be counted anew."""
        for limit in limits:
            if isinstance(limit, QuotaLimit) and self._is_stale(limit, now):
                self._sow(limit, now, seed)

    def look(self, limits: Iterable[Limit], now: int) -> Sequence[LimitState]:
        """Return each limit as it is now."""
        gate = max(0, self._gate - now) * MICROSECOND
        return [self._state(limit, now, gate) for limit in limits]

    def _state(self, limit: Limit, now: int, gate: timedelta) -> LimitState:
        match limit:
            case RateLimit():
                per_unit, empty_at = self._per_unit(limit, now), self._emptied(limit, now)
                available, full_at = (now - empty_at) / per_unit, empty_at + burst.burst(limit) * per_unit
                return state_of(limit, available, max(0, full_at - now), self._pace(limit, now), gate)
            case QuotaLimit():
                window, share = self._window(limit, now), self._shares.get(key_of(limit), 1.0)
                return state_of(limit, self._allowed(limit) - window.used, max(0, window.reset - now), share, gate)
            case ConcurrencyLimit():
                return state_of(limit, limit.amount - len(self._taken(limit, now)), -1, 1.0, gate)

    def _sow(self, limit: Limit, now: int, seed: Seed) -> None:
        match limit:
            case RateLimit():
                self._empty_at[limit.name] = now
            case QuotaLimit():
                named = seed.quota_resets_in.get(limit.name)
                reset = next_reset(limit, now) if named is None else now + whole_micros(named)
                self._windows[limit.name] = Window(used=seed.quota_used.get(limit.name, 0), reset=reset)
            case ConcurrencyLimit():
                until = now + whole_micros(seed.slot_ttl)
                self._slots[limit.name] = {f"seed:{n}": until for n in range(seed.slots_taken)}

    def _healed(self, now: int) -> float:
        quiet = max(0, (now - self._slow_at) // MINUTE)
        return min(1.0, self._slow + HEALING * quiet)

    def _pace(self, limit: RateLimit, now: int) -> float:
        return self._healed(now) * self._shares.get(key_of(limit), 1.0)

    def _per_unit(self, limit: RateLimit, now: int) -> float:
        return burst.interval(limit) / self._pace(limit, now)

    def _emptied(self, limit: RateLimit, now: int) -> float:
        kept = self._empty_at.setdefault(limit.name, now)
        return max(kept, now - burst.room(limit) / self._pace(limit, now))

    def _window(self, limit: QuotaLimit, now: int) -> Window:
        kept = self._windows.get(limit.name)
        return (
            kept
            if kept and (kept.reset > now or kept.is_stale(limit, now))
            else Window(used=0, reset=next_reset(limit, now))
        )

    def _is_stale(self, limit: Limit, now: int) -> bool:
        if not isinstance(limit, QuotaLimit):
            return False
        kept = self._windows.get(limit.name)
        return limit.timezone is None if kept is None else kept.is_stale(limit, now)

    def _allowed(self, limit: QuotaLimit) -> int:
        return math.floor(limit.amount * self._shares.get(key_of(limit), 1.0))

    def _taken(self, limit: ConcurrencyLimit, now: int) -> dict[str, int]:
        return {slot: expiry for slot, expiry in self._slots.get(limit.name, {}).items() if expiry > now}

    def _offer(self, limit: Metered, now: int, want: int, least: int) -> Offer:
        if isinstance(limit, QuotaLimit):
            window = self._window(limit, now)
            left = self._allowed(limit) - window.used
            return Offer(limit=limit, units=left, wait=window.reset - now, basis=window.reset)
        per_unit, empty_at, full = self._per_unit(limit, now), self._emptied(limit, now), burst.burst(limit)
        there = min(full, math.floor((now - empty_at) / per_unit + EARLY))
        if least > full and there >= full:
            there = least
        wait = empty_at + burst.wake_target(limit, want=want, least=least) * per_unit - now
        return Offer(limit=limit, units=there, wait=wait, basis=per_unit)

    def _take(self, offers: Iterable[Offer], now: int, grant_id: str, units: int) -> Grant:
        basis = {}
        use_by = min(now + whole_micros(burst.use_by(offer.limit for offer in offers)), now - now % DAY + DAY)
        for offer in offers:
            limit = offer.limit
            basis[key_of(limit)] = offer.basis
            if isinstance(limit, RateLimit):
                self._empty_at[limit.name] = math.ceil(self._emptied(limit, now) + units * offer.basis)
            else:
                window = self._windows[limit.name] = self._window(limit, now)
                window.used += units
                use_by = min(use_by, window.reset)
        self._grants[grant_id] = Charge(units=units, made=now, use_by=use_by, basis=basis)
        return Grant(id=grant_id, tokens=units, use_by=(use_by - now) * MICROSECOND)

    def _forget_grants(self, now: int) -> None:
        old = [grant_id for grant_id, charge in self._grants.items() if charge.made + GRANT_LIFE <= now]
        for grant_id in old:
            del self._grants[grant_id]

    def _refund(self, limit: Metered, basis: float, unused: int) -> None:
        if isinstance(limit, RateLimit):
            self._empty_at[limit.name] = math.ceil(self._empty_at[limit.name] - unused * basis)
        elif self._windows[limit.name].reset == basis:
            self._windows[limit.name].used = max(0, self._windows[limit.name].used - unused)

    def _closed(self, now: int) -> Refusal:
        return Refusal(wait=(self._gate - now) * MICROSECOND, blocked_by=BlockedBy.GATE, limit="gate")

    def _same_incident(self, sent: int | None, now: int) -> bool:
        return self._gate > now if sent is None else sent < self._slow_at

    def _halve(self, limits: Iterable[Limit], now: int) -> None:
        self._slow, self._slow_at = max(SLOWEST, self._healed(now) / 2), now
        for limit in burst.rates(limits):
            self._empty_at[limit.name] = max(now, self._empty_at.get(limit.name, now))

    def _close(self, pause: pauses.Pause, now: int) -> None:
        span, window = whole_micros(pause.span), whole_micros(pause.window)
        if not span and window:
            span = window - now % window + whole_micros(pause.jitter)
        if span:
            self._gate = max(self._gate, now + span)

    def _take_note(self, limit: Metered, now: int, news: News) -> None:
        key, published, resets_in = key_of(limit), limit.published or limit.amount, pauses.told_reset(limit, news)
        if claimed := news.limits.get(limit.name):
            share = min(1.0, claimed / published)
            self._shares[key] = share if resets_in is not None else min(share, self._shares.get(key, 1.0))
        remaining = news.remaining.get(limit.name)
        kept = (published - limit.amount) * self._shares.get(key, 1.0)
        left = None if remaining is None else max(0.0, remaining - kept)
        reset = None if resets_in is None else now + whole_micros(resets_in)
        if isinstance(limit, QuotaLimit):
            self._lower_quota(limit, now, left, reset)
        elif remaining is not None:
            left = remaining - max(kept, burst.held_back(limit))
            if reset is not None or burst.is_short(limit):
                self._lower_rate(limit, now, left, reset or now)
                return
            window, seen = whole_micros(limit.window), self._seen.get(limit.name)
            sent = now if news.sent_ago is None else now - whole_micros(news.sent_ago)
            if not phases.is_ambiguous(seen, window=window, sent=sent, now=now):
                seen = phases.after(seen, remaining=remaining, amount=published, window=window, now=now)
                if phases.is_news(self._seen.get(limit.name), seen):
                    self._empty_at[limit.name] = 0  # what was believed before rests on another window
                self._seen[limit.name] = seen
                self._lower_rate(limit, now, left, phases.next_turn(seen, window, now))

    def _lower_rate(self, limit: RateLimit, now: int, left: float, reset: int | None) -> None:
        """The bucket gives what is left until the reset, and no more; without one what lacks is a debt."""
        per_unit = self._per_unit(limit, now)
        last = now - left * per_unit if reset is None else reset - max(0.0, left) * per_unit
        self._empty_at[limit.name] = math.ceil(max(self._empty_at.get(limit.name, now), last))

    def _lower_quota(self, limit: QuotaLimit, now: int, left: float | None, reset: int | None) -> None:
        if left is None and reset is None:
            return
        window = self._window(limit, now)
        if left is not None:
            turned = window.told and reset is not None and reset > window.reset + whole_micros(limit.window) / 2
            seen = math.ceil(self._allowed(limit) - left)
            window.used = max(0, seen if turned else max(window.used, seen))
        if reset is not None and (not window.told or abs(reset - window.reset) > SAME_RESET):
            window.reset, window.told = reset, True
        self._windows[limit.name] = window
