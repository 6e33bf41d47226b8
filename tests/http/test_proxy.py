"""In a company's network calls go through its proxy and trust its authority, and the guard still holds."""

import datetime
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from orchestrator.http.pool import ClientPool
from orchestrator.job.errors import Invalid

VENDOR = "vendor.test"  # a name that no resolver knows (RFC 6761)
BASIC = "Basic cm9idXN0OnN3b3JkZmlzaA=="  # robust:swordfish


@dataclass
class Proxy:
    """A small CONNECT proxy that leads every name to one port of the loopback."""

    port: int = 0
    leads_to: int = 0
    asked: list[tuple[str, str | None]] = field(default_factory=list)  # destination, Proxy-Authorization
    answers: int = 200


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    proxy = Proxy()

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            proxy.asked.append((self.path, self.headers["Proxy-Authorization"]))
            self.send_response(proxy.answers)
            self.end_headers()
            if proxy.answers == 200:
                with socket.create_connection(("127.0.0.1", proxy.leads_to)) as there:
                    back = threading.Thread(target=pumped, args=(there, self.connection))
                    back.start()
                    pumped(self.connection, there)
                    back.join()
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        proxy.port = port
        yield proxy


def pumped(source: socket.socket, sink: socket.socket) -> None:
    """Carry bytes from one socket to the other until one of them ends."""
    try:
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[int]:
    """Serve while the block lasts; yields the port."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """A file with the certificate (and key) that the vendor shows, and that nobody else trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, VENDOR)])
    begin = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName(VENDOR), x509.IPAddress(ip_address("127.0.0.1"))])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(7).not_valid_before(begin).not_valid_after(begin.replace(year=2120))
    made = made.add_extension(names, critical=False).add_extension(x509.BasicConstraints(True, None), critical=True)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "authority.pem"
    path.write_bytes(secret + made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def vendor(authority: Path, proxy: Proxy) -> Iterator[int]:
    """A vendor that speaks TLS, to which the proxy leads; yields its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(authority)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    with serving(server) as port:
        proxy.leads_to = port
        yield port


@contextmanager
def client(proxy: Proxy, authority: Path | None = None, *allow: str, user: str = "") -> Iterator[httpx.Client]:
    """A client of a computer that is told of the proxy, and perhaps of the authority."""
    address = f"http://{user}127.0.0.1:{proxy.port}"
    pool = ClientPool(allow=allow, ca_bundle=authority and str(authority), proxy=address)
    yield pool.token_client()
    pool.close()


def test_a_name_that_only_the_proxy_knows_is_reached_through_it(proxy, vendor, authority):
    with client(proxy, authority, user="robust:swordfish@") as http:
        answer = http.get(f"https://{VENDOR}/v2/me")

    assert (answer.status_code, answer.text) == (200, "hello")
    assert proxy.asked == [(f"{VENDOR}:443", BASIC)]


def test_an_authority_that_was_not_named_is_not_trusted(proxy, vendor):
    with client(proxy) as http, pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        http.get(f"https://{VENDOR}/v2/me")

    assert proxy.asked == [(f"{VENDOR}:443", None)]


INSIDE = ["127.0.0.1", "10.0.0.7", "169.254.169.254", "2130706433", "0x7f.1", "[::1]", "[::ffff:10.0.0.7]", "localhost"]


@pytest.mark.parametrize("host", INSIDE)
def test_a_proxy_is_no_way_around_the_guard(proxy, vendor, authority, host):
    with client(proxy, authority) as http, pytest.raises(httpx.ConnectError, match="BULKHEAD_ALLOW_NETWORKS"):
        http.get(f"https://{host}/")

    assert proxy.asked == []


def test_an_allowed_private_network_is_called_directly(proxy, vendor, authority):
    with client(proxy, authority, "127.0.0.0/8") as http:
        answer = http.get(f"https://127.0.0.1:{vendor}/")

    assert answer.text == "hello"
    assert proxy.asked == []


def test_a_proxy_that_refuses_is_an_outage_and_tells_no_password(proxy, vendor, authority):
    proxy.answers = 407

    with client(proxy, authority, user="robust:swordfish@") as http, pytest.raises(httpx.ProxyError) as refused:
        http.get(f"https://{VENDOR}/")

    assert "swordfish" not in str(refused.value)


@pytest.mark.parametrize("address", ["socks5://robust:swordfish@p.test:1", "swordfish:3128", "http://swordfish:x"])
def test_what_is_no_proxy_is_refused_by_name_and_not_shown(address):
    pool = ClientPool(proxy=address)

    with pytest.raises(Invalid) as refused:
        pool.token_client()

    assert refused.value.field == "BULKHEAD_PROXY"
    assert "swordfish" not in str(refused.value)


def test_an_authority_that_is_none_is_refused_by_name(proxy, tmp_path):
    with pytest.raises(Invalid) as refused, client(proxy, tmp_path / "absent.pem"):
        pass

    assert refused.value.field == "BULKHEAD_CA_BUNDLE"
