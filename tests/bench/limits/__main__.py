"""How our limits hold, judged at a provider that counts: python -m tests.bench.limits [--quick] [--only NAME ...]"""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from tests.bench.limits import costs, days, losses, outages, races, sharing, turns
from tests.bench.limits.crew import crew
from tests.bench.limits.scene import Row, Scene, a_scene

GROUPS: Mapping[str, Callable[[Scene], Iterator[Row]]] = {
    "costs": costs.rows,
    "races": races.rows,
    "outages": outages.rows,
    "losses": losses.rows,
    "turns": turns.rows,
    "days": days.rows,
    "sharing": sharing.rows,
    "minute": races.minute,
}


def main(quick: bool = False, only: Sequence[str] = ()) -> int:
    """Print the table, each line as soon as it is known; 1 where a goal is missed."""
    logging.disable(logging.WARNING)  # killed workers and refused calls are what is measured here
    print(f"\nLimits, 8 processes x 8 threads on {os.cpu_count()} processors (load {os.getloadavg()[0]:.1f})")
    missed = 0
    with a_scene(quick) as scene:
        for row in (row for name in only for row in GROUPS[name](scene)) if only else rows(scene):
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
    yield from losses.rows(scene)
    yield sharing.dear_call(scene)
    with crew(4, 8) as some, crew(2, 8) as others:
        minute, shared = races.begin_minute(scene), sharing.begin_shared(replace(scene, crew=some), sharing.RESERVED)
        long = sharing.begin_shared(replace(scene, crew=others), sharing.SALESLOFT)
        yield from turns.rows(scene)
        yield from days.rows(scene)
        yield shared()
        yield minute()
        yield sharing.begin_shared(replace(scene, crew=some), sharing.UNRESERVED)()
        yield long()


def arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure each for a short while, and leave some out")
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=(), help="measure these groups of rows alone")
    return parser.parse_args()


if __name__ == "__main__":
    asked = arguments()
    sys.exit(main(asked.quick, asked.only))
