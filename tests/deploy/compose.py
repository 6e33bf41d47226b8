"""The compose file without a Docker engine: each service's own command and environment, as a plain process.

What containers would add is mapped away: host names and networks become the loopback, published ports become free
ones, the volume a folder of this test, the servers the real ones of this computer.
"""

import http.client
import os
import re
import signal
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from orchestrator.client import ApiError, Client
from tests.conftest import drop_schema, new_schema
from tests.servers import eventually, free_port

ROOT = Path(__file__).parents[2]
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*))?(?::\?[^}]*)?\}")
KEY = "a-first-key-for-this-test-alone"
STOP_SECONDS = 35.0  # stop_grace_period


def read(path: str, **variables: str) -> dict[str, Any]:
    """Return the services of a compose file, with its variables filled in."""

    def value(found: re.Match[str]) -> str:
        return variables.get(found["name"], found["default"] or "")

    return dict(yaml.safe_load(VARIABLE.sub(value, (ROOT / path).read_text()))["services"])


class Services:
    """The services of a compose file that are ours, as processes."""

    def __init__(self, services: Mapping[str, Any], folder: Path, servers: Mapping[str, str]) -> None:
        self._services = {name: each for name, each in services.items() if each["image"].startswith("bulkhead")}
        self._folder = folder
        self._servers = servers
        self._ports = {port: str(free_port()) for port in ("8080", "5555", "9000")}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def url(self, port: int) -> str:
        """Return where the port of the compose file is now."""
        return f"http://127.0.0.1:{self._ports[str(port)]}"

    def start(self) -> None:
        """Start each service once those are there that it waits for; returns when all health checks pass."""
        todo = dict(self._services)
        while todo:
            name = next(name for name in todo if not set(self._awaited(name)) & set(todo))
            self._start(name, once=todo.pop(name).get("restart") == "no")
        for name in self._running:
            eventually(lambda name=name: self._is_healthy(name), within=60, every=0.5)

    def stop(self) -> dict[str, int]:
        """Stop all services as compose does; return their exit codes."""
        for process in self._running.values():
            process.send_signal(signal.SIGTERM)
        codes = {name: process.wait(STOP_SECONDS) for name, process in self._running.items()}
        self._running.clear()
        return codes

    def clear(self) -> None:
        """Kill what still runs."""
        for process in self._running.values():
            process.kill()
            process.wait()

    def _awaited(self, name: str) -> Sequence[str]:
        return list(self._services[name].get("depends_on", ()))

    def _start(self, name: str, *, once: bool) -> None:
        command = [sys.executable, "-m", "orchestrator.cli", *map(self._mapped, self._services[name]["command"])]
        with (self._folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(command, env=self._environment(name), stdout=log, stderr=log)
        if once:
            assert process.wait(60) == 0, (self._folder / f"{name}.log").read_text()
        else:
            self._running[name] = process

    def _is_healthy(self, name: str) -> bool:
        assert self._running[name].poll() is None, (self._folder / f"{name}.log").read_text()
        check = self._services[name].get("healthcheck")
        if check is None:
            return True
        kind, program, *arguments = map(self._mapped, check["test"])
        assert (kind, program) == ("CMD", "python")
        command = [sys.executable, *arguments]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    def _environment(self, name: str) -> dict[str, str]:
        theirs = self._services[name].get("environment", {})
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("BULKHEAD_", "FLOWER_"))}
        return {**kept, **{key: self._mapped(value) for key, value in theirs.items()}}

    def _mapped(self, text: str) -> str:
        text = self._servers.get(text, text).replace("/var/lib/bulkhead", str(self._folder))
        text = text.replace("0.0.0.0", "127.0.0.1")
        for port, free in self._ports.items():
            text = re.sub(rf"\b{port}\b", free, text)
        return text


def running_services(folder: Path, broker_url: str, redis_url: str) -> Iterator[Services]:
    """Give the services of docker-compose.yml, running on a PostgreSQL schema of their own."""
    database = new_schema()
    servers = {
        "postgresql://bulkhead:bulkhead@postgres:5432/bulkhead": database,
        "redis://redis:6379/0": broker_url,
        "redis://redis:6379/1": redis_url,
    }
    compose = read("docker-compose.yml", BULKHEAD_BOOTSTRAP_KEY=KEY, BULKHEAD_ALLOW_NETWORKS="127.0.0.0/8")
    services = Services(compose, folder, servers)
    try:
        services.start()
        yield services
    finally:
        services.clear()
        drop_schema(database)


def is_ready(client: Client) -> bool:
    try:
        return client.ready()["status"] == "ready"
    except ApiError:
        return False


def vendor_counts(services: Services) -> dict[str, Any]:
    return msgspec.json.decode(get(services.url(9000), "/_sandbox/stats")[1], type=dict[str, Any])


def get(url: str, path: str, login: str = "") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    headers = {"Authorization": f"Basic {b64encode(login.encode()).decode()}"} if login else {}
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.status, answer.read()
    connection.close()
    return body
