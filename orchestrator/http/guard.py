"""Keeps outgoing requests out of private networks, whatever name or notation leads there (SSRF).

A name is resolved once, at connect time; every address it stands for is judged, and the connection goes to a judged
address, never to the name again: nothing can change between the look and the leap. TLS still checks the name.
Lists: IANA special-purpose address registries (RFC 6890). `ipaddress.is_global` is not enough: it calls NAT64, 6to4
and 192.0.0.0/24 addresses global.
"""

import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import httpcore

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

CLOSED = [
    IPv4Network(each)
    for each in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; a cloud's metadata too
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's wire server, on a public address
        "169.254.0.0/16",  # link-local: metadata services
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
]
OPEN6 = IPv6Network("2000::/3")  # everything else is not routed publicly
CLOSED6 = [
    IPv6Network(each)
    for each in (
        "2001::/23",  # protocol assignments; Teredo inside it is unwrapped before
        "2001:db8::/32",
        "3fff::/20",
    )
]
NAT64 = IPv6Network("64:ff9b::/96")
ISATAP = (0x00005EFE, 0x02005EFE)  # bits 64 to 95 of an address that carries an IPv4 address in its last 32


class Blocked(httpcore.ConnectError):
    """The name leads only to addresses that outgoing calls may not reach."""

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} leads to a network that calls may not reach; BULKHEAD_ALLOW_NETWORKS can allow it")


class Guard(httpcore.NetworkBackend):
    """Connects to public addresses, and to those inside `allow`; never to unix sockets."""

    def __init__(self, allow: Iterable[str] = ()) -> None:
        self._allow = [ip_network(each, strict=False) for each in allow]
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first reachable permitted address of `host`; raises Blocked where none is permitted."""
        addresses = [address for address in resolve(host, port) if self.permits(address)]
        if not addresses:
            raise Blocked(host)
        ends = None if timeout is None else time.monotonic() + timeout
        for address in addresses[:-1]:
            try:
                return self._inner.connect_tcp(str(address), port, _left(ends), local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return self._inner.connect_tcp(str(addresses[-1]), port, _left(ends), local_address, socket_options)

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Refuse: no vendor lives behind a unix socket."""
        raise Blocked("a unix socket")

    def sleep(self, seconds: float) -> None:
        """Wait between attempts of the pool; it makes none, having no retries."""
        self._inner.sleep(seconds)

    def permits(self, address: Address) -> bool:
        """Say whether calls may reach the address: it, and every address wrapped in it, is public or allowed."""
        return all(is_public(each) or self._allows(each) for each in unwrap(address))

    def is_inside(self, host: str, port: int) -> bool:
        """Say whether `host` leads into an allowed private network, so that no proxy stands between; False: outside.

        A name that only the proxy can resolve is outside. Raises Blocked for an address, or a name that leads here to
        nothing but addresses, that calls may not reach: a proxy must not be a way around the guard.
        """
        try:
            found = resolve(host, port)
        except httpcore.ConnectError:
            return False
        permitted = [address for address in found if self.permits(address)]
        if not permitted:
            raise Blocked(host)
        return not any(is_public(each) for address in permitted for each in unwrap(address))

    def _allows(self, address: Address) -> bool:
        return any(address in network for network in self._allow)


def resolve(host: str, port: int) -> list[Address]:
    """Return all addresses the system knows for `host`, in its order; raises httpcore.ConnectError if none."""
    try:
        found: Sequence[tuple[object, ...]] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"{host} cannot be resolved") from error
    texts = dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found if isinstance(sockaddr, tuple))
    return [ip_address(text) for text in texts]


def unwrap(address: Address) -> Iterator[Address]:
    """Yield the addresses that a packet to `address` may finally reach: those wrapped inside it, else itself.

    IPv4-mapped (RFC 4291), 6to4 (RFC 3056), Teredo (RFC 4380: server and client), NAT64 (RFC 6052), ISATAP (RFC 5214).
    """
    if isinstance(address, IPv4Address):
        yield address
        return
    low = IPv4Address(int(address) & 0xFFFFFFFF)
    if address.ipv4_mapped is not None or address in NAT64:
        yield low
    elif address.sixtofour is not None:
        yield address.sixtofour
    elif address.teredo is not None:
        yield from address.teredo
    else:
        yield address
    if (int(address) >> 32) & 0xFFFFFFFF in ISATAP:
        yield low


def is_public(address: Address) -> bool:
    """Say whether a bare address is publicly routed unicast."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in CLOSED)
    return address.scope_id is None and address in OPEN6 and not any(address in network for network in CLOSED6)


def _left(ends: float | None) -> float | None:
    return None if ends is None else max(0.01, ends - time.monotonic())
