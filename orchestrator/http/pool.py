"""The open connections of one process: one keep-alive client per vendor connection, built when first used."""

import ssl
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from datetime import timedelta

import httpx

from orchestrator.clock import Clock, WallClock
from orchestrator.http.transport import Manners, MeteredClient, MeteredTransport
from orchestrator.http.wires import GuardedTransport, proxy_at
from orchestrator.job.errors import Invalid

CONNECT = 5.0  # s; a vendor that takes longer to say hello is down
QUEUE = 30.0  # s for a free connection of the pool; generous, a token is spent already
TOKEN_CALL = timedelta(seconds=15)  # half of the refresh lease (architecture, token refresh)
MOST_CLIENTS = 500  # of one process; the longest unused goes first
RETIRED = 300.0  # s until a client that is handed out no more is closed; longer than any turn

EXAMPLE = "Give an address such as https://api.example.com"

Key = tuple[int, str, int]


class ClientPool:
    """Hands out clients; thread-safe. `allow` lists private networks (CIDR) that calls may reach.

    With a `proxy` all calls but those into allowed private networks go through it.
    """

    def __init__(
        self,
        *,
        allow: Sequence[str] = (),
        ca_bundle: str | None = None,
        proxy: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._allow = tuple(allow)
        self._proxy = proxy
        self._ca_bundle = ca_bundle
        self._clock = clock or WallClock()
        self._lock = threading.Lock()
        self._tls: ssl.SSLContext | None = None
        self._clients: OrderedDict[Key, httpx.Client] = OrderedDict()
        self._retired: deque[tuple[float, httpx.Client]] = deque()
        self._token_client: httpx.Client | None = None

    def client(self, *, connection_id: int, base_url: str, version: int, manners: Manners) -> httpx.Client:
        """Return the metered client of a connection; the same one until its base URL or settings version changes.

        Its requests must carry a `Pass` (`VendorClient` adds it). Owned by the pool: callers never close it.
        Raises Invalid (`baseUrl`) where that is no address, or holds a password.
        """
        key = (connection_id, base_url, version)
        with self._lock:
            if key not in self._clients:
                self._retire(connection_id)
                self._clients[key] = self._metered(base_url, manners)
            self._clients.move_to_end(key)
            return self._clients[key]

    def token_client(self) -> httpx.Client:
        """Return the client for token addresses: guarded, not metered, at most 15 s a call."""
        with self._lock:
            if self._token_client is None:
                self._know_authorities()
                wires = self._wires(TOKEN_CALL)
                self._token_client = httpx.Client(transport=wires, timeout=_timeout(TOKEN_CALL), trust_env=False)
            return self._token_client

    def close(self) -> None:
        """Close every client."""
        with self._lock:
            retired = [client for _, client in self._retired]
            clients = [*self._clients.values(), *retired, *filter(None, [self._token_client])]
            self._clients.clear()
            self._retired.clear()
            self._token_client = None
        for client in clients:
            client.close()

    def _retire(self, connection_id: int) -> None:
        """Hand out clients of older settings, and those beyond the limit, no more; close those long retired."""
        now = time.monotonic()
        outdated = [key for key in self._clients if key[0] == connection_id]
        excess = list(self._clients)[: max(0, len(self._clients) - MOST_CLIENTS + 1)]
        for key in dict.fromkeys([*outdated, *excess]):
            self._retired.append((now, self._clients.pop(key)))
        while self._retired and self._retired[0][0] < now - RETIRED:
            self._retired.popleft()[1].close()

    def _metered(self, base_url: str, manners: Manners) -> MeteredClient:
        if _scheme(base_url) == "https" or self._proxy is not None:
            self._know_authorities()
        wires = self._wires(manners.longest_call)
        transport = MeteredTransport(wires, manners, self._clock)
        return MeteredClient(transport, base_url=base_url, timeout=_timeout(manners.longest_call))

    def _wires(self, longest: timedelta) -> GuardedTransport:
        proxy = None if self._proxy is None else proxy_at(self._proxy, self._tls)
        return GuardedTransport(allow=self._allow, tls=self._tls, longest=longest, proxy=proxy)

    def _know_authorities(self) -> None:
        """Read the list of authorities, once: it takes 60 ms."""
        if self._tls is None:
            self._tls = _trusting(self._ca_bundle)


def _trusting(ca_bundle: str | None) -> ssl.SSLContext:
    """Return what trusts the usual authorities, or those of a file alone; raises Invalid for one that holds none."""
    if ca_bundle is None:
        return httpx.create_ssl_context(trust_env=False)
    try:
        return ssl.create_default_context(cafile=ca_bundle)
    except OSError:
        raise Invalid("BULKHEAD_CA_BUNDLE", "is no readable file of certificates", "Give a PEM file.") from None


def _timeout(longest: timedelta) -> httpx.Timeout:
    return httpx.Timeout(longest.total_seconds(), connect=CONNECT, pool=QUEUE)


def _scheme(base_url: str) -> str:
    """Return http or https; raises Invalid unless the URL is an absolute web address without a password in it."""
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise Invalid("baseUrl", str(error), EXAMPLE) from None
    if url.scheme not in ("http", "https") or not url.host:
        raise Invalid("baseUrl", "is no web address", EXAMPLE)
    if url.userinfo:
        raise Invalid("baseUrl", "holds a user or a password", "Put them into the credentials")
    return url.scheme
