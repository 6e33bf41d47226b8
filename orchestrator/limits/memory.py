"""The limiter of one process: the twin of `redis.py`, for tests and rehearsals."""

from collections.abc import Sequence
from datetime import timedelta
from threading import Lock

from orchestrator.clock import Clock, to_micros
from orchestrator.limits import burst
from orchestrator.limits.entries import counted
from orchestrator.limits.ledger import Ledger
from orchestrator.limits.limit import Answer, BlockedBy, Limit, LimitState, News, Refusal, Seed, Unseeded

UNSEEDED_PAUSE = timedelta(seconds=1)


class MemoryLimiter:
    """Tokens of budgets within one process, safe for threads; passes tests/limits/test_limit.py."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._ledgers: dict[str, Ledger] = {}

    def acquire(
        self, budget: str, limits: Sequence[Limit], *, grant_id: str, want: int, least: int = 1, held_by_others: int = 0
    ) -> Answer:
        """Take between `least` and `want` units of every rate and quota limit, or nothing."""
        spare = burst.spare_of_all(limits)
        want = burst.most_at_once(spare, want=want, least=least, held=held_by_others)
        with self._lock:
            ledger = self._ledgers.get(budget)
            return Unseeded() if ledger is None else ledger.acquire(limits, self._now(), grant_id, want, least)

    def enter(self, budget: str, limits: Sequence[Limit], *, slot_id: str, ttl: timedelta) -> Refusal | None:
        """Take one slot of every concurrency limit for one call, or none; it expires after `ttl`."""
        slots = counted(limits)
        if not slots:
            return None
        with self._lock:
            ledger = self._ledgers.get(budget)
            if ledger is None:
                return Refusal(wait=UNSEEDED_PAUSE, blocked_by=BlockedBy.CONCURRENCY, limit=slots[0].name)
            return ledger.enter(slots, self._now(), slot_id, ttl)

    def leave(self, budget: str, limits: Sequence[Limit], *, slot_id: str) -> None:
        """Give the slot back; harmless when repeated or late."""
        with self._lock:
            if ledger := self._ledgers.get(budget):
                ledger.leave(counted(limits), slot_id)

    def release(self, budget: str, limits: Sequence[Limit], *, grant_id: str, unused: int) -> None:
        """Give `unused` units of a grant back; harmless when repeated or late."""
        with self._lock:
            if ledger := self._ledgers.get(budget):
                ledger.release(limits, self._now(), grant_id, unused)

    def settle(self, budget: str, limits: Sequence[Limit], *, extra: float) -> None:
        """Charge (or, negative, credit) what a call cost more than was taken for it; may cause debt."""
        with self._lock:
            if ledger := self._ledgers.get(budget):
                ledger.settle(limits, self._now(), extra)

    def observe(self, budget: str, limits: Sequence[Limit], news: News) -> None:
        """Take note of what the provider said; only ever lowers what is available, but for a known reset."""
        with self._lock:
            if ledger := self._ledgers.get(budget):
                ledger.observe(limits, self._now(), news)

    def seed(self, budget: str, limits: Sequence[Limit], seed: Seed) -> None:
        """Write the whole state of a budget once; if another was faster, only quotas that must be counted anew."""
        with self._lock:
            if budget in self._ledgers:
                self._ledgers[budget].recount(limits, self._now(), seed)
            else:
                ledger = self._ledgers[budget] = Ledger(limits, self._now(), seed)
                if seed.claimed:
                    ledger.observe(limits, self._now(), News(limits=seed.claimed))

    def look(self, budget: str, limits: Sequence[Limit]) -> Sequence[LimitState]:
        """Return each limit as it is now, in the order given; () where the budget is unknown. Changes nothing."""
        with self._lock:
            ledger = self._ledgers.get(budget)
            return () if ledger is None else ledger.look(limits, self._now())

    def forget(self) -> None:
        """Lose everything, as a flushed Redis does."""
        with self._lock:
            self._ledgers.clear()

    def _now(self) -> int:
        return to_micros(self._clock.now())
