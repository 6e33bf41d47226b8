"""A generic REST vendor: one long list, in every style of paging that one meets.

`/rest/items` {"data": [...], "total": n} · `/rest/array` bare array · `/rest/linked` {"data": [...], "next": url}
· `/rest/paged` bare array with a `Link` header. Each takes `id[gt]` + `per_page`, `page` + `per_page`,
`offset` + `limit`, `cursor` + `per_page`, and `updated_at[gt|gte|lt|lte]`.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Any
from urllib.parse import urlencode

import msgspec

from orchestrator.sandbox.blocks import Blocks
from orchestrator.sandbox.exchange import Answer, Refused, Request, as_json
from orchestrator.sandbox.faults import SPOKEN
from orchestrator.sandbox.limiter import Limiter, Rule, Verdict
from orchestrator.sandbox.options import Switches
from orchestrator.sandbox.told import Clock, parsed

LATEST = 2**62  # later than any time


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A list and the style of its answers; all lists show the same records."""

    name: str
    key: str | None = "data"  # where the records are; None: the body is the array
    total: str | None = None  # where the number of records is told
    next_key: str | None = None  # where the address of the next page is
    link_header: bool = False


RESOURCES = (
    Resource(name="items", total="total"),
    Resource(name="array", key=None),
    Resource(name="linked", next_key="next"),
    Resource(name="paged", key=None, link_header=True),
)


class Rest:
    """The imitated vendor."""

    prefixes: tuple[str, ...] = ("/rest/",)
    spoken: Mapping[int, str] = SPOKEN

    def __init__(self, clock: Clock, switches: Switches) -> None:
        options = switches.now
        self._switches = switches
        self._blocks = Blocks(options.rest_records, options.rest_ties)
        self.limiter = Limiter(clock)
        self._resources: Mapping[str, Resource] = {resource.name: resource for resource in RESOURCES}

    def add(self, resource: Resource) -> None:
        """Offer the records in one more style."""
        self._resources = {**self._resources, resource.name: resource}

    def answer(self, request: Request) -> Answer:
        """Answer one request, whatever it is."""
        try:
            self._check(request)
        except Refused as refusal:
            return replace(refusal.answer, route="refused")
        options = self._switches.now
        rule = Rule(amount=options.rest_rate, seconds=options.rest_window, sliding=options.rest_sliding)
        verdict = self.limiter.take(1, rule)
        headers = _headers(rule, verdict)
        if not verdict.granted:
            pause = [("retry-after", str(ceil(verdict.wait)))] if options.retry_after else []
            body = b'{"message":"Too many requests"}'
            return Answer(status=429, body=body, headers=(*headers, *pause), route="refused")
        try:
            answer = self._page(request)
        except Refused as refusal:
            answer = refusal.answer
        return replace(answer, headers=(*answer.headers, *headers), cost=1)

    def _check(self, request: Request) -> None:
        """A key in the X-API-Key header, as bearer token, or as the user of basic authorization."""
        options = self._switches.now
        kind, _, secret = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            secret = base64.b64decode(secret + "==").decode(errors="replace").partition(":")[0]
        if not {request.headers.get("x-api-key"), secret} & {*options.rest_keys, *options.tokens}:
            raise Refused(as_json({"message": "Unauthorized"}, 401))

    def _page(self, request: Request) -> Answer:
        resource = self._resources.get(request.path.removeprefix("/rest/"))
        if resource is None or request.method != "GET":
            raise Refused(as_json({"message": "Not found"}, 404))
        low, high = (0, self._blocks.count) if request.fault.ignore_filters else self._span(request)
        size = min(self._switches.now.rest_max_page, max(1, _number(request, "per_page", "limit", default=100)))
        start = min(high, low + _skipped(request, size))
        end = min(high, start + size)
        records = self._blocks.records(max(0, start - request.fault.overlap), max(start, end - request.fault.drop_rows))
        following = _following(request, end, size) if end < high else None
        shown = _shown(resource, records, high - low - request.fault.miscount, following)
        link = [("link", f'<{following}>; rel="next"')] if following and resource.link_header else []
        return Answer(body=shown, headers=tuple(link), route=f"GET /rest/{resource.name}", rows=end - start)

    def _span(self, request: Request) -> tuple[int, int]:
        """The records that the filters leave: ids and times rise together, so it is one span of positions."""
        bounds = {op: text for op in ("gt", "gte", "lt", "lte") if (text := request.value(f"updated_at[{op}]"))}
        try:
            times = {op: parsed(text) for op, text in bounds.items()}
            low = max(0, int(request.value("id[gt]") or 0), int(request.value("cursor") or 0))
        except ValueError as error:
            raise Refused(as_json({"message": "A filter could not be read"}, 400)) from error
        older = self._blocks.older
        low = max(low, older(times.get("gt", -1) + 1), older(times.get("gte", 0)))
        high = min(older(times.get("lt", LATEST)), older(times.get("lte", LATEST) + 1))
        return min(low, high), high

    def eat(self, points: int) -> None:
        """Spend requests of the budget, as another integration would."""
        self.limiter.eat(points)

    def stats(self) -> dict[str, Any]:
        """Return what the vendor counted."""
        return {"refusals": self.limiter.refusals, "records": self._blocks.count}


def _headers(rule: Rule, verdict: Verdict) -> list[tuple[str, str]]:
    if rule.amount == 0:
        return []
    return [
        ("x-ratelimit-limit", str(rule.amount)),
        ("x-ratelimit-remaining", str(verdict.remaining)),
        ("x-ratelimit-reset", str(ceil(verdict.wait))),
    ]


def _number(request: Request, *names: str, default: int) -> int:
    text = next((text for name in names if (text := request.value(name))), "")
    return int(text) if text.isdigit() else default


def _skipped(request: Request, size: int) -> int:
    page = max(1, _number(request, "page", default=1))
    return _number(request, "offset", default=(page - 1) * size)


def _following(request: Request, end: int, size: int) -> str:
    """The address of the next page: the same filters, and a cursor instead of a page number."""
    moving = {"id[gt]", "page", "offset", "cursor", "per_page", "limit"}
    kept = [(key, value) for key, value in request.query if key not in moving]
    query = urlencode([*kept, ("cursor", str(end)), ("per_page", str(size))])
    return f"http://{request.headers.get('host', 'localhost')}{request.path}?{query}"


def _shown(resource: Resource, records: bytes, total: int, following: str | None) -> bytes:
    array = b"[" + records + b"]"
    if resource.key is None:
        return array
    extra: dict[str, Any] = {resource.total: total} if resource.total else {}
    if resource.next_key:
        extra[resource.next_key] = following
    tail = b"," + msgspec.json.encode(extra)[1:] if extra else b"}"
    return b'{"' + resource.key.encode() + b'":' + array + tail
