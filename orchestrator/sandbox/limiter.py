"""A vendor's rate limit: so many points per window, fixed or sliding."""

from collections import deque
from dataclasses import dataclass

from orchestrator.sandbox.told import Clock


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """How much may be spent in how long; `amount` 0: no limit."""

    amount: int
    seconds: float
    sliding: bool

    @property
    def length(self) -> int:
        """The window in microseconds."""
        return round(self.seconds * 1_000_000)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What the limit says to one request."""

    granted: bool
    remaining: int
    wait: float  # seconds until there is room again


class Limiter:
    """Counts what was spent, and refuses what is too much; a refused request costs nothing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._spent: deque[tuple[int, int]] = deque()  # (time, points), within the window
        self._used = 0
        self.refusals = 0

    def take(self, cost: int, rule: Rule) -> Verdict:
        """Spend `cost` points, or none of them."""
        now = self._clock.now()
        self._forget(now, rule)
        granted = rule.amount == 0 or self._used + cost <= rule.amount
        if granted:
            self._spend(now, cost)
        else:
            self.refusals += 1
        return Verdict(granted=granted, remaining=max(0, rule.amount - self._used), wait=self._wait(now, rule))

    def eat(self, points: int) -> None:
        """Spend points without asking, as another integration does."""
        self._spend(self._clock.now(), points)

    def _spend(self, now: int, points: int) -> None:
        self._spent.append((now, points))
        self._used += points

    def _forget(self, now: int, rule: Rule) -> None:
        start = now - rule.length if rule.sliding else now - now % rule.length - 1
        while self._spent and self._spent[0][0] <= start:
            self._used -= self._spent.popleft()[1]

    def _wait(self, now: int, rule: Rule) -> float:
        if not rule.sliding:
            return (rule.length - now % rule.length) / 1_000_000
        return (self._spent[0][0] + rule.length - now) / 1_000_000 if self._spent else 0.0
