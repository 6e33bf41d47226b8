"""The limiter that all workers share: one atomic script per operation, on one Redis (or Valkey).

Each script is a file beside this one, with its keys on top; `prelude.lua` lists what is stored.
All keys of a budget share a hash tag, so a clustered Redis works.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError
from redis.retry import Retry

from orchestrator.clock import MICROSECOND, from_micros, to_micros
from orchestrator.limits import burst, pauses
from orchestrator.limits.limit import (
    Answer,
    BlockedBy,
    Grant,
    Limit,
    LimiterDown,
    News,
    RateLimit,
    Refusal,
    Seed,
    Unseeded,
)
from orchestrator.limits.plan import Plan, Value, budget_key, limit_key, micros, plan, seeded, slots, told

CONNECT_TIMEOUT = timedelta(seconds=0.5)  # a dead server costs a turn this much, once
CALL_TIMEOUT = timedelta(seconds=1)
GRANT_LIFE_MS = 120_000  # a lost answer is asked for again, or given back, long before
UNSEEDED_PAUSE = timedelta(seconds=1)
CLOCK_CHECK = 60.0  # seconds between two looks at the server's clock, for calendar days
OLDEST_SERVER = (6, 2)

Shift = timedelta | Callable[[], timedelta]


class UnfitServer(Exception):
    """This Redis must not keep our tokens; the message says what to change."""


@dataclass(frozen=True, kw_only=True)
class _Script:
    text: str
    sha: str


class RedisLimiter:
    """Tokens of budgets, shared by all who name the same server; passes tests/limits/test_limit.py.

    A call takes at most the time-outs above and is not tried twice. `clock_shift` moves the server's clock, for tests
    and rehearsals; a callable is asked at each call.
    """

    def __init__(self, url: str, clock_shift: Shift = timedelta(0), *, prefix: str = "bulkhead") -> None:
        self._redis = Redis.from_url(
            url,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=CONNECT_TIMEOUT.total_seconds(),
            socket_timeout=CALL_TIMEOUT.total_seconds(),
        )
        self._clock_shift = clock_shift
        self._prefix = prefix
        self._send: Callable[..., Any] = self._redis.execute_command
        self._server_clock = _ServerClock(self._time)

    def acquire(
        self, budget: str, limits: Sequence[Limit], *, grant_id: str, want: int, least: int = 1, held_by_others: int = 0
    ) -> Answer:
        """Take between `least` and `want` units of every rate and quota limit, or nothing; one trip."""
        known = self._plan(budget, limits)
        want = burst.most_at_once(known.metered, want=want, least=least, held=held_by_others)
        keys = (known.budget, known.grant(grant_id), *known.keys)
        args = (self._shift(), want, least, known.use_by, GRANT_LIFE_MS, *known.args(self._midnight))
        match self._run("acquire", keys, args):
            case [1, units, use_by]:
                return Grant(id=grant_id, tokens=units, use_by=use_by * MICROSECOND)
            case [0, wait, index]:
                return _refusal(known.metered, wait, index)
            case _:
                return Unseeded()

    def enter(self, budget: str, limits: Sequence[Limit], *, slot_id: str, ttl: timedelta) -> Refusal | None:
        """Take one slot of every concurrency limit, or none; one trip, or no trip where there is no such limit."""
        counted = slots(limits)
        if not counted:
            return None
        args: list[Value] = [self._shift(), slot_id, micros(ttl), *(limit.amount for limit in counted)]
        match self._run("enter", self._keys(budget, counted), args):
            case [1]:
                return None
            case [0, wait, index]:
                return _no_slot(counted, wait, index)
            case _:
                return Refusal(wait=UNSEEDED_PAUSE, blocked_by=BlockedBy.CONCURRENCY, limit=counted[0].name)

    def leave(self, budget: str, limits: Sequence[Limit], *, slot_id: str) -> None:
        """Give the slot back; harmless when repeated or late."""
        counted = slots(limits)
        if counted:
            self._run("leave", self._keys(budget, counted)[1:], (slot_id,))

    def release(self, budget: str, limits: Sequence[Limit], *, grant_id: str, unused: int) -> None:
        """Give `unused` units of a grant back; harmless when repeated or late."""
        known = self._plan(budget, limits)
        self._run("release", (known.budget, known.grant(grant_id), *known.keys), (unused, *known.kinds))

    def settle(self, budget: str, limits: Sequence[Limit], *, extra: float) -> None:
        """Charge (or, negative, credit) what a call cost more than was taken for it; may cause debt."""
        known = self._plan(budget, limits)
        args = (self._shift(), extra, *known.args(self._midnight))
        self._run("settle", (known.budget, *known.keys), args)

    def observe(self, budget: str, limits: Sequence[Limit], news: News) -> None:
        """Take note of what the provider said; one trip."""
        known = self._plan(budget, limits)
        pause = pauses.pause_after(limits, news)
        closing = (micros(pause.span), micros(pause.window), micros(pause.jitter))
        said = [value for limit in known.metered for value in told(limit, news)]
        args = (self._shift(), int(news.refused), *closing, micros(news.sent_ago), *said)
        self._run("observe", (known.budget, *known.keys), args)

    def seed(self, budget: str, limits: Sequence[Limit], seed: Seed) -> None:
        """Write the whole state of a budget once; does nothing if another was faster."""
        args = [value for limit in limits for value in seeded(limit, seed, self._midnight)]
        self._run("seed", self._keys(budget, limits), (self._shift(), micros(seed.gate_for), *args))

    def ping(self) -> None:
        """Return if the server answers; raise LimiterDown if not."""
        self._call("PING")

    def check_server(self) -> None:
        """Return if this server may keep tokens; raise UnfitServer, with what to change, if it would lose them."""
        info = self._call("INFO")
        version = str(info["redis_version"])
        if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_SERVER:
            raise UnfitServer(f"the Redis is version {version}; Bulkhead needs 6.2 or later, or any Valkey")
        policy = info["maxmemory_policy"]
        if policy != "noeviction":
            raise UnfitServer(
                f"the Redis has maxmemory-policy {policy} and may drop tokens, and with them the rate limits; "
                "set it to noeviction (redis.conf: maxmemory-policy noeviction)"
            )

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()

    def _run(self, name: str, keys: Sequence[str], args: Iterable[Value]) -> Any:
        script = _script(name)
        try:
            return self._send("EVALSHA", script.sha, len(keys), *keys, *args)
        except NoScriptError:  # the server was restarted, or is new to us
            return self._call("EVAL", script.text, len(keys), *keys, *args)
        except RedisError as error:
            raise LimiterDown(f"Redis: {error}") from error

    def _call(self, *command: Value) -> Any:
        try:
            return self._send(*command)
        except RedisError as error:
            raise LimiterDown(f"Redis: {error}") from error

    def _shift(self) -> int:
        shift = self._clock_shift() if callable(self._clock_shift) else self._clock_shift
        return shift // MICROSECOND

    def _time(self) -> int:
        seconds, micros = self._call("TIME")
        return int(seconds) * 1_000_000 + int(micros)

    def _plan(self, budget: str, limits: Sequence[Limit]) -> Plan:
        return plan(self._prefix, budget, tuple(limits))

    def _keys(self, budget: str, limits: Iterable[Limit]) -> Sequence[str]:
        return (budget_key(self._prefix, budget), *(limit_key(self._prefix, budget, limit) for limit in limits))

    def _midnight(self, zone: str) -> int:
        return to_micros(pauses.next_midnight(self._server_clock.now(self._shift()), zone))


class _ServerClock:
    """The server's wall clock, carried on by our monotonic one, so that a calendar day costs no extra trip."""

    def __init__(self, ask: Callable[[], int]) -> None:
        self._ask = ask
        self._seen: tuple[int, float] | None = None  # one reference, replaced whole: threads may race, harmlessly

    def now(self, shift: int) -> datetime:
        seen = self._seen
        if seen is None or time.monotonic() - seen[1] > CLOCK_CHECK:
            seen = self._seen = (self._ask(), time.monotonic())
        passed = int((time.monotonic() - seen[1]) * 1_000_000)
        return from_micros(seen[0] + passed + shift)


@cache
def _script(name: str) -> _Script:
    folder = Path(__file__).parent
    text = "\n".join((folder / f"{part}.lua").read_text(encoding="utf-8") for part in ("prelude", name))
    return _Script(text=text, sha=hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


def _refusal(limits: Sequence[Limit], wait: int, index: int) -> Refusal:
    if index == 0:
        return Refusal(wait=wait * MICROSECOND, blocked_by=BlockedBy.GATE, limit="gate")
    limit = limits[index - 1]
    kind = BlockedBy.RATE if isinstance(limit, RateLimit) else BlockedBy.QUOTA
    return Refusal(wait=wait * MICROSECOND, blocked_by=kind, limit=limit.name)


def _no_slot(limits: Sequence[Limit], wait: int, index: int) -> Refusal:
    if index == 0:
        return _refusal(limits, wait, index)
    pause = pauses.slot_pause(wait * MICROSECOND)
    return Refusal(wait=pause, blocked_by=BlockedBy.CONCURRENCY, limit=limits[index - 1].name)
