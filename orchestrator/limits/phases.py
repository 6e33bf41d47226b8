"""When a vendor's window turns, where its answers tell what remains but not until when: watched, never asked. Pure.

Windows are taken to begin at each multiple of their length, until what remains rises elsewhere: much at once means that
a window began there; little by little, or not at all where a window should have begun, that it slides.
"""

from dataclasses import dataclass, replace

ENOUGH = 0.25  # of the amount must be used before a rise says anything
MUCH = 0.5  # of what was used comes back at once where a window turns
CREEPS = 0.02  # of the amount; a smaller rise is answers that overtook each other


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was last told of a window; times are µs."""

    remaining: float
    at: int
    phase: int = 0  # windows begin at this much after each multiple of their length
    slides: bool = False


def is_ambiguous(before: Seen | None, *, window: int, sent: int, now: int) -> bool:
    """Whether a request of `sent` travelled while the window turned: nobody knows of which one its answer speaks."""
    phase = 0 if before is None else before.phase
    return (sent - phase) // window < (now - phase) // window


def after(before: Seen | None, *, remaining: float, amount: float, window: int, now: int) -> Seen:
    """Return what is known after an answer that came `now`."""
    if before is None:
        return Seen(remaining=remaining, at=now)
    turns = (now - before.phase) // window > (before.at - before.phase) // window
    seen = replace(before, remaining=remaining, at=now)
    used, rise = amount - before.remaining, remaining - before.remaining
    if used < ENOUGH * amount:
        return seen
    if turns:
        return replace(seen, slides=rise < MUCH * used)
    if rise >= max(MUCH * used, (ENOUGH + 2 * (now - before.at) / window) * amount):
        return replace(seen, slides=False, phase=now % window)
    return replace(seen, slides=before.slides or rise > CREEPS * amount)


def is_news(before: Seen | None, seen: Seen) -> bool:
    """Whether the window is another than was believed."""
    return before is not None and (before.phase, before.slides) != (seen.phase, seen.slides)


def next_turn(seen: Seen, window: int, now: int) -> int | None:
    """Return when the window turns next; None where it slides."""
    return None if seen.slides else now + window - (now - seen.phase) % window
