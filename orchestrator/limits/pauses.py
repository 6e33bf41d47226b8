"""How long to stay away after a refusal, and when things turn for the better: pure functions but for their dice."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from orchestrator.limits.burst import is_short, rates
from orchestrator.limits.limit import Limit, News, RateLimit

LONGEST_WINDOW = timedelta(seconds=60)  # nobody waits out an hour because of one 429 without a date
BLIND_PAUSE = timedelta(seconds=5)  # a 429 without a date, of a budget without rates
MOST_JITTER = timedelta(seconds=1)
SLOT_PAUSE = (0.2, 1.0)  # seconds; a call in flight ends far sooner than its slot expires
NO_TIME = timedelta(0)

_dice = random.SystemRandom()


@dataclass(frozen=True, kw_only=True)
class Pause:
    """The gate closes for `span`; or, where that is zero, until the next multiple of `window` and `jitter` more."""

    span: timedelta = NO_TIME
    window: timedelta = NO_TIME
    jitter: timedelta = NO_TIME


def pause_after(limits: Iterable[Limit], news: News) -> Pause:
    """Return how long the gate stays closed after this news; zero in all fields where it need not close."""
    if news.retry_after is not None and news.retry_after > NO_TIME:
        return Pause(span=news.retry_after)
    if not news.refused:
        return Pause()
    named = [span for name, span in news.resets_in.items() if news.remaining.get(name, 0) <= 0]
    if named:
        return Pause(span=max(named) + _jitter(LONGEST_WINDOW))
    windows = [limit.window for limit in rates(limits)]
    if not windows:
        return Pause(span=BLIND_PAUSE + _jitter(LONGEST_WINDOW))
    window = min(max(windows), LONGEST_WINDOW)
    return Pause(window=window, jitter=_jitter(window))


def slot_pause(first_expiry: timedelta) -> timedelta:
    """Return when to ask again for a slot: 0.2 to 1 s with jitter, or sooner where one expires sooner."""
    return min(first_expiry, timedelta(seconds=_dice.uniform(*SLOT_PAUSE)))


def next_midnight(now: datetime, timezone: str) -> datetime:
    """Return the next moment at which a calendar day of `timezone` (IANA) begins."""
    zone = ZoneInfo(timezone)
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), zone).astimezone(now.tzinfo)


def told_reset(limit: Limit, news: News) -> timedelta | None:
    """Return in how long the vendor says that a limit is reset.

    A short window is below the resolution of such headers (whole seconds), so nothing is believed about it.
    """
    told = news.resets_in.get(limit.name)
    if told is None or not isinstance(limit, RateLimit):
        return told
    return None if is_short(limit) else min(told, limit.window)


def _jitter(window: timedelta) -> timedelta:
    return min(window / 10, MOST_JITTER) * _dice.random()
