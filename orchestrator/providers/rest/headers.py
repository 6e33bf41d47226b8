"""What usual headers say of a rate limit; there is no standard, so only the widespread names are read.

`RateLimit-*` (draft-ietf-httpapi-ratelimit-headers, older drafts) and the `X-RateLimit-*` that came before it.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from orchestrator.limits.limit import News

LIMIT = "rate"  # the name of a connection's rate limit, of which such headers speak
EPOCH = 1e9  # a reset beyond this is a date in seconds since 1970, not a duration
LONGEST_RESET = 86_400.0  # s; what lies further away is a misreading


def news(headers: Mapping[str, str], now: datetime) -> News:
    """Return what the headers say; empty where they say nothing that can be read."""
    remaining, limit, reset = (_number(headers, word) for word in ("remaining", "limit", "reset"))
    after = None if reset is None else reset - now.timestamp() if reset > EPOCH else reset
    return News(
        remaining={} if remaining is None else {LIMIT: remaining},
        limits={} if not limit else {LIMIT: limit},
        resets_in={} if after is None or not 0 <= after <= LONGEST_RESET else {LIMIT: timedelta(seconds=after)},
    )


def _number(headers: Mapping[str, str], word: str) -> float | None:
    for name in (f"x-ratelimit-{word}", f"ratelimit-{word}"):
        text = headers.get(name)
        if text is not None:
            with suppress(ValueError, OverflowError):
                return max(0.0, float(text))
    return None
