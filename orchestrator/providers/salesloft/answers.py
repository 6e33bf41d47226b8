"""What Salesloft's answers say besides their data: what is left of the budget, and why it refused.

Budget: 600 points a minute and team, shared by every integration; see "Rate Limits" in the vendor's documentation.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from orchestrator.limits.limit import News, RateLimit

POINTS = RateLimit(name="points", amount=600, window=timedelta(minutes=1))

LONGEST_PAUSE = timedelta(hours=1)  # the budget is of a minute: a longer pause is a mistake, and we look again
LONGEST_TEXT = 300  # characters of a vendor's refusal that are kept


def news(headers: Mapping[str, str], now: datetime) -> News:
    """Return what an answer's headers (lower-case names) say of the points; what cannot be read is left out."""
    return News(
        remaining=_points(headers, "x-ratelimit-remaining-minute"),
        limits=_points(headers, "x-ratelimit-limit-minute"),
        retry_after=_pause(headers.get("retry-after", ""), now),
        cost=_number(headers.get("x-ratelimit-endpoint-cost")),
    )


def page_cost(page: int) -> int:
    """Return the points that page `page` of a page-numbered list costs (pages count from 1)."""
    for last, cost in ((100, 1), (150, 3), (250, 8), (500, 10)):
        if page <= last:
            return cost
    return 30


def refusal(status: int, body: bytes) -> str:
    """Return the vendor's own words for a refusal, on one line and short; it has no codes."""
    try:
        said = msgspec.json.decode(body)
    except msgspec.MsgspecError:
        return f"no explanation with status {status}"
    words = "; ".join(_words(said)) if isinstance(said, dict) else ""
    return " ".join(words.split())[:LONGEST_TEXT] or f"no explanation with status {status}"


def _words(said: Mapping[str, Any]) -> Iterator[str]:
    for name in ("error", "error_description"):
        if isinstance(said.get(name), str):
            yield said[name]
    match said.get("errors"):
        case dict() as fields:
            yield from (f"{field} {_joined(messages)}" for field, messages in fields.items())
        case None:
            return
        case messages:
            yield _joined(messages)


def _joined(messages: object) -> str:
    return ", ".join(map(str, messages)) if isinstance(messages, list) else str(messages)


def _points(headers: Mapping[str, str], name: str) -> Mapping[str, float]:
    number = _number(headers.get(name))
    return {} if number is None else {POINTS.name: number}


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text else None
    except ValueError:
        return None
    return number if number is not None and 0 <= number < float("inf") else None


def _pause(text: str, now: datetime) -> timedelta | None:
    seconds = _number(text)
    wait = _until(text, now) if seconds is None else timedelta(seconds=min(seconds, LONGEST_PAUSE.total_seconds()))
    return None if wait is None else max(timedelta(0), min(wait, LONGEST_PAUSE))


def _until(text: str, now: datetime) -> timedelta | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
