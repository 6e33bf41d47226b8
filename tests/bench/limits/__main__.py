"""How our limits hold, judged at a provider that counts: python -m tests.bench.limits [--quick]"""

import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import replace

from tests.bench.limits import costs, days, outages, races, sharing, turns
from tests.bench.limits.crew import crew
from tests.bench.limits.scene import Row, Scene, a_scene


def main(quick: bool = False) -> int:
    """Print the table, each line as soon as it is known; 1 where a goal is missed."""
    logging.disable(logging.WARNING)  # killed workers and refused calls are what is measured here
    print(f"\nLimits, 8 processes x 8 threads on {os.cpu_count()} processors (load {os.getloadavg()[0]:.1f})")
    missed = 0
    with a_scene(quick) as scene:
        for row in rows(scene):
            row.print()
            missed += not row.ok
    print(f"\n{missed} goals missed (load {os.getloadavg()[0]:.1f})" if missed else "\nEvery goal is met")
    return 1 if missed else 0


def rows(scene: Scene) -> Iterator[Row]:
    """Measure everything; what takes a minute goes on beside the turns, for it hardly uses a processor."""
    yield from costs.rows(scene)
    yield from races.rows(scene)
    yield from outages.rows(scene)
    if scene.quick:
        yield from turns.rows(scene)
        yield from days.rows(scene)
        return
    yield sharing.dear_call(scene)
    with crew(4, 8) as others:
        minute, shared = races.begin_minute(scene), sharing.begin_shared(replace(scene, crew=others))
        yield from turns.rows(scene)
        yield from days.rows(scene)
        yield shared()
        yield minute()


if __name__ == "__main__":
    sys.exit(main("--quick" in sys.argv))
