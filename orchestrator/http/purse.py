"""What a turn has left to spend: tokens of its budget by batch, calls of the job's apiLimit, slots per call.

    transport ── spend ──▶ purse ── one trip per batch ──▶ limiter (Redis)
                             └───── reserve_calls ───────▶ SQL, through a function that lifecycle lends

The purse is shared by the threads of one turn. It collects what the provider said of its limits; the next checkpoint
writes that (`take_fixes`).
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import timedelta
from math import ceil
from typing import TypeVar

from orchestrator.clock import Clock, WallClock
from orchestrator.http.allowance import Allowance, until_midnight
from orchestrator.http.heard import Heard
from orchestrator.http.lender import Lender
from orchestrator.job.commit import Fixes
from orchestrator.job.errors import Throttled
from orchestrator.job.status import WaitReason
from orchestrator.limits.burst import batch_size
from orchestrator.limits.fitted import fitted
from orchestrator.limits.limit import (
    BlockedBy,
    ConcurrencyLimit,
    Grant,
    LimiterDown,
    News,
    Refusal,
    Unseeded,
)

T = TypeVar("T")

LONG_QUOTA = timedelta(minutes=5)  # a longer wait for a quota stops the job: each must be told, so none is held back
SEEDS = 3  # times a limiter may forget everything within one refill before we call it down

REASONS = {
    BlockedBy.RATE: WaitReason.RATE,
    BlockedBy.QUOTA: WaitReason.QUOTA,
    BlockedBy.CONCURRENCY: WaitReason.CONCURRENCY,
    BlockedBy.GATE: WaitReason.GATE,
}


def _spread(least: float, most: float) -> timedelta:
    return timedelta(seconds=random.uniform(least, most))  # noqa: S311 - spreads the turns, hides nothing


class Purse:
    """The purse of one turn; `prefix` is "step:epoch". Every method may be called from any thread."""

    def __init__(self, lender: Lender, prefix: str, clock: Clock | None = None) -> None:
        self._lender = lender
        self._prefix = prefix
        self._clock = clock or WallClock()
        self._lock = threading.RLock()
        self._allowance = Allowance(lender.provider, lender.reserve_calls, self._clock)
        self._heard = Heard()
        self._batch = lender.batch or batch_size(lender.limits, lender.cap)
        self._grant_id = ""
        self._tokens = 0
        self._use_by = 0.0  # time.monotonic()
        self._answers = 0  # of the limiter: the n of the next grant id
        self._slots = 0
        self._unsettled = 0.0
        self._units = 0.0  # spent and not yet told to the ledger of quotas
        self._closed = False
        self._has_slots = any(isinstance(limit, ConcurrencyLimit) for limit in lender.limits)

    def spend(self, cost: int = 1) -> None:
        """Spend one call and `cost` units, or raise Throttled and spend nothing.

        Waits at most 200 ms in place. A token is never used after its time, nor on another UTC day.
        Raises ApiLimitUsed where the job's apiLimit has no call left.
        """
        with self._lock:
            if self._closed:
                raise self._over()
            self._allowance.call()
            try:
                self._take(cost)
            except BaseException:
                self._allowance.uncall()
                raise
            self._units += cost
            self._heard.spent(cost)

    def spend_unless(self, called_off: threading.Event, cost: int = 1) -> None:
        """Spend as `spend` does; raise Throttled (TURN) and spend nothing where the call was called off."""
        with self._lock:
            if called_off.is_set():
                raise self._over()
            self.spend(cost)

    def call_off(self, call: threading.Event) -> None:
        """Mark a call as not wanted any more; after this it is counted already, or never made."""
        with self._lock:
            call.set()

    def unspend(self, cost: int = 1) -> None:
        """Take back a spending whose request was never sent."""
        with self._lock:
            self._allowance.uncall()
            self._tokens += cost
            self._units -= cost

    def may_send(self) -> bool:
        """Say whether a request that is not idempotent may be sent now."""
        return self._lender.may_send()

    def slot(self, ttl: timedelta) -> AbstractContextManager[None]:
        """Hold one slot of every concurrency limit for one call; free of trips where there is no such limit.

        Raises Throttled (CONCURRENCY, 0.2 to 1 s) on entering; that never blocks the budget for others.
        """
        return self._held_slot(ttl) if self._has_slots else nullcontext()

    def settle(self, charged: int, true_cost: float) -> None:
        """Charge, or credit, the difference to what the provider says the call cost."""
        with self._lock:
            self._unsettled += true_cost - charged
            self._units += true_cost - charged
            with suppress(LimiterDown):  # kept, and tried again with the next difference
                if self._unsettled:
                    lender = self._lender
                    lender.limiter.settle(lender.budget, lender.limits, extra=self._unsettled)
                    self._unsettled = 0.0

    def learn(self, news: News, sent_at: float) -> timedelta | None:
        """Take note of what an answer said; `sent_at` is time.monotonic() of its request.

        Returns how long a refusal keeps us away: what the provider told, at most 1 h, else until its window ends.
        """
        with self._lock:
            telling, pause = self._heard.hear(fitted(news, self._lender.limits), sent_at)
            if telling is not None:
                with suppress(LimiterDown):
                    self._lender.limiter.observe(self._lender.budget, self._lender.limits, telling)
            return pause

    def took(self, latency: timedelta) -> None:
        """Note how long the answer to a read took."""
        with self._lock:
            self._heard.took(latency)

    def saw_answer(self) -> None:
        """Note that the provider gave a usable answer."""
        with self._lock:
            self._heard.answered(well=True)

    def saw_failure(self) -> None:
        """Note that the provider gave no usable answer."""
        with self._lock:
            self._heard.answered(well=False)

    def take_calls(self) -> int:
        """Return the calls made since this was last asked."""
        with self._lock:
            return self._allowance.made()

    def take_units(self) -> int:
        """Return the units spent since this was last asked, by what the provider said they cost; rounded up."""
        with self._lock:
            whole = max(0, ceil(self._units))
            self._units -= whole
            return whole

    @property
    def uncounted(self) -> float:
        """The units spent that no commit has taken yet."""
        return self._units

    def top_up_wanted(self) -> int:
        """Return how many calls of the apiLimit the next checkpoint should reserve; 0 without one."""
        with self._lock:
            return self._allowance.wanted()

    def topped_up(self, calls: int) -> None:
        """Take note that a checkpoint reserved `calls` more."""
        with self._lock:
            self._allowance.add(calls)

    def take_fixes(self, *, ending: bool = True) -> Fixes:
        """Return what became of the budget since this was last asked; what can wait comes at the turn's end alone."""
        with self._lock:
            return self._heard.take(ending=ending)

    def close(self) -> None:
        """Give unused tokens back, and refuse every later spending; never raises."""
        with self._lock, suppress(Exception):
            self._closed = True
            self._give_back()

    def _over(self) -> Throttled:
        return Throttled(self._lender.provider, timedelta(0), reason=WaitReason.TURN)

    def _take(self, cost: int) -> None:
        if time.monotonic() >= self._use_by:
            self._tokens = 0  # dropped as spent: used late they could break the next window
        if self._tokens < cost:
            self._refill(cost)
        self._tokens -= cost

    def _refill(self, cost: int) -> None:
        self._guarded(self._give_back)
        patience = time.monotonic() + self._lender.patience
        while (refusal := self._guarded(lambda: self._ask(cost))) is not None:
            wait = refusal.wait.total_seconds()
            if time.monotonic() + wait > patience:
                raise self._refused(refusal)
            time.sleep(wait)

    def _ask(self, cost: int) -> Refusal | None:
        lender = self._lender
        for _ in range(SEEDS):
            asked_at = time.monotonic()
            grant_id = f"{self._prefix}:{self._answers}"
            want = max(cost, self._batch)
            answer = lender.limiter.acquire(lender.budget, lender.limits, grant_id=grant_id, want=want, least=cost)
            match answer:
                case Grant():
                    self._answers += 1
                    self._hold(answer, asked_at)
                    return None
                case Refusal():
                    self._answers += 1
                    return answer
                case Unseeded():
                    lender.limiter.seed(lender.budget, lender.limits, lender.seed())
        raise LimiterDown("the limiter forgets its seed")

    def _hold(self, grant: Grant, asked_at: float) -> None:
        left_today = until_midnight(self._clock.now())
        self._grant_id, self._tokens = grant.id, grant.tokens
        self._use_by = asked_at + min(grant.use_by.total_seconds(), left_today)

    def _give_back(self) -> None:
        unused, self._tokens = self._tokens, 0
        if unused > 0 and time.monotonic() < self._use_by:
            lender = self._lender
            lender.limiter.release(lender.budget, lender.limits, grant_id=self._grant_id, unused=unused)

    def _refused(self, refusal: Refusal) -> Throttled:
        if not (refusal.blocked_by is BlockedBy.QUOTA and refusal.wait > LONG_QUOTA):
            self._heard.blocked(refusal.wait, refusal.blocked_by)
        return Throttled(self._lender.provider, refusal.wait, reason=REASONS[refusal.blocked_by], limit=refusal.limit)

    def _no_slot(self, refusal: Refusal) -> Throttled:
        with self._lock:
            if refusal.blocked_by is not BlockedBy.CONCURRENCY:
                return self._refused(refusal)
            self._heard.had_no_slot()
        return Throttled(self._lender.provider, _spread(0.2, 1), reason=WaitReason.CONCURRENCY, limit=refusal.limit)

    def _guarded(self, trip: Callable[[], T]) -> T:
        try:
            return trip()
        except LimiterDown as down:
            pause = _spread(1, 2)
            raise Throttled(self._lender.provider, pause, reason=WaitReason.LIMITER_DOWN, limit="limiter") from down

    @contextmanager
    def _held_slot(self, ttl: timedelta) -> Iterator[None]:
        lender = self._lender
        with self._lock:
            self._slots += 1
            slot_id = f"{self._prefix}:s{self._slots}"
        refusal = self._guarded(lambda: lender.limiter.enter(lender.budget, lender.limits, slot_id=slot_id, ttl=ttl))
        if refusal is not None:
            raise self._no_slot(refusal)
        try:
            yield
        finally:
            with suppress(LimiterDown):  # it expires by itself
                lender.limiter.leave(lender.budget, lender.limits, slot_id=slot_id)
