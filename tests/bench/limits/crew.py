"""Worker processes that spend: each thread has a purse, as a turn has, and calls the judge through a bare socket.

What is left out of a real turn is httpx, the parsing of pages, and commits: eight processes of it would measure two
cores and not the limits. What is there: the purse, the limiter, the trip to Redis, the arrival at the provider.
"""

import multiprocessing
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Self

import msgspec

from orchestrator.clock import WallClock
from orchestrator.http.lender import Lender
from orchestrator.http.purse import Purse
from orchestrator.job.errors import Throttled
from orchestrator.limits.limit import Limit, News, Seed
from orchestrator.limits.redis import RedisLimiter

PROCESSES, THREADS = 8, 8
CAP = 16  # turns of a budget at once; the default of the product
SLOT = timedelta(seconds=3)


@dataclass(frozen=True, kw_only=True)
class Task:
    """What every thread of a crew does from a moment on, for some seconds."""

    redis: str
    judge: int  # its port
    account: str
    limits: tuple[Limit, ...]
    seconds: float
    cap: int = PROCESSES * THREADS
    cost: int = 1
    shift: timedelta = timedelta(0)  # of this process's wall clock
    start: float = field(default_factory=lambda: time.monotonic() + 0.5)
    learns: bool = False  # whether it believes the judge's headers
    seed: Seed = field(default_factory=Seed)


@dataclass
class Tally:
    """What was done: calls, those answered 429, and spendings refused because the limiter did not answer."""

    calls: int = 0
    refused: int = 0
    down: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.calls + other.calls, self.refused + other.refused, self.down + other.down)


class Line:
    """A kept connection to the judge."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._socket.close()

    def get(self, path: str) -> tuple[int, str, bytes]:
        """Send one request; return status, headers and body."""
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nhost: judge\r\n\r\n".encode())
        head, _, body = self._read(b"").partition(b"\r\n\r\n")
        text = head.decode()
        length = int(text.rpartition("content-length: ")[2])
        while len(body) < length:
            body += self._socket.recv(1 << 20)
        return int(text[9:12]), text, body

    def _read(self, text: bytes) -> bytes:
        while b"\r\n\r\n" not in text:
            more = self._socket.recv(65536)
            if not more:
                raise ConnectionError("the judge is gone")
            text += more
        return text


def report(port: int, account: str) -> Any:
    """Ask the judge for its report."""
    with Line(port) as line:
        return msgspec.json.decode(line.get(f"/report/{account}")[2])


def spender(task: Task, limiter: RedisLimiter, name: str) -> Callable[[], Purse]:
    """Return what makes a purse for each turn of one thread."""
    lender = Lender(
        provider="judge",
        limiter=limiter,
        budget=task.account,
        limits=task.limits,
        cap=task.cap,
        reserve_calls=None,
        seed=lambda: task.seed,
        may_send=lambda: True,
    )
    turns = iter(range(1_000_000))
    return lambda: Purse(lender, f"{name}:{next(turns)}", WallClock(task.shift))


def work(task: Task, limiter: RedisLimiter, name: str, tally: Tally) -> None:
    """Take turn after turn until the time is over."""
    new_purse, until = spender(task, limiter, name), task.start + task.seconds
    with Line(task.judge) as line:
        limiter.ping()  # 64 connections opened at once are no part of what is measured
        time.sleep(max(0.0, task.start - time.monotonic()))
        while time.monotonic() < until:
            pause = take_turn(task, new_purse(), line, tally)
            time.sleep(max(0.0, min(pause, until - time.monotonic())))


def take_turn(task: Task, purse: Purse, line: Line, tally: Tally) -> float:
    """Call until the time is over, or until the purse says for how many seconds there is nothing to spend."""
    try:
        while time.monotonic() < task.start + task.seconds:
            call(task, purse, line, tally)
    except Throttled as wait:
        tally.down += wait.limit == "limiter"
        return wait.pause.total_seconds()
    finally:
        purse.close()
    return 0.0


def call(task: Task, purse: Purse, line: Line, tally: Tally) -> None:
    """Make one call and note what became of it."""
    purse.spend(task.cost)
    try:
        with purse.slot(SLOT):
            sent_at = time.monotonic()
            status, head, _ = line.get(f"/call/{task.account}?cost={task.cost}")
    except Throttled:
        purse.unspend(task.cost)
        raise
    tally.calls += 1
    tally.refused += status == 429
    if task.learns:
        purse.learn(news_of(status, head), sent_at)


def news_of(status: int, head: str) -> News:
    """Return what the judge says of the limit named `rate`."""
    told = dict(line.split(": ") for line in head.split("\r\n")[1:])
    return News(
        remaining={"rate": float(told["x-ratelimit-remaining"])},
        resets_in={"rate": timedelta(seconds=float(reset))} if (reset := told.get("x-ratelimit-reset")) else {},
        refused=status == 429,
    )


def serve(number: int, threads: int, orders: Connection) -> None:
    """Be one worker process: do each task that comes, and tell what was done."""
    orders.send("here")
    while (task := orders.recv()) is not None:
        limiter, tallies = RedisLimiter(task.redis), [Tally() for _ in range(threads)]
        hands = [
            threading.Thread(target=work, args=(task, limiter, f"{number}.{n}.{time.monotonic_ns()}", tallies[n]))
            for n in range(threads)
        ]
        for hand in hands:
            hand.start()
        for hand in hands:
            hand.join()
        orders.send(sum(tallies, Tally()))


class Crew:
    """Worker processes that wait for tasks."""

    def __init__(self, processes: int, threads: int) -> None:
        self._threads = threads
        self.workers = [self._hire(number) for number in range(processes)]
        for _, line in self.workers:
            assert line.recv() == "here"

    def _hire(self, number: int) -> tuple[BaseProcess, Connection]:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        worker = context.Process(target=serve, args=(number, self._threads, theirs), daemon=True)
        worker.start()
        return worker, ours

    def begin(self, task: Task, clocks_apart: timedelta = timedelta(0)) -> None:
        """Give all workers the task; their clocks are up to `clocks_apart` apart."""
        for number, (_, line) in enumerate(self.workers):
            shift = clocks_apart * (number / max(1, len(self.workers) - 1) - 0.5)
            line.send(replace(task, shift=shift))

    def end(self) -> Tally:
        """Wait for all and return what they did together; of a killed one nothing is known, and another is hired."""
        done = Tally()
        for number, (worker, line) in enumerate(self.workers):
            if worker.exitcode is None:
                done += line.recv()
                continue
            self.workers[number] = self._hire(number)
            assert self.workers[number][1].recv() == "here"
        return done

    def kill(self, number: int) -> None:
        """Kill one worker process, whatever it holds."""
        self.workers[number][0].kill()
        self.workers[number][0].join()

    def close(self) -> None:
        """Let all go."""
        for worker, _ in self.workers:
            worker.kill()
            worker.join()


@contextmanager
def crew(processes: int = PROCESSES, threads: int = THREADS) -> Iterator[Crew]:
    """Hire a crew for a while."""
    hired = Crew(processes, threads)
    try:
        yield hired
    finally:
        hired.close()
