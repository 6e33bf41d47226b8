"""What Salesforce's answers say besides their data: what is left of the day's calls, and why it refused.

https://developer.salesforce.com/docs/atlas.en-us.salesforce_app_limits_cheatsheet.meta/salesforce_app_limits_cheatsheet/salesforce_app_limits_platform_api.htm
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from orchestrator.http.refusals import retry_after
from orchestrator.job.errors import Throttled
from orchestrator.job.status import WaitReason
from orchestrator.limits.limit import ConcurrencyLimit, News, QuotaLimit
from orchestrator.providers.headers import Headers
from orchestrator.providers.salesforce.wire import PROVIDER, Refusal

API_REQUESTS = QuotaLimit(name="api_requests", amount=15_000)  # of the smallest edition; larger orgs have more
CONCURRENT = ConcurrencyLimit(name="concurrent", amount=25)  # long requests of a production org
LIMIT_INFO = "sforce-limit-info"
USAGE = re.compile(r"\s*api-usage=(\d+)/(\d+)")
USED_UP = timedelta(hours=1)  # the window of 24 hours rolls, and no answer says when it frees calls
CROWDED = timedelta(seconds=30)  # long requests end within minutes
CALLS_USED_UP = "TotalRequests Limit"
QUERIES_USED_UP = "Max bulk v2 query"  # jobs, or bytes of their results
BULK_QUERIES = "bulk_queries"

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
        if CALLS_USED_UP in each.message:
            return Throttled(PROVIDER, USED_UP, reason=WaitReason.QUOTA, limit=API_REQUESTS.name)
        if each.is_any("REQUEST_LIMIT_EXCEEDED"):
            return Throttled(PROVIDER, CROWDED, limit=CONCURRENT.name)
    return None


def refusals(body: bytes) -> list[Refusal]:
    """Read the array of reasons; empty where the body is none."""
    try:
        return _refusals.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
