"""The time, for everything that is not measured by a database or by Redis; nobody else reads the wall clock."""

from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the time, aware and in UTC."""
        ...


class WallClock:
    """The clock of this computer, plus a constant shift."""

    def __init__(self, shift: timedelta = timedelta(0)) -> None:
        self._shift = shift

    def now(self) -> datetime:
        """Return the time, aware and in UTC; never compare it with a time of another computer (I10)."""
        return datetime.now(UTC) + self._shift


def to_micros(moment: datetime) -> int:
    """Return the whole microseconds from 1970 to an aware `moment`; a naive one is a TypeError."""
    return (moment - EPOCH) // MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the aware UTC moment that is `micros` microseconds after 1970."""
    return EPOCH + timedelta(microseconds=micros)
