"""What a token costs, and how much of a limit is used: python -m tests.bench.limits.bench_limits

Costs are ratios to a bare EVALSHA of the same client in the same run. Use is judged as a strict vendor would: two
processes with eight threads each log when they called; a call is refused where the window behind it is full.
"""

import multiprocessing
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import redis

from orchestrator.limits import burst
from orchestrator.limits.limit import Grant, Limit, QuotaLimit, RateLimit, Refusal, Seed
from orchestrator.limits.redis import RedisLimiter
from tests.servers import ValkeyServer

SECOND = timedelta(seconds=1)
ROUNDS, CALLS, BATCH = 15, 600, 10
PROCESSES, THREADS = 2, 8

Log = tuple[list[float], float, float]  # when calls were made, from when to when


@dataclass(frozen=True, kw_only=True)
class Race:
    """One limit, hammered for a while."""

    limit: RateLimit
    seconds: float

    @property
    def title(self) -> str:
        """The limit in a few words."""
        return f"{self.limit.amount:g} per {self.limit.window.total_seconds():g} s"


RACES = (
    Race(limit=RateLimit(name="rate", amount=50, window=SECOND), seconds=8),
    Race(limit=RateLimit(name="rate", amount=500, window=SECOND), seconds=8),
    Race(limit=RateLimit(name="rate", amount=600, window=timedelta(seconds=60)), seconds=15),
)


def main() -> None:
    """Print both tables."""
    with a_server() as url:
        print_costs(url)
        print_use(url)


@contextmanager
def a_server() -> Iterator[str]:
    """Run a Valkey for the time of the bench."""
    with tempfile.TemporaryDirectory() as folder:
        server = ValkeyServer(Path(folder))
        server.start()
        yield server.url
        server.kill()


def print_costs(url: str) -> None:
    """Print what an acquire costs against a bare EVALSHA; the quietest of several rounds."""
    limiter, client = RedisLimiter(url), redis.Redis.from_url(url)
    one: list[Limit] = [RateLimit(name="a", amount=1e9, window=timedelta(seconds=60))]
    four = [*one, RateLimit(name="b", amount=1e9, window=SECOND), *(QuotaLimit(name=q, amount=10**9) for q in "cd")]
    sha = client.script_load("return 1")
    limiter.seed("cost", four, Seed())
    measured: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for name, call in {
            "bare EVALSHA": lambda: client.evalsha(sha, 0),
            "acquire, 1 limit": lambda: take(limiter, "cost", one, 1),
            "acquire, 4 limits": lambda: take(limiter, "cost", four, 1),
        }.items():
            measured.setdefault(name, []).append(micros(call))
    bare = min(measured["bare EVALSHA"])
    print(f"{'':24}{'µs':>8}{'ratio':>8}{'goal':>8}")
    for name, goal in (("bare EVALSHA", ""), ("acquire, 1 limit", "1.5"), ("acquire, 4 limits", "2.5")):
        print(f"{name:24}{min(measured[name]):8.1f}{min(measured[name]) / bare:8.2f}{goal:>8}")
    print(f"{f'batched by {BATCH}, a page':24}{min(measured['acquire, 1 limit']) / BATCH:8.1f}{'':8}{'15 µs':>8}\n")


def print_use(url: str) -> None:
    """Print how much of each limit was used, and how often a strict vendor would have refused."""
    print(f"{PROCESSES} processes × {THREADS} threads{'calls':>8}{'refused':>9}{'of ours':>9}{'of theirs':>11}")
    for number, race in enumerate(RACES):
        budget = f"race{number}"
        RedisLimiter(url).seed(budget, [race.limit], Seed())
        time.sleep(burst.burst(race.limit) / burst.rate(race.limit))  # from a full bucket, so that we know what is ours
        times, passed = run(url, budget, race)
        ours = len(times) / (burst.rate(race.limit) * passed + burst.burst(race.limit))
        theirs = len(times) / (race.limit.amount / race.limit.window.total_seconds() * passed)
        print(f"{race.title:24}{len(times):8}{refusals(times, race.limit):9}{ours:9.1%}{theirs:11.1%}")


def run(url: str, budget: str, race: Race) -> tuple[list[float], float]:
    """Let all processes call as fast as they get tokens; return when they called, and for how many seconds."""
    context = multiprocessing.get_context("spawn")
    answers, start = context.Queue(), context.Barrier(PROCESSES)
    children = [context.Process(target=process, args=(url, budget, race, n, start, answers)) for n in range(PROCESSES)]
    for child in children:
        child.start()
    logs = [answers.get(timeout=race.seconds + 30) for _ in children]
    for child in children:
        child.join()
    return sorted(at for log, _, _ in logs for at in log), max(end for *_, end in logs) - min(s for _, s, _ in logs)


def process(url: str, budget: str, race: Race, number: int, start: Barrier, answers: "Queue[Log]") -> None:
    """Run the threads of one process and report when they called."""
    limiter, log = RedisLimiter(url), list[float]()
    start.wait(timeout=30)
    began = time.monotonic()
    until = began + race.seconds
    threads = [
        threading.Thread(target=caller, args=(limiter, budget, race.limit, f"{number}{n}", log, until))
        for n in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers.put((log, began, until))


def caller(limiter: RedisLimiter, budget: str, limit: RateLimit, name: str, log: list[float], until: float) -> None:
    """Take tokens and use them at once, as a purse does: in batches, waiting where it is told to."""
    want, asked = burst.batch_size([limit], PROCESSES * THREADS), 0
    while time.monotonic() < until:
        asked += 1
        answer = limiter.acquire(budget, [limit], grant_id=f"{name}:1:{asked}", want=want)
        if isinstance(answer, Grant):
            log.extend(time.monotonic() for _ in range(answer.tokens))
        elif isinstance(answer, Refusal):
            time.sleep(min(answer.wait.total_seconds(), 0.2))


def refusals(times: list[float], limit: RateLimit) -> int:
    """Count the calls that a strict sliding window would have refused; refused calls do not count against it."""
    window, refused = deque[float](), 0
    for at in times:
        while window and window[0] <= at - limit.window.total_seconds():
            window.popleft()
        if len(window) >= limit.amount:
            refused += 1
        else:
            window.append(at)
    return refused


def take(limiter: RedisLimiter, budget: str, limits: list[Limit], want: int) -> None:
    """Acquire under a grant id of its own."""
    limiter.acquire(budget, limits, grant_id=str(time.perf_counter_ns()), want=want)


def micros(call: Callable[[], object]) -> float:
    """Return the µs that a call takes, on average of many."""
    began = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - began) / CALLS * 1e6


if __name__ == "__main__":
    main()
