"""What Salesloft's answers say besides their data: what is left of the budget, what a call costs, why it refused.

Budget: 600 points a minute and team, shared by every integration; see "Rate Limits" in the vendor's documentation.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from orchestrator.http.refusals import retry_after
from orchestrator.limits.limit import News, RateLimit
from orchestrator.providers.headers import Headers

MINUTE = timedelta(minutes=1)
POINTS = RateLimit(name="points", amount=600, window=MINUTE)
DEEP_PAGES = ((100, 1), (150, 3), (250, 8), (500, 10))  # up to page, points
REMAINING = "x-ratelimit-remaining-minute"
DEEPEST = 30  # points of a page beyond 500


def news(headers: Mapping[str, str], now: datetime) -> News:
    """Return what an answer's headers (lower-case names) say of the points; what cannot be believed is left out."""
    read = Headers(headers)
    remaining, claimed = _points(read, REMAINING), _points(read, "x-ratelimit-limit-minute")
    return News(
        remaining=remaining,
        limits={name: amount for name, amount in claimed.items() if amount},
        resets_in={POINTS.name: _rest_of_the_minute(now)} if remaining.get(POINTS.name) == 0 else {},
        retry_after=retry_after(headers.get("retry-after"), now),
        cost=read.number("x-ratelimit-endpoint-cost"),
        heard_from={POINTS.name: REMAINING} if remaining else {},
        nonsense=tuple(read.nonsense),
    )


def page_cost(page: int) -> int:
    """Return the points that page number `page` (from 1) of a list costs."""
    return next((cost for last, cost in DEEP_PAGES if page <= last), DEEPEST)


def pages_cost(pages: int) -> int:
    """Return the points that a list's first `pages` pages cost by their numbers."""
    before, points = 0, 0
    for last, cost in DEEP_PAGES:
        points += max(0, min(pages, last) - before) * cost
        before = last
    return points + max(0, pages - before) * DEEPEST


def refusal(status: int, body: bytes) -> str:
    """Return the vendor's own words: `error` is a sentence, `errors` lists of them by field; there are no codes."""
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = None
    words = "; ".join(_words(said)) if isinstance(said, dict) else ""
    return words or f"no explanation with status {status}"


def _words(said: Mapping[str, Any]) -> Iterator[str]:
    yield from (said[name] for name in ("error", "error_description") if isinstance(said.get(name), str))
    match said.get("errors"):
        case dict() as fields:
            yield from (f"{field} {_joined(messages)}" for field, messages in fields.items())
        case None:
            return
        case messages:
            yield _joined(messages)


def _joined(messages: object) -> str:
    return ", ".join(map(str, messages)) if isinstance(messages, list) else str(messages)


def _points(read: Headers, name: str) -> Mapping[str, float]:
    number = read.number(name)
    return {} if number is None else {POINTS.name: number}


def _rest_of_the_minute(now: datetime) -> timedelta:
    """The budget is taken to come back with the clock's minute; the vendor does not say."""
    return MINUTE - timedelta(seconds=now.second, microseconds=now.microsecond)
