"""A provider's view on HTTP: one turn's metered client of one connection."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, BinaryIO, TypeVar

import httpx
import msgspec

from orchestrator.http.helper import Helper
from orchestrator.http.purse import Purse
from orchestrator.http.tokens import TokenKeeper
from orchestrator.http.transport import Pass
from orchestrator.http.wires import INTO
from orchestrator.job.errors import Misbehaved, Unreachable

Params = Mapping[str, Any] | Sequence[tuple[str, Any]]
T = TypeVar("T")

PIECE = 1 << 18  # bytes of content handed to the socket at once


class Ahead:
    """A GET on its way."""

    def __init__(self, future: "Future[httpx.Response]", purse: Purse, called_off: threading.Event) -> None:
        self._future = future
        self._purse = purse
        self._called_off = called_off

    def result(self) -> httpx.Response:
        """Wait for the answer; raises what `get` would have raised."""
        return self._future.result()

    def drop(self) -> None:
        """Give the answer up: from here on the call is counted already, or never made."""
        if not self._future.cancel():
            self._purse.call_off(self._called_off)


class VendorClient:
    """One turn's view on one connection.

    Paths are relative to the base URL; an absolute URL must have the same origin, else Misbehaved. Every call raises
    Throttled, Unreachable, Rejected or Unauthorized; an answer that is returned is a 2xx, fully read. `cost` is in the
    units of the provider's rate limit. `repeatable` says that sending the request twice is harmless.
    """

    def __init__(self, http: httpx.Client, *, provider: str, purse: Purse, keeper: TokenKeeper) -> None:
        self._http = http
        self._provider = provider
        self._purse = purse
        self._keeper = keeper
        self._origin = _origin(http.base_url)
        self._base = str(http.base_url).rstrip("/") + "/"
        self._headers = http.headers.multi_items()
        self._timeout = http.timeout.as_dict()
        self._helper: Helper | None = None

    @property
    def provider(self) -> str:
        """The name of the provider, for errors."""
        return self._provider

    def get(
        self, path: str, *, params: Params | None = None, headers: Mapping[str, str] | None = None, cost: int = 1
    ) -> httpx.Response:
        """Ask for `path`."""
        return self._send("GET", path, cost, params=params, headers=headers)

    def save(
        self, path: str, into: BinaryIO, *, headers: Mapping[str, str] | None = None, cost: int = 1
    ) -> httpx.Response:
        """Ask for `path`, and write the body of the answer, which has none then, into a file; memory stays flat."""
        return self._send("GET", path, cost, headers=headers, into=into)

    def post(
        self,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        cost: int = 1,
        repeatable: bool = False,
    ) -> httpx.Response:
        """Send a POST with a JSON value or with bytes; never sent twice unless refused for a stale token."""
        return self._send("POST", path, cost, repeatable, json=json, content=content, headers=headers)

    def put(
        self,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        cost: int = 1,
        repeatable: bool = False,
    ) -> httpx.Response:
        """Send a PUT; see `post`. Large content is handed over in pieces, since what is left of a piece is copied."""
        if content is None or len(content) <= PIECE:
            return self._send("PUT", path, cost, repeatable, json=json, content=content, headers=headers)
        view = memoryview(content)
        pieces = [view[start : start + PIECE] for start in range(0, len(view), PIECE)]
        sized = {**(headers or {}), "content-length": str(len(view))}
        return self._send("PUT", path, cost, repeatable, content=pieces, headers=sized)

    def patch(
        self,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        cost: int = 1,
        repeatable: bool = False,
    ) -> httpx.Response:
        """Send a PATCH; see `post`."""
        return self._send("PATCH", path, cost, repeatable, json=json, content=content, headers=headers)

    def delete(
        self, path: str, *, headers: Mapping[str, str] | None = None, cost: int = 1, repeatable: bool = False
    ) -> httpx.Response:
        """Send a DELETE."""
        return self._send("DELETE", path, cost, repeatable, headers=headers)

    def ahead(
        self, path: str, *, params: Params | None = None, headers: Mapping[str, str] | None = None, cost: int = 1
    ) -> Ahead:
        """Start a GET in a helper thread, on tokens of the same purse; one is on its way at a time."""
        if self._helper is None:
            self._helper = Helper()
        called_off = threading.Event()
        send = partial(self._send, "GET", path, cost, params=params, headers=headers, called_off=called_off)
        future = self._helper.submit(send)
        return Ahead(future, self._purse, called_off)

    def link(self, response: httpx.Response, link: str) -> str:
        """Return the absolute address that a link in an answer means, free of our credentials.

        Raises Misbehaved where it leads to another origin, or is no address.
        """
        try:
            url = response.url.join(link)
        except httpx.InvalidURL:
            raise Misbehaved(self._provider, "a link that is no address") from None
        self._check_origin(url)
        for name in self._keeper.current().params:  # some vendors repeat the whole query in their links
            url = url.copy_remove_param(name)
        return str(url)

    def close(self) -> None:
        """Let the helper thread go, without waiting for a call on its way; the connections stay open."""
        if self._helper is not None:
            self._helper.close()

    def _send(
        self,
        method: str,
        path: str,
        cost: int,
        repeatable: bool = False,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        content: bytes | Sequence[memoryview] | None = None,
        called_off: threading.Event | None = None,
        into: BinaryIO | None = None,
    ) -> httpx.Response:
        carried = Pass(purse=self._purse, keeper=self._keeper, cost=cost, repeatable=repeatable, called_off=called_off)
        request = httpx.Request(
            method,
            self._url(path, params),
            headers=[*self._headers, *headers.items()] if headers else self._headers,
            json=json,
            content=content,  # type: ignore[arg-type]  # httpx passes any buffer on
            extensions={"timeout": self._timeout, "pass": carried} | ({} if into is None else {INTO: into}),
        )
        return self._http.send(request)

    def _url(self, path: str, params: Params | None) -> httpx.URL:
        """Join by hand: one parse instead of httpx's three, a tenth of the cost of a page."""
        is_absolute = path.startswith(("http:", "https:"))
        text = path if is_absolute else self._base + path.lstrip("/")
        if params:
            text += f"{'&' if '?' in text else '?'}{_query(params)}"
        try:
            url = httpx.URL(text)
        except httpx.InvalidURL:
            raise Misbehaved(self._provider, "a link that is no address") from None
        if is_absolute:
            self._check_origin(url)
        return url

    def _check_origin(self, url: httpx.URL) -> None:
        if _origin(url) != self._origin:
            raise Misbehaved(self._provider, "a link to another address than the connection's own")


def decode(provider: str, response: httpx.Response, kind: type[T]) -> T:
    """Parse a JSON answer; raises Unreachable where the body is not what a success promises."""
    try:
        return msgspec.json.decode(response.content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreachable(provider, f"an unreadable answer: {error}") from None


def _query(params: Any) -> httpx.QueryParams:
    return httpx.QueryParams(params)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
