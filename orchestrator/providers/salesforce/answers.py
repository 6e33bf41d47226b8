"""What Salesforce's answers say besides their data: what is left of the day's calls, and why it refused.

https://developer.salesforce.com/docs/atlas.en-us.salesforce_app_limits_cheatsheet.meta/salesforce_app_limits_cheatsheet/salesforce_app_limits_platform_api.htm
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from xml.sax.saxutils import unescape

import msgspec

from orchestrator.http.refusals import retry_after
from orchestrator.http.tokens import Auth
from orchestrator.job.errors import Throttled
from orchestrator.job.status import WaitReason
from orchestrator.limits.limit import ConcurrencyLimit, News, QuotaLimit
from orchestrator.providers.headers import Headers
from orchestrator.providers.salesforce.wire import PROVIDER, AsyncRefusal, Refusal

API_REQUESTS = QuotaLimit(name="api_requests", amount=15_000)  # of the smallest edition; larger orgs have more
CONCURRENT = ConcurrencyLimit(name="concurrent", amount=25)  # long requests of a production org
LIMIT_INFO = "sforce-limit-info"
USAGE = re.compile(r"\s*api-usage=(\d+)/(\d+)")
USED_UP = timedelta(hours=1)  # the window of 24 hours rolls, and no answer says when it frees calls
CROWDED = timedelta(seconds=30)  # long requests end within minutes
CALLS_USED_UP = ("TotalRequests Limit", "ApiBatchItems Limit")
QUERIES_USED_UP = "Max bulk v2 query"  # jobs, or bytes of their results
BULK_QUERIES = "bulk_queries"

ASYNC = "/services/async/"
IN_XML = (  # found, not parsed: a refusal is read whatever else its document brings
    re.compile(rb"<exceptionCode>([A-Za-z]{1,64})</exceptionCode>"),
    re.compile(rb"<exceptionMessage>([^<]{0,1000})</exceptionMessage>"),
)

_async_refusal = msgspec.json.Decoder(AsyncRefusal)
_refusals = msgspec.json.Decoder(list[Refusal])


def news(headers: Mapping[str, str], now: datetime) -> News:
    """Return what an answer's headers (lower-case names) say of the day's calls; only the first pair counts."""
    read, pause = Headers(headers), retry_after(headers.get("retry-after"), now)
    told = headers.get(LIMIT_INFO)
    if told is None:
        return News(retry_after=pause)
    found = USAGE.match(told)
    used = read.believed(LIMIT_INFO, found[1]) if found else None
    amount = read.believed(LIMIT_INFO, found[2]) if found else None
    if used is None or not amount:
        read.doubt(LIMIT_INFO)
        return News(retry_after=pause, nonsense=tuple(read.nonsense))
    name = API_REQUESTS.name
    return News(
        remaining={name: max(0.0, amount - used)},
        limits={name: amount},
        retry_after=pause,
        heard_from={name: LIMIT_INFO},
    )


def refusal(status: int, body: bytes) -> str:
    """Return the vendor's own words, codes first."""
    words = "; ".join(f"{each.error_code}: {each.message}" for each in refusals(body))
    return words or f"no explanation with status {status}"


def later(status: int, body: bytes) -> Throttled | None:
    """Return the pause that a refusal means: a day's allowance is used up, or too many long calls run at once."""
    for each in refusals(body):
        if QUERIES_USED_UP in each.message:
            return Throttled(PROVIDER, USED_UP, reason=WaitReason.QUOTA, limit=BULK_QUERIES)
        if any(words in each.message for words in CALLS_USED_UP):
            return Throttled(PROVIDER, USED_UP, reason=WaitReason.QUOTA, limit=API_REQUESTS.name)
        if each.is_any("REQUEST_LIMIT_EXCEEDED"):
            return Throttled(PROVIDER, CROWDED, limit=CONCURRENT.name)
    return None


def is_stale(status: int, body: bytes) -> bool:
    """Whether the session has ended: Bulk API 1.0 says so with a 400."""
    return status == 401 or (status == 400 and any(each.is_any("InvalidSessionId") for each in refusals(body)))


def dress(path: str, auth: Auth) -> Auth:
    """Send the access token as Bulk API 1.0 wants it to the paths of 1.0: as a session, without `Bearer`."""
    token = auth.headers.get("Authorization")
    if token is None or not path.startswith(ASYNC):
        return auth
    return replace(auth, headers={"X-SFDC-Session": token.removeprefix("Bearer ")})


def refusals(body: bytes) -> list[Refusal]:
    """Read the reasons: an array, or the one of Bulk API 1.0 in JSON or XML; empty where the body is neither."""
    try:
        return _refusals.decode(body) if body.lstrip()[:1] == b"[" else _async_refusals(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []


def _async_refusals(body: bytes) -> list[Refusal]:
    if body.lstrip()[:1] == b"{":
        told = _async_refusal.decode(body)
        return [Refusal(error_code=told.exception_code, message=told.exception_message)] if told.exception_code else []
    code, message = (found[1].decode() if (found := told.search(body)) else "" for told in IN_XML)
    return [Refusal(error_code=code, message=unescape(message))] if code else []
