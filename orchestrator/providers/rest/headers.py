"""What usual headers say of a rate limit. Read are, and the first that speaks is believed:

`RateLimit` and `RateLimit-Policy`  https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/ (-08 on)
`RateLimit`                         the same, drafts -04 to -07: limit=100, remaining=50, reset=5
`RateLimit-Limit, -Remaining, -Reset` of the drafts before, and the `X-RateLimit-*` that were there before all drafts
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.limits.limit import News
from orchestrator.providers.headers import Headers

LIMIT = "rate"  # the name of a connection's rate limit
QUOTA = "quota"  # and of its quota: policies for longer than an hour speak of that
LONGEST_RATE = timedelta(hours=1)
LONGEST_LIST = 1000  # characters; a vendor with more policies than that is not understood
LONGEST_WINDOW = 691_200.0  # s, eight days

PREFIXES = ("x-ratelimit", "ratelimit")
NAMES = frozenset(
    {"ratelimit", *(f"{prefix}-{word}" for prefix in PREFIXES for word in ("remaining", "limit", "reset"))}
)
NOTHING = News()

Params = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class _Policy:
    """What is said of one limit."""

    header: str
    remaining: float | None = None
    amount: float | None = None
    window: timedelta | None = None
    resets_in: timedelta | None = None


def news(headers: Mapping[str, str], now: datetime) -> News:
    """Return what the headers say; empty where they say nothing that can be believed."""
    if NAMES.isdisjoint(headers):  # each answer passes here
        return NOTHING
    read = Headers(headers)
    policies = [*_structured(read)] if "ratelimit" in headers else []
    policies = policies or [*_separate(read, now)]
    told: dict[str, _Policy] = {}
    for policy in policies:
        name = QUOTA if policy.window is not None and policy.window > LONGEST_RATE else LIMIT
        known = told.get(name)
        if known is None or _left(policy) < _left(known):  # of several for one kind the tightest counts
            told[name] = policy
    return News(
        remaining={name: each.remaining for name, each in told.items() if each.remaining is not None},
        limits={name: each.amount for name, each in told.items() if each.amount},
        windows={name: each.window for name, each in told.items() if each.window is not None},
        resets_in={name: each.resets_in for name, each in told.items() if each.resets_in is not None},
        heard_from={name: each.header for name, each in told.items()},
        nonsense=tuple(read.nonsense),
    )


def _left(policy: _Policy) -> float:
    return float("inf") if policy.remaining is None else policy.remaining


def _separate(read: Headers, now: datetime) -> Iterator[_Policy]:
    for prefix in PREFIXES:
        remaining, amount = read.number(f"{prefix}-remaining"), read.number(f"{prefix}-limit")
        resets_in = read.reset(f"{prefix}-reset", now)
        if not (remaining is None and amount is None and resets_in is None):
            yield _Policy(header=f"{prefix}-*", remaining=remaining, amount=amount, resets_in=resets_in)
            return


def _structured(read: Headers) -> Iterator[_Policy]:
    policies = dict(_items(read, "ratelimit-policy"))
    for name, params in _items(read, "ratelimit"):
        rules = policies.get(name) or next(iter(policies.values() if not name else ()), {})
        window = _number(read, "ratelimit-policy", rules.get("w"))
        resets_in = _number(read, "ratelimit", params.get("t") or params.get("reset"))
        yield _Policy(
            header="ratelimit",
            remaining=_number(read, "ratelimit", params.get("r") or params.get("remaining")),
            amount=_number(read, "ratelimit-policy", rules.get("q")) or _number(read, "ratelimit", params.get("limit")),
            window=_span(read, "ratelimit-policy", window),
            resets_in=_span(read, "ratelimit", resets_in),
        )


def _items(read: Headers, header: str) -> Iterator[tuple[str, Params]]:
    """Yield each item of a structured list (RFC 9651) with its parameters; the older dictionary is one item."""
    text = read.text(header) or ""
    if len(text) > LONGEST_LIST:
        read.doubt(header)
        return
    if header == "ratelimit" and '"' not in text and ";" not in text:
        if params := _params(text.split(",")):
            yield "", params
        return
    for item in text.split(","):
        name, *rest = item.split(";")
        yield name.strip().strip('"'), _params(rest)


def _params(texts: list[str]) -> Params:
    pairs = (each.partition("=") for each in texts)
    return {name.strip().lower(): value.strip() for name, equals, value in pairs if equals}


def _number(read: Headers, header: str, text: str | None) -> float | None:
    return None if text is None else read.believed(header, text)


def _span(read: Headers, header: str, seconds: float | None) -> timedelta | None:
    if seconds is None or seconds > LONGEST_WINDOW:
        if seconds is not None:
            read.doubt(header)
        return None
    return timedelta(seconds=seconds)
