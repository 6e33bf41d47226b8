"""What a turn's answers said of the budget's limits: what the limiter must know now, what SQL learns later."""

import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from statistics import fmean
from typing import Any

from orchestrator.job.commit import Fixes
from orchestrator.limits.limit import News

LONGEST_PAUSE = timedelta(hours=1)  # a vendor's Retry-After beyond this is looked at again after an hour
LEAST_PAUSE = timedelta(seconds=1)  # "Retry-After: 0" of a vendor that has just refused
UNTOLD_PAUSE = timedelta(seconds=15)  # a refusal without any date: a quarter of the usual one-minute window
OBSERVE_EVERY = 0.5  # s; every answer carries the header, and a trip for each would cost more than the page itself


class Heard:
    """The news of one turn; not thread-safe, the purse holds its lock around it."""

    def __init__(self) -> None:
        self._fixes = Fixes()
        self._learned: dict[str, dict[str, Any]] = {}
        self._nonsense: Counter[str] = Counter()
        self._latencies: list[float] = []
        self._began = time.monotonic()
        self._newest = 0.0  # when the request of the newest heeded answer was sent
        self._told_at = 0.0
        self._expected: dict[str, float] = {}

    def hear(self, news: News, sent_at: float) -> tuple[News | None, timedelta | None]:
        """Keep the news; return what the limiter should be told and how long a refusal keeps us away, each or None.

        A refusal is always told. What is left is told where it fell by more than our own calls and the last time was
        OBSERVE_EVERY ago: others spend from the same budget.
        """
        self._nonsense.update(news.nonsense)
        pause = _pause(news)
        if pause:
            self._fixes = replace(self._fixes, gate_for=pause, squeezed=self._fixes.squeezed or news.refused)
        elif sent_at < self._newest:  # answers overtake each other: this one is older than what we know
            return None, None
        self._newest = max(self._newest, sent_at)
        self._keep(news)
        if pause is None and not self._is_surprise(news):
            return None, None
        return replace(news, sent_ago=timedelta(seconds=time.monotonic() - sent_at)), pause

    def spent(self, cost: float) -> None:
        """Expect the provider's own count to fall by `cost`."""
        for name in self._expected:
            self._expected[name] -= cost

    def blocked(self, wait: timedelta, by: str) -> None:
        """Note that a rate, a quota or the gate refused: dispatch skips the whole budget for `wait`."""
        self._fixes = replace(self._fixes, blocked_for=wait, blocked_by=by)

    def answered(self, *, well: bool) -> None:
        """Note a usable answer, or a failure to get one."""
        known = self._fixes
        squeezed = known.squeezed or not well
        self._fixes = replace(known, answered=known.answered or well, failed=not well, squeezed=squeezed)

    def had_no_slot(self) -> None:
        """Note that a limit of calls at once refused."""
        self._fixes = replace(self._fixes, squeezed=True)

    def took(self, latency: timedelta) -> None:
        """Note how long an answer to a read took."""
        self._latencies.append(latency.total_seconds())

    def take(self, *, ending: bool) -> Fixes:
        """Return what was noted since this was last asked; what only matters at the end of a turn is kept for that."""
        fixes, self._fixes = self._fixes, Fixes()
        if not ending:
            self._fixes = replace(self._fixes, squeezed=fixes.squeezed)
            return replace(fixes, squeezed=False)
        fixes = replace(
            fixes,
            learned=self._learned or None,
            nonsense=dict(self._nonsense),
            latency=timedelta(seconds=fmean(self._latencies)) if self._latencies else None,
            worked=timedelta(seconds=time.monotonic() - self._began),
        )
        self._learned, self._nonsense, self._latencies = {}, Counter(), []
        return fixes

    def _keep(self, news: News) -> None:
        resets = {name: after.total_seconds() for name, after in news.resets_in.items()}
        said: Mapping[str, Mapping[str, Any]] = {
            "remaining": news.remaining,
            "limit": news.limits,
            "resets_in": resets,
            "header": news.heard_from,
        }
        for word, values in said.items():
            for name, value in values.items():
                self._learned.setdefault(name, {})[word] = value

    def _is_surprise(self, news: News) -> bool:
        fell = any(left < self._expected.get(name, left + 1) for name, left in news.remaining.items())
        self._expected.update(news.remaining)
        now = time.monotonic()
        if not (fell or news.limits) or now - self._told_at < OBSERVE_EVERY:
            return False
        self._told_at = now
        return True


def _pause(news: News) -> timedelta | None:
    """Return how long a refusal keeps us away: as told, else until its window ends, 1 s to 1 h; else None."""
    if not news.refused and not news.retry_after:
        return None
    spent = [after for name, after in news.resets_in.items() if news.remaining.get(name, 0) <= 0]
    told = news.retry_after or max(spent, default=UNTOLD_PAUSE * random.uniform(1.0, 1.2))  # noqa: S311 - a spread
    return max(LEAST_PAUSE, min(told, LONGEST_PAUSE))
