"""The one way to a vendor: takes a token before each request, authorizes it, and sorts what comes back.

spend ─▶ slot ─▶ authorize ─▶ send ─▶ learn from the headers ─▶ answer, or one of our errors
  ▲                             │
  └── 401: refresh, once ◀──────┘
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import httpx

from orchestrator.clock import Clock, WallClock
from orchestrator.http.purse import Purse
from orchestrator.http.refusals import Later, Words, broken, never_later, refused, retry_after
from orchestrator.http.tokens import Auth, TokenKeeper
from orchestrator.http.wires import Wires
from orchestrator.job.errors import OrchestratorError, Rejected, Throttled, Unauthorized, Unreachable
from orchestrator.limits.limit import News

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110, 9.2.1; what vendors do on PUT and DELETE is their secret
SLOT_GRACE = timedelta(seconds=5)  # a slot outlives the call's time-out by this, so that it never ends before the call


Dress = Callable[[str, Auth], Auth]  # path, credentials → how they are sent there
IsStale = Callable[[int, bytes], bool]  # status, body → whether the token is no longer good


def as_it_is(path: str, auth: Auth) -> Auth:
    """Send credentials the same way everywhere."""
    return auth


def is_unauthorized(status: int, body: bytes) -> bool:
    """Take a 401 alone for a token that is no longer good (RFC 6750, 3.1)."""
    return status == 401


@dataclass(frozen=True, kw_only=True)
class Manners:
    """How a provider family speaks: what its headers and its refusals mean, and how it wants its credentials."""

    provider: str
    news: Callable[[Mapping[str, str], datetime], News]
    refusal: Words
    longest_call: timedelta = timedelta(seconds=60)
    later: Later = never_later
    dress: Dress = as_it_is
    is_stale: IsStale = is_unauthorized


@dataclass(frozen=True, kw_only=True)
class Pass:
    """What a request needs to get through the transport; travels as its extension `pass`."""

    purse: Purse
    keeper: TokenKeeper
    cost: int = 1
    repeatable: bool = False  # the caller knows that sending twice is harmless
    called_off: threading.Event | None = None  # set: nobody waits for the answer any more


class MeteredTransport(httpx.BaseTransport):
    """Sends requests that carry a `Pass`; returns 2xx answers, fully read.

    Raises Throttled, Unreachable, Rejected or Unauthorized. Never repeats a request but after a 401, never follows a
    redirect, and refuses to send what may not be repeated while `may_send` says no. Every request sent is a call spent,
    refused ones too.
    """

    def __init__(self, inner: Wires, manners: Manners, clock: Clock | None = None) -> None:
        self._inner = inner
        self._manners = manners
        self._provider = manners.provider
        self._slot_ttl = manners.longest_call + SLOT_GRACE
        self._clock = clock or WallClock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; see the class."""
        carried: Pass = request.extensions["pass"]
        auth = carried.keeper.current()
        response = self._once(request, carried, auth)
        if self._is_stale(response):
            carried.keeper.refresh(auth.version)
            auth = carried.keeper.current()
            response = self._once(request, carried, auth)
        if response.is_success:
            return response
        raise self._refusal(response, auth)

    def close(self) -> None:
        """Close the connections below."""
        self._inner.close()

    def _is_stale(self, response: httpx.Response) -> bool:
        return not response.is_success and self._manners.is_stale(response.status_code, response.content)

    def _refusal(self, response: httpx.Response, auth: Auth) -> OrchestratorError:
        manners, now = self._manners, self._clock.now()
        error = refused(self._provider, response, manners.refusal, now, auth.secrets(), later=manners.later)
        if isinstance(error, Rejected) and self._is_stale(response):
            return Unauthorized(self._provider, error.status, error.text)
        return error

    def _once(self, request: httpx.Request, carried: Pass, auth: Auth) -> httpx.Response:
        purse = carried.purse
        if carried.called_off is None:
            purse.spend(carried.cost)
        else:
            purse.spend_unless(carried.called_off, carried.cost)
        sent = False
        try:
            with purse.slot(self._slot_ttl):
                self._check_may_send(request, carried)
                sent = True
                return self._send(request, carried, auth)
        finally:
            if not sent:
                purse.unspend(carried.cost)

    def _check_may_send(self, request: httpx.Request, carried: Pass) -> None:
        """Refuse late, after every wait: another worker may hold the step by now (architecture, commit points)."""
        if request.method in SAFE or carried.repeatable or carried.purse.may_send():
            return
        raise Unreachable(self._provider, "this worker's heartbeat is too old to send", maybe_done=False)

    def _send(self, request: httpx.Request, carried: Pass, auth: Auth) -> httpx.Response:
        sent_at = time.monotonic()
        try:
            response = self._inner.send(request, self._manners.dress(request.url.path, auth))
        except httpx.HTTPError as error:
            carried.purse.saw_failure()
            raise broken(self._provider, error, auth.secrets()) from None
        if request.method in SAFE:
            carried.purse.took(timedelta(seconds=response.extensions.get("waited", time.monotonic() - sent_at)))
        self._learn(response, carried, sent_at)
        return response

    def _learn(self, response: httpx.Response, carried: Pass, sent_at: float) -> None:
        purse = carried.purse
        now = self._clock.now()
        headers = _plain(response)
        news = self._manners.news(headers, now)
        if response.status_code == 429:
            news = _refusal(news, headers.get("retry-after"), now)
        pause = purse.learn(news, sent_at)
        if news.cost is not None and news.cost != carried.cost:
            purse.settle(carried.cost, news.cost)
        if news.refused and pause is not None:
            raise Throttled(self._provider, pause)
        purse.saw_failure() if response.status_code >= 500 else purse.saw_answer()


class MeteredClient(httpx.Client):
    """An httpx client of one vendor connection whose requests go straight to the metered transport.

    What httpx would do on the way (redirects, cookies, its own authorization) must not happen, so it is not tried.
    """

    def __init__(self, transport: MeteredTransport, *, base_url: str, timeout: httpx.Timeout) -> None:
        super().__init__(transport=transport, base_url=base_url, timeout=timeout, trust_env=False)
        self._metered = transport

    def send(self, request: httpx.Request, **_: Any) -> httpx.Response:
        """Send one request that carries a `Pass`."""
        return self._metered.handle_request(request)


def _refusal(news: News, header: str | None, now: datetime) -> News:
    told = retry_after(header, now)
    nonsense = (*news.nonsense, "retry-after") if header and told is None else news.nonsense
    return replace(news, refused=True, retry_after=told if told is not None else news.retry_after, nonsense=nonsense)


def _plain(response: httpx.Response) -> dict[str, str]:
    """Return the headers with lower-case names; httpx's own are slow to ask."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers.raw}
