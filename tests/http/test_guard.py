"""Where outgoing calls may go, whatever the address looks like."""

import socket
from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from orchestrator.http.guard import Blocked, Guard
from orchestrator.http.pool import ClientPool
from orchestrator.job.errors import Invalid, Rejected
from orchestrator.sandbox.server import Running
from tests.http.kit import LOOPBACK, a_turn
from tests.servers import free_port

PRIVATE = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001:db8::1",
    "2001:0:7f00:1::1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "2001:20::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2600:1f00::5efe:127.0.0.1",
    "2600:1f00::200:5efe:10.0.0.1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%lo",
    "fec0::1",
    "ff02::1",
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "192.0.1.1", "2606:4700::1111", "64:ff9b::8.8.8.8"]
NOTATIONS = [
    "127.0.0.1",
    "localhost",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "169.254.169.254",
    "[64:ff9b::7f00:1]",
]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Something private that would answer if it were asked."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        yield server


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_out_of_reach(address: str) -> None:
    assert not Guard().permits(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_can_be_reached(address: str) -> None:
    assert Guard().permits(ip_address(address))


@pytest.mark.parametrize("host", NOTATIONS)
def test_no_notation_of_a_private_address_gets_a_connection(host: str, listener: socket.socket) -> None:
    port = listener.getsockname()[1]

    with a_turn(f"http://{host}:{port}", allow=()) as turn, pytest.raises(Rejected) as caught:
        turn.client.get("/latest/meta-data")

    assert "BULKHEAD_ALLOW_NETWORKS" in caught.value.text
    with pytest.raises(BlockingIOError):
        listener.accept()


@pytest.mark.parametrize(
    "url",
    [
        "http://0177.0.0.1",
        "http://127.0.0.256",
        "http://１２７.0.0.1",
        "ftp://api.test",
        "//api.test",
        "/v1",
        "",
        "https://user:password@api.test",
    ],
)
def test_an_odd_base_url_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as caught, a_turn(url):
        pass

    assert caught.value.field == "baseUrl"


def test_an_allowed_network_can_be_reached(sandbox: Running) -> None:
    with a_turn(sandbox.url.replace("127.0.0.1", "localhost"), allow=LOOPBACK) as turn:
        response = turn.client.get("/rest/items?per_page=1")

    assert response.status_code == 200


def test_allowing_one_network_opens_no_other() -> None:
    guard = Guard(["10.1.0.0/16"])

    assert guard.permits(ip_address("10.1.2.3"))
    assert guard.permits(ip_address("::ffff:10.1.2.3"))
    assert not guard.permits(ip_address("10.2.0.1"))
    assert not guard.permits(ip_address("127.0.0.1"))


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[tuple[str, ...]]]:
    """Names and what they lead to, answer by answer; everything else is resolved as ever."""
    known: dict[str, list[tuple[str, ...]]] = {}
    real = socket.getaddrinfo

    def resolver(host: str, port: int, *rest: int, **named: int) -> list[tuple[object, ...]]:
        if host not in known:
            return list(real(host, port, *rest, **named))
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in known[host].pop(0)]

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    return known


def test_a_name_that_changes_its_mind_is_asked_only_once(
    sandbox: Running, names: dict[str, list[tuple[str, ...]]]
) -> None:
    port = int(sandbox.url.rpartition(":")[2])
    names["rebound.test"] = [("127.0.0.9", "127.0.0.1"), ("10.0.0.1",)]

    stream = Guard(LOOPBACK).connect_tcp("rebound.test", port, timeout=1)

    assert stream.get_extra_info("server_addr")[0] == "127.0.0.1"
    assert len(names["rebound.test"]) == 1
    stream.close()


def test_of_the_addresses_of_a_name_only_the_permitted_ones_are_tried(
    sandbox: Running, names: dict[str, list[tuple[str, ...]]]
) -> None:
    names["mixed.test"] = [("127.0.0.1", "10.0.0.1")]

    with pytest.raises(Blocked):
        Guard(["192.168.0.0/16"]).connect_tcp("mixed.test", int(sandbox.url.rpartition(":")[2]), timeout=1)

    assert names["mixed.test"] == []


def test_unix_sockets_are_out_of_reach() -> None:
    with pytest.raises(Blocked):
        Guard(["0.0.0.0/0"]).connect_unix_socket("/var/run/docker.sock")


def test_a_token_address_is_guarded_too() -> None:
    pool = ClientPool()

    with pytest.raises(Exception, match="BULKHEAD_ALLOW_NETWORKS"):
        pool.token_client().post(f"http://127.0.0.1:{free_port()}/token")

    pool.close()
