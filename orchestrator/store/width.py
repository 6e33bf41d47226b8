"""How many turns of a budget run at once: fewer when the provider groans, more again when it is quiet. Pure.

refused, timed out, no slot, or slow ──▶ × 0.7, at most once in 5 s
a turn without any of that           ──▶ + 1 for each second that it lasted, all turns together

Slow is a latency of 2.5 times what is usual. The usual one is the lowest that was seen, and drifts up slowly, so that a
provider that has become slower for good is not held small for ever.
"""

from dataclasses import dataclass, replace

SHRINK = 0.7
LEAST = 1.0
AGAIN_AFTER = 5_000_000  # µs; turns that were under way together tell of one incident
SLOW = 2.5  # times the usual latency
NEVER_SLOW = 100_000  # µs; below this a latency is noise of our own
SMOOTHING = 0.3  # weight of the newest turn in the latency
DRIFT = 0.02  # of the distance, for each turn that was slower than usual
SECOND = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Width:
    """What was learned of one budget; all times are µs."""

    turns: float | None = None  # None: never narrowed
    shrunk_at: int = 0
    grown_at: int = 0
    latency: float | None = None
    usual: float | None = None


@dataclass(frozen=True, kw_only=True)
class Felt:
    """How the provider felt in one turn; all times are µs."""

    squeezed: bool = False  # it refused, timed out, or had no slot
    latency: float | None = None  # mean of its reads; None: there were none
    lasted: int = 0


def after_turn(before: Width, felt: Felt, *, cap: int, now: int) -> Width:
    """Return the width after one more turn; `cap` is the most there can be."""
    known = _with_latency(before, felt.latency)
    turns = float(cap) if known.turns is None else min(known.turns, cap)
    if felt.squeezed or _is_slow(known):
        return _narrowed(known, turns, now)
    if known.turns is None:
        return known
    quiet = min(felt.lasted, now - max(known.grown_at, known.shrunk_at)) / SECOND
    if quiet <= 0 or turns >= cap:
        return replace(known, turns=turns)
    return replace(known, turns=min(float(cap), turns + quiet), grown_at=now)


def places(turns: float | None, most: int) -> int:
    """Return how many turns may run at once, of `most`; at least 1."""
    return most if turns is None else max(1, min(most, int(turns)))


def _narrowed(known: Width, turns: float, now: int) -> Width:
    if now - known.shrunk_at < AGAIN_AFTER:
        return replace(known, turns=turns)
    return replace(known, turns=max(LEAST, turns * SHRINK), shrunk_at=now)


def _is_slow(known: Width) -> bool:
    if known.latency is None or known.usual is None:
        return False
    return known.latency > SLOW * max(known.usual, NEVER_SLOW)


def _with_latency(before: Width, latency: float | None) -> Width:
    if latency is None:
        return before
    smooth = latency if before.latency is None else before.latency + SMOOTHING * (latency - before.latency)
    usual = smooth if before.usual is None else before.usual
    return replace(before, latency=smooth, usual=smooth if smooth < usual else usual + DRIFT * (smooth - usual))
