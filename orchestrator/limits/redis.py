"""The limiter that all workers share: one atomic script per operation, on one Redis (or Valkey).

Each script is a file beside this one, with its keys on top; `prelude.lua` lists what is stored.
All keys of a budget share a hash tag, so a clustered Redis works.
"""

import hashlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from hiredis import pack_command
from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, NoScriptError, RedisError, TimeoutError
from redis.retry import Retry

from orchestrator.clock import MICROSECOND, from_micros, to_micros
from orchestrator.limits import burst, pauses
from orchestrator.limits.limit import (
    Answer,
    BlockedBy,
    Grant,
    Limit,
    LimiterDown,
    LimitState,
    News,
    RateLimit,
    Refusal,
    Seed,
    Unseeded,
)
from orchestrator.limits.plan import Plan, micros, plan

CONNECT_TIMEOUT = timedelta(seconds=0.5)  # a dead server costs a turn this much, once
CALL_TIMEOUT = timedelta(seconds=1)
GRANT_LIFE_MS = 30_000  # tokens live for 2 s, and only the turn that asked asks again or gives back
UNSEEDED_PAUSE = timedelta(seconds=1)
CLOCK_CHECK = 60.0  # seconds between two looks at the server's clock, for calendar days
IDLE = 0.02  # seconds after which a held connection is looked at before it is used; a server restarts slower
OLDEST_SERVER = (6, 2)

Shift = timedelta | Callable[[], timedelta]
Value = str | bytes | int | float


class UnfitServer(Exception):
    """This Redis must not keep our tokens; the message says what to change."""


class RedisLimiter:
    """Tokens of budgets, shared by all who name the same server; passes tests/limits/test_limit.py.

    An operation is one trip, takes at most the time-outs above, and is not tried twice; each thread holds a connection
    of its own. `clock_shift` moves the server's clock, for tests and rehearsals; a callable is asked at each call.
    """

    def __init__(self, url: str, clock_shift: Shift = timedelta(0), *, prefix: str = "bulkhead") -> None:
        self._client = Redis.from_url(
            url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=CONNECT_TIMEOUT.total_seconds(),
            socket_timeout=CALL_TIMEOUT.total_seconds(),
        )
        self._lines = _Lines(self._client.connection_pool)
        self._clock_shift = clock_shift
        self._prefix = prefix
        self._server_clock = _ServerClock(self._time)

    def acquire(
        self, budget: str, limits: Sequence[Limit], *, grant_id: str, want: int, least: int = 1, held_by_others: int = 0
    ) -> Answer:
        """Take between `least` and `want` units of every rate and quota limit, or nothing."""
        known = self._plan(budget, limits)
        want = burst.most_at_once(known.spare, want=want, least=least, held=held_by_others)
        asked = (self._shift(), want, least, known.use_by, GRANT_LIFE_MS)
        match self._run("acquire", (known.budget, known.grant(grant_id)), *asked, *self._limits(known)):
            case [1, units, use_by]:
                return Grant(id=grant_id, tokens=units, use_by=use_by * MICROSECOND)
            case [0, wait, index]:
                return _refusal(known, wait, index)
            case _:
                return Unseeded()

    def enter(self, budget: str, limits: Sequence[Limit], *, slot_id: str, ttl: timedelta) -> Refusal | None:
        """Take one slot of every concurrency limit, or none; no trip where there is no such limit."""
        known = self._plan(budget, limits)
        if not known.counted:
            return None
        amounts = [limit.amount for limit in known.counted]
        match self._run("enter", (known.budget, *known.slots), self._shift(), slot_id, micros(ttl), *amounts):
            case [1]:
                return None
            case [0, wait, index]:
                return _no_slot(known, wait, index)
            case _:
                return Refusal(wait=UNSEEDED_PAUSE, blocked_by=BlockedBy.CONCURRENCY, limit=known.counted[0].name)

    def leave(self, budget: str, limits: Sequence[Limit], *, slot_id: str) -> None:
        """Give the slot back; harmless when repeated or late."""
        known = self._plan(budget, limits)
        if known.counted:
            self._run("leave", known.slots, slot_id)

    def release(self, budget: str, limits: Sequence[Limit], *, grant_id: str, unused: int) -> None:
        """Give `unused` units of a grant back; harmless when repeated or late."""
        known = self._plan(budget, limits)
        self._run("release", (known.budget, known.grant(grant_id)), unused, known.numbers(self._midnight))

    def settle(self, budget: str, limits: Sequence[Limit], *, extra: float) -> None:
        """Charge (or, negative, credit) what a call cost more than was taken for it; may cause debt."""
        known = self._plan(budget, limits)
        self._run("settle", (known.budget,), self._shift(), extra, *self._limits(known))

    def observe(self, budget: str, limits: Sequence[Limit], news: News) -> None:
        """Take note of what the provider said; only ever lowers what is available, but for a known reset."""
        known = self._plan(budget, limits)
        pause = pauses.pause_after(limits, news)
        closing = (int(news.refused), micros(pause.span), micros(pause.window), micros(pause.jitter))
        said = (micros(news.sent_ago), known.fields, known.told(news, self._midnight))
        self._run("observe", (known.budget,), self._shift(), *closing, *said)

    def seed(self, budget: str, limits: Sequence[Limit], seed: Seed) -> None:
        """Write the whole state of a budget once; if another was faster, only quotas that must be counted anew."""
        known = self._plan(budget, limits)
        args = (micros(seed.gate_for), seed.slots_taken, micros(seed.slot_ttl), known.seeded(seed, self._midnight))
        self._run("seed", (known.budget, *known.slots), self._shift(), *args)
        if seed.claimed:
            self.observe(budget, limits, News(limits=seed.claimed))

    def look(self, budget: str, limits: Sequence[Limit]) -> Sequence[LimitState]:
        """Return each limit as it is now, in the order given; () where the budget is unknown. Changes nothing."""
        known = self._plan(budget, limits)
        return known.states(self._run("look", (known.budget, *known.slots), self._shift(), *self._limits(known)))

    def ping(self) -> None:
        """Return if the server answers; raise LimiterDown if not."""
        self._call("PING")

    def check_server(self) -> None:
        """Return if this server may keep tokens; raise UnfitServer, with what to change, if it would lose them."""
        try:
            info = self._client.info()
        except RedisError as error:
            raise LimiterDown(f"Redis: {error}") from error
        _check(str(info["redis_version"]), str(info["maxmemory_policy"]))

    def close(self) -> None:
        """Close this thread's connection; the others close with their threads."""
        self._lines.close()
        self._client.close()

    def _plan(self, budget: str, limits: Sequence[Limit]) -> Plan:
        return plan(self._prefix, budget, tuple(limits))

    def _limits(self, known: Plan) -> tuple[bytes, bytes]:
        return known.fields, known.numbers(self._midnight)

    def _run(self, name: str, keys: Sequence[str], *args: Value) -> Any:
        script = _script(name)
        try:
            return self._lines.ask("EVALSHA", script.sha, len(keys), *keys, *args)
        except NoScriptError:  # the server was restarted, or is new to us
            return self._call("EVAL", script.text, len(keys), *keys, *args)
        except (RedisError, OSError) as error:
            raise LimiterDown(f"Redis: {error}") from error

    def _call(self, *command: Value) -> Any:
        try:
            return self._lines.ask(*command)
        except (RedisError, OSError) as error:
            raise LimiterDown(f"Redis: {error}") from error

    def _shift(self) -> int:
        shift = self._clock_shift() if callable(self._clock_shift) else self._clock_shift
        return shift // MICROSECOND

    def _time(self) -> int:
        seconds, micros = self._call("TIME")
        return int(seconds) * 1_000_000 + int(micros)

    def _midnight(self, zone: str) -> int:
        return to_micros(pauses.next_midnight(self._server_clock.now(self._shift()), zone))


class _Lines(threading.local):
    """One held connection per thread; the client's pool would double the time of a trip."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._line: _Line | None = None

    def ask(self, *command: Value) -> Any:
        if self._line is None or self._line.process != os.getpid():
            self._line = _Line(self._pool.connection_class(**self._pool.connection_kwargs))
        try:
            return self._line.ask(*command)
        except (ConnectionError, TimeoutError, OSError):
            self._line = None  # so that the next trip dials once, not twice
            raise

    def close(self) -> None:
        self._line = None


class _Line:
    """A connection that is closed when its thread ends; a collector that comes later would find the socket open."""

    def __init__(self, connection: Any) -> None:
        self.process = os.getpid()
        self._connection = connection
        self._used = time.monotonic()

    def __del__(self) -> None:
        with suppress(Exception):
            self._connection.disconnect()

    def ask(self, *command: Value) -> Any:
        now = time.monotonic()
        if now - self._used > IDLE and self._is_stale():
            self._connection.disconnect()  # the next send connects: a restarted server is not a dead one
        self._used = now
        packed = pack_command(command)  # type: ignore[arg-type]  # stub names one argument; the client's own packer: +6 µs
        self._connection.send_packed_command([packed], check_health=False)
        return self._connection.read_response()

    def _is_stale(self) -> bool:
        try:
            return bool(self._connection.can_read(0))  # nothing was asked: only the end of the line can be read
        except (RedisError, OSError):
            return True


class _ServerClock:
    """The server's wall clock, carried on by our monotonic one, so that a calendar day costs no extra trip."""

    def __init__(self, ask: Callable[[], int]) -> None:
        self._ask = ask
        self._seen: tuple[int, float] | None = None  # replaced whole: threads may race, harmlessly

    def now(self, shift: int) -> datetime:
        seen = self._seen
        if seen is None or time.monotonic() - seen[1] > CLOCK_CHECK:
            seen = self._seen = (self._ask(), time.monotonic())
        passed = int((time.monotonic() - seen[1]) * 1_000_000)
        return from_micros(seen[0] + passed + shift)


@dataclass(frozen=True, kw_only=True)
class _Script:
    text: str
    sha: str


@cache
def _script(name: str) -> _Script:
    folder = Path(__file__).parent
    text = "\n".join((folder / f"{part}.lua").read_text(encoding="utf-8") for part in ("prelude", name))
    return _Script(text=text, sha=hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


def _check(version: str, policy: str) -> None:
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_SERVER:
        raise UnfitServer(f"the Redis is version {version}; Bulkhead needs 6.2 or later, or any Valkey")
    if policy != "noeviction":
        raise UnfitServer(
            f"the Redis has maxmemory-policy {policy}: it may drop tokens, and with them the rate limits; "
            "set maxmemory-policy to noeviction"
        )


def _refusal(known: Plan, wait: int, index: int) -> Refusal:
    if index == 0:
        return Refusal(wait=wait * MICROSECOND, blocked_by=BlockedBy.GATE, limit="gate")
    limit = known.metered[index - 1]
    kind = BlockedBy.RATE if isinstance(limit, RateLimit) else BlockedBy.QUOTA
    return Refusal(wait=wait * MICROSECOND, blocked_by=kind, limit=limit.name)


def _no_slot(known: Plan, wait: int, index: int) -> Refusal:
    if index == 0:
        return _refusal(known, wait, index)
    pause = pauses.slot_pause(wait * MICROSECOND)
    return Refusal(wait=pause, blocked_by=BlockedBy.CONCURRENCY, limit=known.counted[index - 1].name)
