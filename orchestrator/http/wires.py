"""Bytes to vendors: an httpx transport over httpcore, guarded, bounded in time and size, blind to the environment."""

import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, BinaryIO, Protocol

import httpcore
import httpx

from orchestrator.http.guard import Guard
from orchestrator.http.tokens import Auth
from orchestrator.job.errors import Invalid

KEEP_ALIVE = 4.0  # s idle; below the 5 s after which common servers hang up, so that no request meets a closed door
MOST_CONNECTIONS = 100  # more than one process has threads
MOST_BYTES = 256 * 1024 * 1024  # of one answer; one vendor must not fill a worker's memory
MOST_SAVED = 2 * 1024 * 1024 * 1024  # bytes of one answer that goes into a file; the largest results have 1 GB
INTO = "into"  # the extension of a request that names the file for its answer's body
ENOUGH = "enough"  # a request's extension: the body of an answer with more bytes is left unread, and empty

Headers = list[tuple[bytes, bytes]]

NOBODY = Auth(version=0)
FAILURES = (
    httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)  # fmt: skip
OUTSIDE = 300.0  # s; behind a proxy names often resolve nowhere else, and each look would wait for that
POOL: Mapping[str, Any] = {
    "max_connections": MOST_CONNECTIONS, "max_keepalive_connections": MOST_CONNECTIONS, "keepalive_expiry": KEEP_ALIVE,
}  # fmt: skip


class Wires(Protocol):
    """Whatever carries a request and its credentials to a vendor; guarded, but for tests."""

    def send(self, request: httpx.Request, auth: Auth) -> httpx.Response:
        """Send one request with its credentials and read the whole answer; raises httpx.TransportError."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...


class GuardedTransport(httpx.BaseTransport):
    """Sends bytes through the guard, HTTP/1.1 with keep-alive; answers come back fully read.

    Follows no redirect, reads no environment, retries nothing. An answer that takes longer than `longest` in all, or
    is larger than 256 MiB, is an httpx.ReadTimeout or an httpx.ReadError.
    """

    def __init__(
        self,
        *,
        allow: Iterable[str],
        tls: ssl.SSLContext | None,
        longest: timedelta,
        proxy: httpcore.Proxy | None = None,
    ) -> None:
        self._longest = longest.total_seconds()
        self._guard = Guard(allow)
        self._outside: dict[tuple[str, int], float] = {}  # hosts that are the proxy's, until when
        self._pool = httpcore.ConnectionPool(ssl_context=tls, network_backend=self._guard, **POOL)
        self._proxied = None if proxy is None else httpcore.ConnectionPool(ssl_context=tls, proxy=proxy, **POOL)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request as it is and read the whole answer; raises httpx.TransportError."""
        return self.send(request, NOBODY)

    def send(self, request: httpx.Request, auth: Auth) -> httpx.Response:
        """Send one request with credentials that it does not carry itself: whoever shows it shows no secret.

        The answer's extension `waited` tells the seconds until its headers came: how busy the vendor is, whatever the
        size of the body. Where the request's extension `into` names a file, the body of a success goes there, unpacked
        at most 2 GiB of it, and the answer has none.
        """
        sent_at = time.monotonic()
        try:
            answer = self._way_to(request.url).handle_request(_for_wire(request, auth))
            waited = {"waited": time.monotonic() - sent_at}
            try:
                return self._read(answer, request, waited)
            finally:
                answer.close()
        except FAILURES as error:
            raise _as_httpx(error, request) from error
        except httpx.DecodingError as error:
            raise httpx.ReadError(str(error), request=request) from error

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()
        if self._proxied is not None:
            self._proxied.close()

    def _way_to(self, url: httpx.URL) -> httpcore.ConnectionPool:
        """Return the pool for a destination: through the proxy, if there is one, but for allowed private networks."""
        port = url.port or (443 if url.scheme == "https" else 80)
        if self._proxied is None:
            return self._pool
        if self._outside.get((url.host, port), 0.0) < time.monotonic():
            if self._guard.is_inside(url.host, port):
                return self._pool
            self._outside[url.host, port] = time.monotonic() + OUTSIDE
        return self._proxied

    def _read(self, answer: httpcore.Response, request: httpx.Request, waited: Mapping[str, Any]) -> httpx.Response:
        into: BinaryIO | None = request.extensions.get(INTO)
        read = dict[str, Any](request=request, extensions=dict(waited))
        if into is None or not 200 <= answer.status < 300:
            body = self._drained(answer, request.extensions.get(ENOUGH))
            return httpx.Response(answer.status, headers=answer.headers, content=body, **read)
        packed = httpx.Response(answer.status, headers=answer.headers, stream=_Stream(answer), request=request)
        for piece in self._bounded(packed.iter_bytes(), MOST_SAVED):
            into.write(piece)
        plain = [(name, value) for name, value in answer.headers if name.lower() != b"content-encoding"]
        return httpx.Response(answer.status, headers=plain, content=b"", **read)

    def _drained(self, answer: httpcore.Response, enough: int | None) -> bytes:
        pieces, size = list[bytes](), 0
        for piece in self._bounded(answer.iter_stream(), MOST_BYTES):
            pieces.append(piece)
            size += len(piece)
            if enough is not None and size > enough:
                return b""
        return b"".join(pieces)

    def _bounded(self, pieces: Iterable[bytes], most: int) -> Iterator[bytes]:
        ends = time.monotonic() + self._longest
        size = 0
        for piece in pieces:
            size += len(piece)
            if size > most:
                raise httpcore.ReadError(f"an answer of more than {most} bytes")
            if time.monotonic() > ends:
                raise httpcore.ReadTimeout(f"an answer that took more than {self._longest:g} s")
            yield piece


class _Stream(httpx.SyncByteStream):
    """The body of an answer, for httpx to unpack as it comes."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()


def proxy_at(address: str, tls: ssl.SSLContext | None) -> httpcore.Proxy:
    """Return the proxy at `http://user:password@host:port`; raises Invalid (BULKHEAD_PROXY) where that is none."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        raise _no_proxy() from None
    if url.scheme not in ("http", "https") or not url.host:
        raise _no_proxy()
    bare = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=b"/")
    auth = (url.username, url.password) if url.userinfo else None
    return httpcore.Proxy(bare, auth=auth, ssl_context=tls if url.scheme == "https" else None)


def _no_proxy() -> Invalid:
    return Invalid("BULKHEAD_PROXY", "is no address of a proxy", "Like http://proxy.example.com:3128.")


def _for_wire(request: httpx.Request, auth: Auth) -> httpcore.Request:
    url = request.url.copy_merge_params(auth.params) if auth.params else request.url
    assert isinstance(request.stream, httpx.SyncByteStream)
    return httpcore.Request(
        request.method,
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=_with(request.headers.raw, auth.headers) if auth.headers else request.headers.raw,
        content=request.stream,
        extensions={"timeout": request.extensions["timeout"]} if "timeout" in request.extensions else None,
    )


def _with(headers: Headers, more: Mapping[str, str]) -> Headers:
    added = [(name.encode("ascii"), value.encode("latin-1")) for name, value in more.items()]
    names = {name.lower() for name, _ in added}
    return [*(pair for pair in headers if pair[0].lower() not in names), *added]


def _as_httpx(error: Exception, request: httpx.Request) -> httpx.TransportError:
    """Return httpx's error of the same name; both libraries share one tree."""
    for kind in type(error).__mro__:
        known = getattr(httpx, kind.__name__, None)
        if known is not None and issubclass(known, httpx.TransportError):
            return known(str(error), request=request)  # type: ignore[no-any-return]
    return httpx.TransportError(str(error), request=request)
