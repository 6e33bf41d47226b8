"""A vendor's answer, or the lack of one, turned into our errors. Nobody outside `http/` looks at a status code.

no connection, full pool       Unreachable, certainly not done
broken or late answer          Unreachable, maybe done
429, and what the family knows Throttled until Retry-After, or as long as the family says
401                            refreshed once and sent again, then Unauthorized (transport.py)
408, 425, 5xx                  Unreachable, maybe done; with the vendor's own pause where it tells one
404                            Gone
other 3xx, 4xx                 Rejected, in the vendor's words
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from orchestrator.http.guard import Blocked
from orchestrator.http.heard import LONGEST_PAUSE
from orchestrator.job.errors import Gone, OrchestratorError, Rejected, Throttled, Unauthorized, Unreachable

LONGEST_HEADER = 64  # characters; the longest date has 29
LONGEST_TEXT = 500  # characters of a vendor's words; enough for a sentence, too little for a page of HTML
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.ProxyError)
COME_BACK = frozenset({408, 425})  # a time-out and a "too early" that happen to be numbered as the client's fault

KINDS: Mapping[int, type[Rejected]] = {401: Unauthorized, 404: Gone}
SECONDS = re.compile(r"\s*\d+(\.\d+)?\s*")

Words = Callable[[int, bytes], str]  # status, body → the vendor's own words, short
Later = Callable[[int, bytes], Throttled | None]  # status, body → the pause that a refusal means; None: it is for good


def never_later(status: int, body: bytes) -> Throttled | None:
    """Take every refusal but a 429 for good."""
    return None


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """Read a Retry-After header (RFC 9110, 10.2.3: seconds or a date), between 0 and one hour; None if unreadable."""
    if not value or not value.strip() or len(value) > LONGEST_HEADER:
        return None
    try:
        told = (
            timedelta(seconds=float(value)) if value.strip()[0].isdigit() and "," not in value else _date(value) - now
        )
    except (ValueError, OverflowError):
        return None
    return max(timedelta(0), min(told, LONGEST_PAUSE))


def broken(provider: str, error: httpx.HTTPError, secrets: Iterable[str]) -> OrchestratorError:
    """Return the error for a request that got no answer."""
    if isinstance(error.__cause__, Blocked):
        return Rejected(provider, 0, str(error.__cause__))
    cause = clean(f"{type(error).__name__} {error}", secrets)
    return Unreachable(provider, cause, maybe_done=not isinstance(error, NEVER_SENT))


def refused(
    provider: str,
    response: httpx.Response,
    words: Words,
    now: datetime,
    secrets: Iterable[str],
    later: Later = never_later,
) -> OrchestratorError:
    """Return the error for an answer that is no success (429 and a first 401 are the transport's)."""
    status = response.status_code
    if status >= 500 or status in COME_BACK:
        told = retry_after(response.headers.get("retry-after"), now)
        return Unreachable(provider, f"status {status}", pause=told)
    if status < 400:
        return Rejected(provider, status, "an answer that points to another address, which is never followed")
    if (pause := later(status, response.content)) is not None:
        return pause
    text = clean(words(status, response.content), secrets)
    return KINDS.get(status, Rejected)(provider, status, text)


def clean(text: str, secrets: Iterable[str]) -> str:
    """Return the text on one line, shortened, with every secret replaced."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return " ".join(text.split())[:LONGEST_TEXT]


def _date(value: str) -> datetime:
    told = parsedate_to_datetime(value)
    return told if told.tzinfo else told.replace(tzinfo=UTC)
