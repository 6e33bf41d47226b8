"""What every row of the table stands on: a judge, a Valkey of our own, a crew; and how a row looks."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

from orchestrator.limits.limit import Limit, RateLimit, Seed
from orchestrator.limits.redis import RedisLimiter
from tests.bench.limits.crew import Crew, Line, Task, crew, report
from tests.servers import ValkeyServer, free_port

_numbers = count(1)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    name: str
    goal: str
    measured: str
    ok: bool

    def print(self) -> None:
        """Print the line at once: who waits for minutes wants to see something."""
        print(f"{self.name:74} {self.goal:42} {self.measured:66} {'ok' if self.ok else 'MISSED'}", flush=True)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The servers of a table, and how long each row may take."""

    valkey: ValkeyServer
    folder: Path  # of its data
    judge: int  # its port
    crew: Crew
    quick: bool

    def seconds(self, full: float) -> float:
        """Return how long to measure."""
        return min(full, 2.5) if self.quick else full

    def account(self, **options: float) -> str:
        """Open an account at the judge and return its name, which is the budget's, too."""
        name = f"a{next(_numbers)}"
        with Line(self.judge) as line:
            line.get(f"/open/{name}?{urlencode(options)}")
        return name

    def task(self, account: str, limits: Sequence[Limit], seconds: float, **changes: Any) -> Task:
        """Return a task for the crew."""
        task = Task(redis=self.valkey.url, judge=self.judge, account=account, limits=tuple(limits), seconds=seconds)
        return replace(task, **changes)

    def report(self, account: str) -> Mapping[str, Any]:
        """Return what the judge counted."""
        found: Mapping[str, Any] = report(self.judge, account)
        return found

    def seed(self, account: str, limits: Sequence[Limit]) -> None:
        """Let the limiter know the budget before anybody asks."""
        limiter = RedisLimiter(self.valkey.url)
        limiter.seed(account, limits, Seed())
        limiter.close()


def per_second(amount: float, seconds: float = 1.0) -> RateLimit:
    """Return a rate limit under the name that the judge's headers speak of."""
    return RateLimit(name="rate", amount=amount, window=timedelta(seconds=seconds))


def within(times: Sequence[float], start: float, end: float) -> int:
    """Return how many of these moments lie between two others."""
    return sum(start <= at < end for at in times)


def sleep_until(moment: float) -> None:
    """Wait for a moment of time.monotonic()."""
    time.sleep(max(0.0, moment - time.monotonic()))


@contextmanager
def a_judge() -> Iterator[int]:
    """Run the judge in a process of its own; give its port."""
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.limits.judge", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield port
        finally:
            process.kill()


@contextmanager
def a_scene(quick: bool = False, processes: int = 8, threads: int = 8) -> Iterator[Scene]:
    """Run everything that the rows need."""
    with TemporaryDirectory() as folder, a_judge() as port, crew(processes, threads) as hired:
        valkey = ValkeyServer(Path(folder))
        valkey.start()
        try:
            yield Scene(valkey=valkey, folder=Path(folder), judge=port, crew=hired, quick=quick)
        finally:
            valkey.kill()
