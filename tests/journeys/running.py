"""A whole Bulkhead as its users start it: real processes, found by the home in their environment."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from orchestrator.client import Client
from tests.servers import eventually

START_SECONDS = 90.0
STOP_SECONDS = 45.0
BULKHEAD = (sys.executable, "-m", "orchestrator.cli")
RECORDS = 25_000  # of the imitated REST vendor
PAGE = 200


class Up:
    """`bulkhead up --sandbox`, on free ports where none is given."""

    def __init__(self, home: Path, port: int = 0) -> None:
        self.home = home
        self._port = port
        self.told: dict[str, Any] = {}
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it; returns once it says that it is ready."""
        self._process = subprocess.Popen(self._command(), stdout=subprocess.PIPE, text=True, env=clean_environment())
        assert self._process.stdout is not None
        self.told = json.loads(self._process.stdout.readline())

    def run_to_end(self) -> tuple[int, str]:
        """Run it where it cannot start; return its exit code and what it said."""
        done = subprocess.run(
            self._command(), capture_output=True, text=True, env=clean_environment(), timeout=START_SECONDS, check=False
        )
        return done.returncode, done.stderr

    def client(self) -> Client:
        """Return a client with the home's own key."""
        return Client(self.told["url"], (self.home / "api-key").read_text().strip())

    def stop(self) -> int:
        """Stop it as a service manager would; returns its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the parent alone, without a warning."""
        self._end(signal.SIGKILL)

    def clear(self) -> None:
        """Stop it if it runs."""
        if self._process is not None:
            self._end(signal.SIGTERM)

    def _command(self) -> tuple[str, ...]:
        return (
            *BULKHEAD,
            "up",
            "--home",
            str(self.home),
            "--port",
            str(self._port),
            "--sandbox",
            "--no-flower",
            "--json",
        )

    def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        process, self._process = self._process, None
        process.send_signal(number)
        code = process.wait(STOP_SECONDS)
        assert process.stdout is not None
        process.stdout.close()
        return code


def clean_environment(**more: str) -> dict[str, str]:
    """Return this process's environment without what is set for Bulkhead."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BULKHEAD_")}
    return {**kept, **more}


def processes_of(home: Path) -> dict[int, str]:
    """Return the processes that run on this home, by id: it is in their environment, or they work in it (Redis)."""
    whole = home.resolve()
    mark = f"BULKHEAD_HOME={whole}\0".encode()
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes() + b"\0" or whole in (folder / "cwd").readlink().parents:
                found[int(folder.name)] = (
                    (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
        except OSError:
            continue
    return found


def worker_of(home: Path) -> int:
    """Return the id of the worker that serves the providers' queues."""
    return next(pid for pid, command in processes_of(home).items() if "--queues=p." in command)


def redis_of(home: Path) -> int:
    """Return the id of the home's own Redis-speaking server."""
    return next(pid for pid, command in processes_of(home).items() if "-server" in command)


def leases(home: Path) -> int:
    """Return how many steps somebody holds."""
    with closing(sqlite3.connect(home / "bulkhead.db")) as database:
        return int(database.execute("SELECT count(*) FROM steps WHERE lease_until IS NOT NULL").fetchone()[0])


def connect_shop(client: Client, sandbox: str, *, name: str = "shop", calls_per_second: int | None = None) -> None:
    """Add a connection to the imitated REST vendor; with a limit it can be caught in the middle."""
    paging = {"kind": "id_gt", "sizeParam": "per_page", "maxSize": PAGE}
    limits = [{"kind": "rate", "amount": calls_per_second, "seconds": 1}] if calls_per_second else []
    items = {"path": "/rest/items", "records": "data", "total": "total", "paging": paging}
    credentials = {"type": "api_key", "in": "header", "name": "X-API-Key", "value": "sandbox-key"}
    client.add_connection(
        {
            "name": name,
            "provider": "rest",
            "baseUrl": sandbox,
            "credentials": credentials,
            "limits": limits,
            "settings": {"resources": {"items": items}},
        }
    )


def start_download(client: Client, connection: str = "shop") -> int:
    """Start the download of all items; return the job's id."""
    return client.download({"connection": connection, "objectName": "items", "format": "jsonl"}).id


def wait_for_rows(client: Client, job_id: int, rows: int) -> None:
    """Return once the job has stored so many records, and not all."""
    eventually(lambda: client.status(job_id)["recordCount"] >= rows, within=60, every=0.05)
    assert client.status(job_id)["recordCount"] < RECORDS


def ids_in(path: Path) -> list[int]:
    """Return the ids of a JSONL file, in its order."""
    return [json.loads(line)["id"] for line in path.read_text().splitlines()]
