"""A Redis that forgets everything, dies, and comes back, while all workers want to call."""

import shutil
import time
from collections.abc import Iterator, Sequence

from orchestrator.limits.limit import ConcurrencyLimit, Limit, Seed
from tests.bench.limits.crew import PROCESSES, SLOT, THREADS
from tests.bench.limits.races import LATENCY
from tests.bench.limits.scene import Row, Scene, per_second, sleep_until, within

BACK_WITHIN = 5.0  # s after Redis is there again
SLOTS = 5
ON_ITS_WAY = 0.15  # s; what was granted before the death of Redis may still arrive


def rows(scene: Scene) -> Iterator[Row]:
    """Measure one outage after the other."""
    yield flushed(scene)
    yield restarted(scene, "data lost", [per_second(50)], loses=True)
    if scene.quick:
        return
    yield restarted(scene, "data kept", [per_second(50)])
    slots: list[Limit] = [ConcurrencyLimit(name="slots", amount=SLOTS), per_second(50)]
    yield restarted(
        scene, f"data lost, {SLOTS} slots", slots, loses=True, back_within=SLOT.total_seconds() + BACK_WITHIN
    )


def flushed(scene: Scene) -> Row:
    """Flush Redis each second."""
    limit, seconds = per_second(50), scene.seconds(8)
    account = scene.account(latency=LATENCY, amount=50, window=1)
    task = scene.task(account, [limit], seconds)
    scene.crew.begin(task)
    for second in range(1, int(seconds)):
        sleep_until(task.start + second)
        scene.valkey.flush()
    scene.crew.end()
    counted = scene.report(account)
    refused, used = (counted["sliding"], counted["fixed"]), len(counted["calls"]) / (limit.amount * seconds)
    return Row(
        name="8 x 8 on 50 a second, FLUSHALL each second",
        goal="0 refused",
        measured=f"{refused[0]} + {refused[1]} refused, {used:.0%} used",
        ok=not any(refused) and used >= 0.9,
    )


def restarted(
    scene: Scene, title: str, limits: Sequence[Limit], *, loses: bool = False, back_within: float = BACK_WITHIN
) -> Row:
    """Kill Redis, let it be away for a while, and start it again."""
    account = scene.account(latency=LATENCY, amount=50, window=1, slots=SLOTS if len(limits) > 1 else 1e9)
    away = 1.5
    seed = Seed(slots_taken=2 * PROCESSES * THREADS, slot_ttl=SLOT)  # as SQL says while all have a turn
    task = scene.task(account, limits, 2.0 + away + (2.0 if scene.quick else back_within), seed=seed)
    scene.seed(account, limits)
    scene.crew.begin(task)
    sleep_until(task.start + 2)
    scene.valkey.kill()
    killed = time.monotonic()
    if loses:
        shutil.rmtree(scene.folder / "appendonlydir")
    sleep_until(killed + away)
    starting = time.monotonic()
    scene.valkey.start()
    started = time.monotonic()
    scene.crew.end()
    return _judged(
        scene, f"Redis killed -9 and started again, {title}", account, (killed, starting, started), back_within
    )


def _judged(scene: Scene, name: str, account: str, moments: tuple[float, float, float], back_within: float) -> Row:
    counted, (killed, starting, started) = scene.report(account), moments
    times = [at for at, _ in counted["calls"]]
    refused = (counted["sliding"], counted["fixed"], counted["crowded"])
    meanwhile = within(times, killed + ON_ITS_WAY, starting)
    back = next((at - started for at in times if at >= starting), float("inf"))  # it may be before the start is noted
    return Row(
        name=name,
        goal=f"0 refused, 0 meanwhile, back in {back_within:g} s",
        measured=f"{sum(refused)} refused, {meanwhile} meanwhile, back in {back:.1f} s",
        ok=not any(refused) and meanwhile == 0 and within(times, 0, killed) > 0 and back <= back_within,
    )
