"""The calls of one turn: counted always, and reserved before they are made where the job has an apiLimit (I6)."""

import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from orchestrator.clock import Clock
from orchestrator.job.errors import ApiLimitUsed

LEAST = 10  # calls reserved at once; small, so that parallel steps of one job do not hold its limit from each other
RECENT = 0.5  # s, the rhythm of checkpoints: a reservation should last until the next one


def until_midnight(now: datetime) -> float:
    """Return the seconds to the next 00:00 UTC; a call reserved for one day is never made on another."""
    tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return (tomorrow - now).total_seconds()


class Allowance:
    """Calls that may be made; not thread-safe, the purse holds its lock around it."""

    def __init__(self, provider: str, reserve: Callable[[int], int] | None, clock: Clock) -> None:
        self._provider = provider
        self._reserve = reserve
        self._clock = clock
        self._left = 0
        self._ends = 0.0
        self._made = 0
        self._recent: deque[float] = deque(maxlen=1000)

    def call(self) -> None:
        """Count one call; raises ApiLimitUsed, and counts nothing, where none is left to reserve."""
        if self._reserve is not None:
            self._take()
        self._made += 1
        self._recent.append(time.monotonic())

    def uncall(self) -> None:
        """Take back a call whose request was never sent."""
        self._made -= 1
        self._left += 1

    def made(self) -> int:
        """Return the calls made since this was last asked."""
        made, self._made = self._made, 0
        return made

    def wanted(self) -> int:
        """Return how many calls to reserve on top of what is left; 0 without an apiLimit."""
        if self._reserve is None:
            return 0
        return max(0, self._batch() - self._usable())

    def add(self, calls: int) -> None:
        """Take note that `calls` more were reserved."""
        if calls <= 0:
            return
        self._left = self._usable() + calls
        self._ends = time.monotonic() + until_midnight(self._clock.now())

    def _take(self) -> None:
        if self._usable() == 0:
            assert self._reserve is not None
            self._left = 0
            self.add(self._reserve(self._batch()))
        if self._left == 0:
            raise ApiLimitUsed(self._provider)
        self._left -= 1

    def _usable(self) -> int:
        return self._left if time.monotonic() < self._ends else 0

    def _batch(self) -> int:
        since = time.monotonic() - RECENT
        while self._recent and self._recent[0] < since:
            self._recent.popleft()
        return max(LEAST, len(self._recent))
