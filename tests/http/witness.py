"""A limiter that can be questioned, and other company for a purse."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from orchestrator.clock import Clock
from orchestrator.http.purse import Purse
from orchestrator.limits.limit import (
    Answer,
    Grant,
    Limit,
    LimiterDown,
    News,
    RateLimit,
)
from orchestrator.limits.memory import MemoryLimiter

PER_MINUTE = RateLimit(name="rate", amount=600, window=timedelta(seconds=60))
SPACED = RateLimit(name="rate", amount=50, window=timedelta(seconds=1))


class Witness(MemoryLimiter):
    """A limiter that remembers what it was asked."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.grants: list[str] = []
        self.taken = 0
        self.given_back = 0
        self.told: list[News] = []
        self.settled: list[float] = []
        self.lost_answers = 0
        self.is_down = False

    def acquire(
        self, budget: str, limits: Sequence[Limit], *, grant_id: str, want: int, least: int = 1, held_by_others: int = 0
    ) -> Answer:
        if self.is_down:
            raise LimiterDown
        answer = super().acquire(
            budget, limits, grant_id=grant_id, want=want, least=least, held_by_others=held_by_others
        )
        if isinstance(answer, Grant):
            self.grants.append(grant_id)
            self.taken += answer.tokens
        if isinstance(answer, Grant) and self.lost_answers:
            self.lost_answers -= 1
            raise LimiterDown
        return answer

    def release(self, budget: str, limits: Sequence[Limit], *, grant_id: str, unused: int) -> None:
        self.given_back += unused
        super().release(budget, limits, grant_id=grant_id, unused=unused)

    def observe(self, budget: str, limits: Sequence[Limit], news: News) -> None:
        self.told.append(news)
        super().observe(budget, limits, news)

    def settle(self, budget: str, limits: Sequence[Limit], *, extra: float) -> None:
        if self.is_down:
            raise LimiterDown
        self.settled.append(extra)


class Evening:
    """A clock that stands a moment before midnight."""

    def now(self) -> datetime:
        return datetime(2026, 5, 1, 23, 59, 59, 999_999, tzinfo=UTC)


def spend_all(purse: Purse) -> None:
    for _ in range(1000):
        purse.spend()
