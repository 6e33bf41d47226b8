"""What a token costs, as ratios to a bare EVALSHA of the same client in the same run."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import redis

from orchestrator.limits.limit import Limit, QuotaLimit, RateLimit, Seed
from orchestrator.limits.redis import RedisLimiter
from tests.bench.limits.scene import Row, Scene

ROUNDS, CALLS, BATCH = 15, 600, 10


def rows(scene: Scene) -> Iterator[Row]:
    """Measure in turns, so that what is compared met the same machine."""
    limiter, client = RedisLimiter(scene.valkey.url), redis.Redis.from_url(scene.valkey.url)
    one: list[Limit] = [RateLimit(name="a", amount=1e9, window=timedelta(seconds=60))]
    second = RateLimit(name="b", amount=1e9, window=timedelta(seconds=1))
    four = [*one, second, *(QuotaLimit(name=name, amount=10**9) for name in "cd")]
    sha = client.script_load("return 1")
    limiter.seed("cost", four, Seed())
    calls: dict[str, Callable[[], object]] = {
        "bare": lambda: client.evalsha(sha, 0),
        "one": lambda: take(limiter, one),
        "four": lambda: take(limiter, four),
    }
    rounds = [{name: micros(call) for name, call in calls.items()} for _ in range(5 if scene.quick else ROUNDS)]
    yield ratio("acquire with 1 limit", [(each["one"], each["bare"]) for each in rounds], 1.5)
    yield ratio("acquire with 4 limits", [(each["four"], each["bare"]) for each in rounds], 2.5)
    page = min(each["one"] for each in rounds) / BATCH
    yield Row(name=f"a page, batched by {BATCH}", goal="15 µs", measured=f"{page:.1f} µs", ok=page <= 15)


def ratio(name: str, pairs: Sequence[tuple[float, float]], goal: float) -> Row:
    """Return the row of the median ratio of pairs that were measured right after each other."""
    ours, bare = sorted(pairs, key=lambda pair: pair[0] / pair[1])[len(pairs) // 2]
    found = ours / bare
    measured = f"{found:.2f} x ({ours:.0f} µs of {bare:.0f} µs)"
    return Row(name=name, goal=f"{goal:g} x a bare EVALSHA", measured=measured, ok=found <= goal)


def take(limiter: RedisLimiter, limits: list[Limit]) -> None:
    """Acquire under a grant id of its own."""
    limiter.acquire("cost", limits, grant_id=str(time.perf_counter_ns()), want=1)


def micros(call: Callable[[], object]) -> float:
    """Return the µs that a call takes, on average of many."""
    began = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - began) / CALLS * 1e6
