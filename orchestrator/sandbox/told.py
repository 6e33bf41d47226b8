"""The sandbox's clock: real time, or time that is told."""

import time
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Clock:
    """Microseconds since 1970; runs with real time, or stands until it is advanced."""

    def __init__(self, *, told: bool) -> None:
        self._told = told
        self._shift = 0
        self._stands_at = _real()

    def now(self) -> int:
        """Return the time in microseconds since 1970, UTC."""
        return self._stands_at if self._told else _real() + self._shift

    def advance(self, seconds: float) -> int:
        """Move the clock forward at once; return the new time."""
        step = round(seconds * 1_000_000)
        self._shift += step
        self._stands_at += step
        return self.now()

    def tell(self, told: bool) -> None:
        """Let the clock stand (True) or run on from where it is (False); it never jumps."""
        at = self.now()
        self._told, self._stands_at, self._shift = told, at, at - _real()

    @property
    def told(self) -> bool:
        """Whether the clock stands until it is advanced."""
        return self._told


def _real() -> int:
    return time.time_ns() // 1000


def iso(at: int) -> str:
    """Write microseconds since 1970 as the vendors write times: UTC, six digits, Z."""
    moment = EPOCH + timedelta(microseconds=at)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def iso_or_none(at: int | None) -> str | None:
    """Write a time that may be missing."""
    return None if at is None else iso(at)


def iso_elsewhere(at: int) -> str:
    """Write a time with a foreign offset and, where it is whole, without a fraction."""
    moment = EPOCH + timedelta(microseconds=at, hours=-5)
    return moment.isoformat().replace("+00:00", "-05:00")


def parsed(text: str) -> int:
    """Read an ISO 8601 time as microseconds since 1970, UTC without an offset; ValueError if it is none."""
    moment = datetime.fromisoformat(text)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - EPOCH) // MICROSECOND
