"""When a budget's circuit opens: its provider gave no usable answer, time and again. Pure.

closed ──5 failed turns without an answer between them──▶ open ──time──▶ half open: one probe at a time
  ▲                                                        ▲                 │ fails
  └─────────────────── an answer ──────────────────────────┴─────────────────┘
"""

from datetime import timedelta
from enum import StrEnum

TRIPS = 5  # failed turns; fewer are the noise of any network
FIRST = timedelta(seconds=10)
LONGEST = timedelta(minutes=5)


class Circuit(StrEnum):
    """What the breaker lets through."""

    CLOSED = "closed"  # everything
    OPEN = "open"  # nothing
    HALF_OPEN = "half_open"  # one step at a time, to see whether it is answered


def opens_for(failures: int) -> timedelta | None:
    """Return how long the circuit stays open after that many failed turns in a row; None: it stays closed."""
    if failures < TRIPS:
        return None
    return min(LONGEST, FIRST * (1 << min(failures - TRIPS, 10)))


def circuit(failures: int, is_open: bool) -> Circuit:
    """Return the state; `is_open`: its time is not over yet."""
    if failures < TRIPS:
        return Circuit.CLOSED
    return Circuit.OPEN if is_open else Circuit.HALF_OPEN
