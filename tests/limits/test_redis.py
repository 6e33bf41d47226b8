"""What the shared limiter promises besides: atomic for all, quick to fail, and at home on any Redis."""

import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from orchestrator.limits.limit import (
    ConcurrencyLimit,
    Grant,
    LimiterDown,
    News,
    QuotaLimit,
    RateLimit,
    Refusal,
    Seed,
    Unseeded,
)
from orchestrator.limits.redis import RedisLimiter, UnfitServer
from tests.limits.conftest import MINUTES
from tests.servers import ValkeyServer, eventually, free_port, valkey_binary

SECOND = timedelta(seconds=1)
ALL = [
    MINUTES,
    QuotaLimit(name="daily calls", amount=100, timezone="Europe/Berlin"),
    ConcurrencyLimit(name="pages", amount=2),
    ConcurrencyLimit(name="calls", amount=10),
]


@pytest.fixture
def clustered(tmp_path: Path) -> Iterator[redis.Redis]:
    """A cluster of one, which refuses scripts whose keys do not share a slot."""
    port, bus = free_port(), free_port()  # the bus is at port + 10,000 by default, which may be no port at all
    place = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path), "--save", ""]
    cluster = ["--cluster-enabled", "yes", "--cluster-port", str(bus)]
    server = subprocess.Popen([valkey_binary(), *place, *cluster], stdout=subprocess.DEVNULL)
    try:
        with redis.Redis(port=port, socket_timeout=1) as client:
            eventually(lambda: _answers(client))
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
            eventually(lambda: b"cluster_state:ok" in client.execute_command("CLUSTER", "INFO"))
            yield client
    finally:
        server.kill()
        server.wait()


def test_every_operation_works_on_a_cluster_because_all_keys_of_a_budget_share_a_tag(clustered):
    port = clustered.get_connection_kwargs()["port"]
    limiter = RedisLimiter(f"redis://127.0.0.1:{port}", timedelta(0))
    budget = "}{ö team:7"

    unknown = limiter.acquire(budget, ALL, grant_id="1:1:1", want=1)
    limiter.seed(budget, ALL, Seed(quota_used={"daily calls": 3}, slots_taken=1))
    limiter.settle(budget, ALL, extra=-2)
    granted = limiter.acquire(budget, ALL, grant_id="1:1:1", want=1)
    limiter.release(budget, ALL, grant_id="1:1:1", unused=1)
    limiter.observe(budget, ALL, News(remaining={"rate": 1, "daily calls": 4}, refused=True))
    limiter.leave(budget, ALL, slot_id="a")
    entered = limiter.enter(budget, ALL, slot_id="a", ttl=SECOND)
    limiter.close()

    assert unknown == Unseeded()
    assert isinstance(granted, Grant)
    assert isinstance(entered, Refusal)
    assert {key.split(b"}")[0] for key in clustered.scan_iter()} == {b"bulkhead:{%7D%7B%C3%B6%20team%3A7"}


def test_a_dead_server_is_known_as_such_at_once(valkey):
    limiter = RedisLimiter(valkey.url)
    limiter.ping()
    valkey.kill()

    started = time.monotonic()
    with pytest.raises(LimiterDown):
        limiter.acquire("team", ALL, grant_id="1:1:1", want=1)

    assert time.monotonic() - started < 1
    limiter.close()


def test_a_server_that_does_not_answer_costs_a_second_and_no_more_tries(valkey):
    limiter = RedisLimiter(valkey.url)
    limiter.ping()
    with redis.Redis.from_url(valkey.url) as client:
        client.execute_command("CLIENT", "PAUSE", "5000")

    started = time.monotonic()
    with pytest.raises(LimiterDown):
        limiter.acquire("team", ALL, grant_id="1:1:1", want=1)

    assert time.monotonic() - started < 2.5
    limiter.close()


def test_an_answer_that_came_too_late_is_not_taken_for_the_next_one(valkey):
    limiter = RedisLimiter(valkey.url)
    limiter.seed("team", ALL, Seed())
    with redis.Redis.from_url(valkey.url) as client:
        client.execute_command("CLIENT", "PAUSE", "1200")

    with pytest.raises(LimiterDown):
        limiter.acquire("team", ALL, grant_id="1:1:1", want=1)
    eventually(lambda: _is_up(limiter))

    assert limiter.enter("team", ALL, slot_id="a", ttl=SECOND) is None
    limiter.close()


def test_a_restarted_server_is_used_again_without_a_failure(valkey):
    limiter = RedisLimiter(valkey.url)
    limiter.seed("team", ALL, Seed())
    limiter.enter("team", ALL, slot_id="a", ttl=60 * SECOND)
    limiter.enter("team", ALL, slot_id="b", ttl=60 * SECOND)
    valkey.stop()
    valkey.start()

    answer = limiter.enter("team", ALL, slot_id="c", ttl=SECOND)

    assert isinstance(answer, Refusal)
    limiter.close()


def test_scripts_are_sent_again_after_the_server_forgot_them(redis_server: ValkeyServer, redis_url):
    limiter = RedisLimiter(redis_url)
    limiter.seed("team", ALL, Seed())
    with redis.Redis.from_url(redis_url) as client:
        client.script_flush()

    answer = limiter.acquire("team", ALL, grant_id="1:1:1", want=1)

    assert isinstance(answer, Refusal)
    limiter.close()


def test_a_server_that_may_drop_tokens_is_refused_with_what_to_change(valkey):
    limiter = RedisLimiter(valkey.url)
    limiter.check_server()
    with redis.Redis.from_url(valkey.url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")

    with pytest.raises(UnfitServer, match=r"allkeys-lru.*set maxmemory-policy to noeviction"):
        limiter.check_server()
    limiter.close()


def test_a_refusal_writes_nothing(redis_url):
    limiter = RedisLimiter(redis_url)
    limiter.seed("team", ALL, Seed(slots_taken=2))
    with redis.Redis.from_url(redis_url) as client:
        before = client.hgetall("bulkhead:{team}"), client.keys()

        limiter.acquire("team", ALL, grant_id="1:1:1", want=5)
        limiter.enter("team", ALL, slot_id="a", ttl=SECOND)

        assert (client.hgetall("bulkhead:{team}"), client.keys()) == before
    limiter.close()


def test_two_installations_share_a_server_under_different_prefixes(redis_url):
    one, other = RedisLimiter(redis_url, prefix="one"), RedisLimiter(redis_url, prefix="other")
    one.seed("team", ALL, Seed())

    answer = other.acquire("team", ALL, grant_id="1:1:1", want=1)

    assert answer == Unseeded()
    one.close()
    other.close()


def test_threads_that_ask_all_at_once_never_get_more_than_the_limit_gives(redis_url):
    fast = RateLimit(name="fast", amount=500, window=SECOND)
    limiter = RedisLimiter(redis_url)
    limiter.seed("team", [fast], Seed())
    taken = [0] * 8

    started = time.monotonic()
    _in_threads(8, lambda n: _hammer(limiter, fast, n, taken, until=started + 1.5))
    passed = time.monotonic() - started

    assert 0 < sum(taken) <= 500 * passed + 1
    limiter.close()


def test_threads_that_enter_all_at_once_never_find_more_slots_than_there_are(redis_url):
    limiter = RedisLimiter(redis_url)
    limiter.seed("team", ALL, Seed())
    answers: list[Refusal | None] = []

    _in_threads(12, lambda n: answers.append(limiter.enter("team", ALL, slot_id=f"slot {n}", ttl=60 * SECOND)))

    assert answers.count(None) == 2
    assert len(answers) == 12
    limiter.close()


def _in_threads(count, work):
    threads = [threading.Thread(target=work, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _hammer(limiter, limit, thread, taken, *, until):
    asked = 0
    while time.monotonic() < until:
        asked += 1
        answer = limiter.acquire("team", [limit], grant_id=f"{thread}:1:{asked}", want=1)
        taken[thread] += answer.tokens if isinstance(answer, Grant) else 0


def _answers(client):
    try:
        return client.ping()
    except redis.RedisError:
        return False


def _is_up(limiter):
    try:
        limiter.ping()
    except LimiterDown:
        return False
    return True
