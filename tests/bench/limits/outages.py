"""A Redis that forgets everything, dies, and comes back, while all workers want to call."""

import shutil
import time
from collections.abc import Iterator, Sequence
from math import ceil

from orchestrator.limits.limit import ConcurrencyLimit, Limit, Seed
from tests.bench.limits.crew import PROCESSES, SLOT, THREADS
from tests.bench.limits.races import LATENCY
from tests.bench.limits.scene import Row, Scene, per_second, sleep_until, within

BACK_WITHIN = 5.0  # s after Redis is there again
AFTER_THE_TTL = SLOT.total_seconds() + BACK_WITHIN
RATE, SLOTS = 50.0, 5
BEFORE, AWAY = 2.0, 1.5  # s
ON_ITS_WAY = 0.15  # s; what was granted before the death of Redis may still arrive


def rows(scene: Scene) -> Iterator[Row]:
    """Measure one outage after the other."""
    one: list[Limit] = [per_second(RATE)]
    slots = [ConcurrencyLimit(name="slots", amount=SLOTS), *one]
    yield flushed(scene, RATE)
    yield restarted(scene, "data lost", one, loses=True, back_within=BACK_WITHIN - 2 * scene.quick)
    if not scene.quick:
        yield restarted(scene, "data kept", one)
        yield restarted(scene, f"data lost, {SLOTS} slots", slots, loses=True, back_within=AFTER_THE_TTL)


def flushed(scene: Scene, rate: float) -> Row:
    """Flush Redis each second."""
    limit, seconds = per_second(rate), scene.seconds(8)
    account = scene.account(latency=LATENCY, amount=rate, window=1)
    task = scene.task(account, [limit], seconds)
    scene.crew.begin(task)
    for second in range(1, ceil(seconds)):
        sleep_until(task.start + second)
        scene.valkey.flush()
    scene.crew.end()
    counted = scene.report(account)
    refused, used = (counted["sliding"], counted["fixed"]), len(counted["calls"]) / (rate * seconds)
    return Row(
        name=f"8 x 8 on {rate:g} a second, FLUSHALL each second",
        goal="0 refused, 90 % of the published",
        measured=f"{refused[0]} + {refused[1]} refused, {used:.0%}",
        ok=not any(refused) and used >= 0.9,
    )


def restarted(
    scene: Scene, title: str, limits: Sequence[Limit], *, loses: bool = False, back_within: float = BACK_WITHIN
) -> Row:
    """Kill Redis, let it be away for a while, and start it again."""
    amount, most = limits[-1].amount, SLOTS if len(limits) > 1 else 1_000
    account = scene.account(latency=LATENCY, amount=amount, window=1, slots=most)
    seed = Seed(slots_taken=2 * PROCESSES * THREADS, slot_ttl=SLOT)  # as SQL says while all have a turn
    task = scene.task(account, limits, BEFORE + AWAY + back_within, seed=seed)
    scene.seed(account, limits)
    scene.crew.begin(task)
    sleep_until(task.start + BEFORE)
    scene.valkey.kill()
    killed = time.monotonic()
    if loses:
        shutil.rmtree(scene.folder / "appendonlydir")
    sleep_until(killed + AWAY)
    starting = time.monotonic()
    scene.valkey.start()
    moments = (killed, starting, time.monotonic())
    scene.crew.end()
    return _judged(scene, f"Redis killed -9 and started again, {title}", account, moments, back_within)


def _judged(scene: Scene, name: str, account: str, moments: tuple[float, float, float], back_within: float) -> Row:
    counted, (killed, starting, started) = scene.report(account), moments
    times = [at for at, _ in counted["calls"]]
    refused = counted["sliding"] + counted["fixed"] + counted["crowded"]
    meanwhile = within(times, killed + ON_ITS_WAY, starting)
    back = min((max(0.0, at - started) for at in times if at >= starting), default=float("inf"))
    return Row(
        name=name,
        goal=f"0 refused, 0 meanwhile, back in {back_within:g} s",
        measured=f"{refused} refused, {meanwhile} meanwhile, back in {back:.1f} s",
        ok=refused == 0 and meanwhile == 0 and within(times, 0, killed) > 0 and back <= back_within,
    )
