"""How many requests a key may send: so many a second, twice as many at once.

Counted by each API process for itself, in memory: the limit guards this process and its database, so it needs no server
that could be down, and N processes together let N times as many in. Vendors' limits are elsewhere, and exact.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

BURST_SECONDS = 2.0  # a page that asks for many things at once is no flood
MOST_KEYS = 10_000  # remembered; the one that was quiet longest is forgotten, and starts full


class Door:
    """Lets requests in; thread-safe. `rate` is requests a second for each key; `now` counts seconds."""

    def __init__(self, rate: float, now: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = rate * BURST_SECONDS
        self._now = now
        self._lock = threading.Lock()
        self._seen: OrderedDict[int, tuple[float, float]] = OrderedDict()  # key → tokens, when

    def wait(self, key_id: int) -> float:
        """Let one request in and return 0, or return the seconds until the next one may come."""
        with self._lock:
            now = self._now()
            tokens, at = self._seen.pop(key_id, (self._burst, now))
            tokens = min(self._burst, tokens + (now - at) * self._rate)
            wait = 0.0 if tokens >= 1 else (1 - tokens) / self._rate
            self._seen[key_id] = (tokens - (wait == 0), now)
            if len(self._seen) > MOST_KEYS:
                self._seen.popitem(last=False)
            return wait
