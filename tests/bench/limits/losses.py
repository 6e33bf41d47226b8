"""Whole jobs whose Redis is killed -9 and comes back empty: what SQL knows of quotas and gates is all there is."""

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.bench.kit import Bench
from tests.bench.limits.days import an_office, open_runtime
from tests.bench.limits.outages import AWAY, BACK_WITHIN, ON_ITS_WAY
from tests.bench.limits.races import LATENCY
from tests.bench.limits.scene import Row, Scene, sleep_until, within
from tests.bench.limits.turns import Hands, connect, with_steps
from tests.servers import eventually

QUOTA, JOBS = 400, 4
USED = 200  # when Redis dies; the 10 units for each running step that SQL adds must leave some
GATE = 6.0  # s
RATE = {"kind": "rate", "amount": 3_000, "seconds": 60}


def rows(scene: Scene) -> Iterator[Row]:
    """Lose the memory of a quota, then that of a gate."""
    yield of_a_quota(scene)
    yield of_a_gate(scene)


def of_a_quota(scene: Scene) -> Row:
    """Lose how much of a quota is used; judged by all calls that the provider counts."""
    account = scene.account(latency=LATENCY)
    with at_work(scene, account, [RATE, {"kind": "quota", "amount": QUOTA}], JOBS):
        eventually(lambda: len(_calls(scene, account)) >= USED, within=60, every=0.1)
        killed, starting, started = killed_and_started(scene)
        sleep_until(started + BACK_WITHIN + 5)
    calls = _calls(scene, account)
    meanwhile, back = within(calls, killed + ON_ITS_WAY, starting), _back(calls, starting, started)
    return Row(
        name=f"Redis killed -9, data lost, half of a quota of {QUOTA} used",
        goal=f"never above {QUOTA}, 0 meanwhile, back in {BACK_WITHIN:g} s",
        measured=f"{len(calls)} calls, {meanwhile} meanwhile, back in {back:.1f} s",
        ok=len(calls) <= QUOTA and meanwhile == 0 and back <= BACK_WITHIN,
    )


def of_a_gate(scene: Scene) -> Row:
    """Lose until when the provider wants to be left alone; judged by the calls that come before."""
    account = scene.account(latency=LATENCY, amount=0, strict=1, gate=GATE)
    with at_work(scene, account, [RATE], 1):
        eventually(lambda: scene.report(account)["refused"], within=30)
        opens = scene.report(account)["refused"][0] + GATE
        sleep_until(opens - GATE + 1)
        _, _, started = killed_and_started(scene)
        sleep_until(max(started, opens) + BACK_WITHIN)
        counted = scene.report(account)
    back = min((at - opens for at in counted["refused"][1:]), default=float("inf"))
    return Row(
        name=f"Redis killed -9, data lost, gate closed for {GATE:g} s",
        goal=f"no call before, back in {BACK_WITHIN:g} s",
        measured=f"{counted['gated']} calls before, back in {back:.1f} s",
        ok=counted["gated"] == 0 and back <= BACK_WITHIN,
    )


@contextmanager
def at_work(scene: Scene, account: str, limits: Sequence[Any], jobs: int) -> Iterator[None]:
    """Let threads take the turns of some endless jobs on one budget."""
    scene.valkey.flush()  # budgets of other databases have the same numbers
    with an_office(scene) as settings:
        runtime = open_runtime(settings)
        runtime.heartbeat.start()
        ours = Bench(runtime, runtime.store.keys.ensure_tenant("bench").id)
        connection = connect(ours, scene, account, "lost", ours.tenant, limits=limits)
        for _ in range(jobs):
            runtime.store.jobs.add(with_steps(connection, 1, size=10))
        hands = Hands(ours, connection.budget_id)
        try:
            yield
        finally:
            hands.stop()
            runtime.close()


def killed_and_started(scene: Scene) -> tuple[float, float, float]:
    """Kill Redis and lose what it kept, start it after a while; return these moments and that of its first answer."""
    scene.valkey.kill()
    killed = time.monotonic()
    shutil.rmtree(scene.folder / "appendonlydir", ignore_errors=True)
    sleep_until(killed + AWAY)
    starting = time.monotonic()
    scene.valkey.start()
    return killed, starting, time.monotonic()


def _calls(scene: Scene, account: str) -> list[float]:
    return [at for at, _ in scene.report(account)["calls"]]


def _back(calls: Sequence[float], starting: float, started: float) -> float:
    return min((max(0.0, at - started) for at in calls if at >= starting), default=float("inf"))
