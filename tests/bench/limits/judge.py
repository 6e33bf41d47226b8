"""A strict provider that counts: each call is judged by when it arrives, by nobody's word but its own clock.

`python -m tests.bench.limits.judge PORT`, a process of its own. An account is opened with its limit; a call of it is
answered with a page. Who asks for a report learns how many calls a strict sliding log would have refused, and how many
fixed windows (of several phases, for nobody knows when they begin) were overrun. An account that is `strict` refuses
them at once with 429: by windows that begin at each multiple of their length; a `silent` one does not tell when.
"""

import asyncio
import json
import os
import random
import sys
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from itertools import accumulate
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

PHASES = 4  # of a fixed window, as nobody knows when it begins
EAT_EVERY = 0.05  # s; another integration spends in bursts of this rhythm


class Account:
    """What one provider knows of one customer."""

    def __init__(
        self,
        amount: float = 1e9,
        window: float = 1.0,
        latency: float = 0.0,
        strict: float = 0.0,
        eat: float = 0.0,
        records: float = 1e9,
        slots: float = 1e9,
        gate: float = 0.0,
        silent: float = 0.0,
    ) -> None:
        self.amount, self.window, self.latency, self.strict, self.eat = amount, window, latency, bool(strict), eat
        self.records, self.slots, self.gate, self.silent = int(records), int(slots), gate, bool(silent)
        self.wall = time.time() - time.monotonic()  # so that a minute begins when a clock says so
        self.calls: list[tuple[float, float]] = []  # (when, cost) of those let through
        self.refused: list[float] = []
        self.eaten: list[tuple[float, float]] = []
        self.crowded = 0  # calls that came while all slots were taken
        self.gated = 0  # calls that came while the gate was closed
        self.gated_until = 0.0
        self.in_flight = 0
        self._used = 0.0
        self._period = 0.0

    def take(self, cost: float, mine: bool = True) -> bool:
        """Count a call that arrives now; False where the limit refuses it. Refused calls do not count."""
        now = time.monotonic()
        self._turn(now)
        self.gated += mine and now < self.gated_until  # calls that were on their way are among them
        if self.strict and self._used + cost > self.amount:
            if mine:
                self.refused.append(now)
                self.gated_until = now + self.gate
            return False
        self._used += cost
        (self.calls if mine else self.eaten).append((now, cost))
        return True

    def enter(self) -> None:
        """Count a call in flight."""
        self.in_flight += 1
        self.crowded += self.in_flight > self.slots

    def told(self) -> tuple[float, float]:
        """Return what is left, and in how many seconds the window ends."""
        now = time.monotonic()
        self._turn(now)
        return self.amount - self._used, self.window - (now + self.wall) % self.window

    def report(self) -> dict[str, Any]:
        """Return everything that was counted."""
        return {
            "calls": self.calls,
            "refused": self.refused,
            "eaten": self.eaten,
            "sliding": over_sliding(self.calls, self.amount, self.window),
            "crowded": self.crowded,
            "gated": self.gated,
            "wall": self.wall,
            "fixed": max(over_fixed(self.calls, self.amount, self.window, n / PHASES) for n in range(PHASES)),
        }

    def _turn(self, now: float) -> None:
        period = (now + self.wall) // self.window
        if period != self._period:
            self._period, self._used = period, 0.0


def over_sliding(calls: Sequence[tuple[float, float]], amount: float, window: float) -> int:
    """Return at how many calls the window behind them held more than the limit."""
    times, sums = [at for at, _ in calls], [0.0, *accumulate(cost for _, cost in calls)]
    behind = (bisect_right(times, at - window) for at in times)
    return sum(sums[n + 1] - sums[first] > amount for n, first in enumerate(behind))


def over_fixed(calls: Sequence[tuple[float, float]], amount: float, window: float, phase: float) -> int:
    """Return how many windows of this phase held more than the limit."""
    used = Counter[int]()
    for at, cost in calls:
        used[int(at / window + phase)] += cost  # type: ignore[assignment]
    return sum(units > amount for units in used.values())


class Judge(asyncio.Protocol):
    """One connection of a caller; speaks as much HTTP as a bare caller needs."""

    accounts: ClassVar[dict[str, Account]] = {}
    eaters: ClassVar[list[asyncio.Task[None]]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        for line in data.split(b"\r\n\r\n")[:-1]:
            self._answer(urlsplit(line.split(b" ", 2)[1].decode()))

    def _answer(self, url: Any) -> None:
        _, verb, name = url.path.split("/")
        asked = dict(parse_qsl(url.query))
        if verb == "call":
            return self._judge(self.accounts[name], asked)
        if verb == "open":
            self.accounts[name] = account = Account(**{key: float(value) for key, value in asked.items()})
            if account.eat:
                self.eaters.append(asyncio.get_running_loop().create_task(another_integration(account)))
        return self._write(200, json.dumps(self.accounts[name].report()).encode())

    def _judge(self, account: Account, asked: dict[str, str]) -> None:
        account.enter()
        status = 200 if account.take(float(asked.get("cost", 1))) else 429
        left, ends = account.told()
        head = f"x-ratelimit-remaining: {left:.0f}\r\n"
        head += f"x-ratelimit-reset: {ends:.3f}\r\n" * (not account.silent)
        head += f"retry-after: {account.gate:.0f}\r\n" * (status == 429 and account.gate > 0)
        body = page(int(asked.get("id[gt]") or 0), int(asked.get("per_page", 0)), account.records)
        asyncio.get_running_loop().call_later(account.latency, self._leave, account, status, body, head)

    def _leave(self, account: Account, status: int, body: bytes, head: str) -> None:
        account.in_flight -= 1
        self._write(status, body, head)

    def _write(self, status: int, body: bytes, head: str = "") -> None:
        kind = "content-type: application/json\r\n"
        self._transport.write(f"HTTP/1.1 {status} x\r\n{kind}{head}content-length: {len(body)}\r\n\r\n".encode() + body)


def page(after: int, size: int, records: int) -> bytes:
    """Return the records behind `after`, as JSON."""
    ids = range(after + 1, min(after + size, records) + 1)
    return json.dumps({"data": [{"id": n} for n in ids]}).encode()


async def another_integration(account: Account) -> None:
    """Spend a share of the account at random; what it is refused it does not try again."""
    dice, mean = random.Random(7), account.eat * account.amount / account.window * EAT_EVERY
    began, due = time.monotonic(), 0.0
    for beat in range(1, 100_000):
        await asyncio.sleep(max(0.0, began + beat * EAT_EVERY - time.monotonic()))
        due += dice.choice((0.0, 0.0, 2.0, 2.0)) * mean
        while due >= 1:
            account.take(1, mine=False)
            due -= 1


async def main(port: int) -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(Judge, "127.0.0.1", port, backlog=500)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    with suppress(PermissionError):
        os.nice(-10)  # a provider has processors of its own; here it would judge calls by when it gets one
    asyncio.run(main(int(sys.argv[1])))
