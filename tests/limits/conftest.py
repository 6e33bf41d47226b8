"""Both members of the limiter's family, under one clock that stands still until told."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.limits.limit import Answer, Grant, Limit, Limiter, QuotaLimit, RateLimit, Seed, Unseeded
from orchestrator.limits.memory import MemoryLimiter
from orchestrator.limits.redis import RedisLimiter
from tests.servers import ValkeyServer

NOON = datetime(2031, 5, 6, 12, 0, 17, tzinfo=UTC)
MINUTES = RateLimit(name="rate", amount=600, window=timedelta(minutes=10))  # 0.95 units a second, burst 15
HELD_BACK = 12  # of those 600
DAILY = QuotaLimit(name="quota", amount=100)


def time_for(units: int) -> timedelta:
    """Return the time in which MINUTES gives so many units, and a moment more for the trip to a server."""
    return timedelta(seconds=units / 0.95 + 0.1)


class StoppedClock:
    """A clock that stands still and jumps when told; a server whose clock is shifted by it stands still, too."""

    def __init__(self) -> None:
        self._now = NOON

    def now(self) -> datetime:
        """Return the time, aware and in UTC."""
        return self._now

    def __call__(self) -> timedelta:
        """Return by how much the clock of this computer must be shifted to show this time."""
        return self._now - datetime.now(UTC)

    def passes(self, period: timedelta) -> None:
        """Let `period` go by at once."""
        self._now += period

    def moves_to(self, moment: datetime) -> None:
        """Jump to `moment`."""
        self._now = moment


class Desk:
    """One budget at a limiter, asked in one line."""

    def __init__(self, limiter: Limiter, forget: Callable[[], None]) -> None:
        self.limiter = limiter
        self.forget = forget
        self._asked = 0
        self.ledger: Seed | None = None  # what SQL knows, told to a limiter that asks for it

    def takes(self, limits: list[Limit], want: int, least: int = 1) -> int:
        """Ask under a new grant id and return the units granted, 0 for a refusal."""
        answer = self.asks(limits, want, least)
        return answer.tokens if isinstance(answer, Grant) else 0

    def asks(self, limits: list[Limit], want: int, least: int = 1) -> Answer:
        """Ask under a new grant id and return the answer."""
        self._asked += 1
        answer = self.limiter.acquire("team", limits, grant_id=f"7:1:{self._asked}", want=want, least=least)
        if isinstance(answer, Unseeded) and self.ledger is not None:
            self.limiter.seed("team", limits, self.ledger)
            return self.asks(limits, want, least)
        return answer

    def all_of(self, limits: list[Limit]) -> int:
        """Take all there is, unit by unit, and return how much it was."""
        taken = 0
        while self.takes(limits, 1):
            taken += 1
        return taken


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture(params=["memory", "redis"])
def desk(request: pytest.FixtureRequest) -> Desk:
    """A budget that nobody has seeded; once in memory, once in a real server."""
    made: Desk = request.getfixturevalue(f"{request.param}_desk")
    return made


@pytest.fixture
def memory_desk(clock: StoppedClock) -> Desk:
    limiter = MemoryLimiter(clock)
    return Desk(limiter, limiter.forget)


@pytest.fixture
def redis_desk(redis_server: ValkeyServer, redis_url: str, clock: StoppedClock) -> Iterator[Desk]:
    limiter = RedisLimiter(redis_url, clock)
    yield Desk(limiter, redis_server.flush)
    limiter.close()


@pytest.fixture
def full(desk: Desk, clock: StoppedClock) -> Callable[..., None]:
    """Seed the budget with limits and let all buckets fill."""

    def seed_and_wait(*limits: Limit, seed: Seed | None = None) -> None:
        desk.limiter.seed("team", limits, seed or Seed())
        clock.passes(timedelta(seconds=60))

    return seed_and_wait
