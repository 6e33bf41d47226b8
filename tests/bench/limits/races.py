"""How much of a limit eight processes of eight threads use, and whether the provider ever had to refuse."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

from orchestrator.limits import burst
from orchestrator.limits.limit import ConcurrencyLimit, Limit, RateLimit
from tests.bench.limits.crew import SLOT, Task
from tests.bench.limits.scene import Row, Scene, per_second, sleep_until, within

LATENCY = 0.05  # s; a provider that answers in no time would measure our processors alone
APART = timedelta(seconds=0.3)
Deed = Callable[[Scene, Task], None]


def rows(scene: Scene) -> Iterator[Row]:
    """Measure one race after the other."""
    for amount in (50.0, 500.0):
        yield race(scene, f"{amount:g} a second", per_second(amount))
    if scene.quick:
        return
    yield race(scene, "50 a second, workers' clocks 0.3 s apart", per_second(50), apart=APART)
    yield race(scene, "500 a second, demand comes after 2 s of rest", per_second(500), rest=2.0)
    yield race(scene, "50 a second, a worker is killed -9", per_second(50), deed=kill_one)
    yield slots(scene)


def race(
    scene: Scene,
    title: str,
    limit: RateLimit,
    *,
    apart: timedelta = timedelta(0),
    rest: float = 0.0,
    deed: Deed = lambda scene, task: None,
) -> Row:
    """Let all spend one limit of a short window as fast as they may."""
    account, task = begin(scene, limit, apart, rest)
    deed(scene, task)
    scene.crew.end()
    counted = scene.report(account)
    times = [at for at, _ in counted["calls"]]
    used = (len(times) - 1) / (times[-1] - times[0]) / limit.amount
    refused = (counted["sliding"], counted["fixed"])
    return Row(
        name=f"8 x 8 on {title}",
        goal="0 refused, 97 % of the published",
        measured=f"{refused[0]} + {refused[1]} refused, {used:.1%}",
        ok=not any(refused) and used >= 0.97,
    )


def begin(scene: Scene, limit: RateLimit, apart: timedelta = timedelta(0), rest: float = 0.0) -> tuple[str, Task]:
    """Let the crew begin, after a rest in which nobody asks; return the account and the task."""
    account = scene.account(latency=LATENCY, amount=limit.amount, window=1)
    if rest:
        scene.seed(account, [limit])
        time.sleep(rest)
    task = scene.task(account, [limit], scene.seconds(6))
    scene.crew.begin(task, apart)
    return account, task


def kill_one(scene: Scene, task: Task) -> None:
    """Kill a worker in the middle of the race."""
    sleep_until(task.start + task.seconds / 2)
    scene.crew.kill(0)


def begin_minute(scene: Scene) -> Callable[[], Row]:
    """Begin a race on a limit of a minute, with a full bucket; what is returned ends it.

    It goes on beside other rows, for it is quiet: ten calls a second.
    """
    limit, seconds = per_second(600, 60), 66.0
    account = scene.account(latency=LATENCY, amount=600, window=60)
    scene.seed(account, [limit])
    time.sleep(burst.burst(limit) / burst.rate(limit) + 0.1)
    scene.crew.begin(scene.task(account, [limit], seconds, cap=burst.max_cap([limit])), APART)

    def row() -> Row:
        scene.crew.end()
        counted = scene.report(account)
        ours = len(counted["calls"]) / (burst.rate(limit) * seconds + burst.burst(limit))
        refused = (counted["sliding"], counted["fixed"])
        return Row(
            name=f"8 x 8 on 600 a minute from a full bucket, clocks apart, {seconds:g} s",
            goal="0 refused, 98.5 % of what we allow us",
            measured=f"{refused[0]} + {refused[1]} refused, {ours:.1%}",
            ok=not any(refused) and ours >= 0.985,
        )

    return row


def minute(scene: Scene) -> Iterator[Row]:
    """Measure a limit of a minute by itself."""
    yield begin_minute(scene)()


def slots(scene: Scene) -> Row:
    """Kill a process that holds slots: nobody is let in for it before they expire, and then everybody is."""
    limits: tuple[Limit, ...] = (ConcurrencyLimit(name="slots", amount=5), per_second(10_000))
    account, lasts = scene.account(latency=0.2, slots=5), SLOT.total_seconds() + 4
    task = scene.task(account, limits, lasts)
    scene.crew.begin(task)
    sleep_until(task.start + 1.1)
    for number in range(4):
        scene.crew.kill(number)
    killed = time.monotonic()
    scene.crew.end()
    counted = scene.report(account)
    times = [at for at, _ in counted["calls"]]
    before, after = (within(times, start, start + 1) for start in (killed - 1, killed + SLOT.total_seconds() + 1))
    return Row(
        name="5 calls at once, holders are killed -9",
        goal="never 6; all back after the TTL",
        measured=f"{counted['crowded']} too many; {before}/s before, {after}/s after",
        ok=counted["crowded"] == 0 and after >= 0.6 * before > 0,
    )
