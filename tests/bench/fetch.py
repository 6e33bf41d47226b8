"""One download from first request to last commit, against the floor of the same run."""

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.bench.kit import Bench, bench, floor, provider

SIZES = ((100, 200_000), (1_000, 1_000_000), (10_000, 1_000_000))
ROUNDS = 3
GOAL = {100: 0.60, 1_000: 0.70, 10_000: 0.70}


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds on the clock and of this process's CPU."""
    began, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - used


def table(database_url: str | None) -> bool:
    """Print floor, ours and their ratio at each page size; return whether every goal is met."""
    met = True
    for size, records in SIZES:
        with TemporaryDirectory() as name, provider(size, records) as url, bench(Path(name), database_url) as ours:
            pairs = [_pair(ours, url, size, Path(name, "floor")) for _ in range(ROUNDS)]
        ratio = median(bare[0] / mine[0] for bare, mine in pairs)
        bare_rate, our_rate = (records / min(pair[n][0] for pair in pairs) for n in (0, 1))
        cpu = min(mine[1] for _, mine in pairs) * 1e6 / records
        met &= ratio >= GOAL[size]
        print(f"{size:>7} {bare_rate:>12,.0f} {our_rate:>12,.0f} {ratio:>8.0%} {GOAL[size]:>6.0%} {cpu:>11.1f}")
    return met


def _pair(ours: Bench, url: str, size: int, target: Path) -> tuple[tuple[float, float], tuple[float, float]]:
    """Measure the floor and ours right after each other, so that both meet the same machine."""
    bare = timed(lambda: floor(url, size, target))
    return bare, timed(lambda: ours.run(ours.download(url, size)))


def memory() -> None:
    """Print the peak memory of a process that downloads 50,000 and 1,000,000 records."""
    for records in (50_000, 1_000_000):
        command = [sys.executable, "-m", "tests.bench.fetch", "--peak", str(records)]
        peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        print(f"{records:>10,} records: peak {int(peak) / 1024:,.1f} MiB")


def peak(records: int) -> int:
    """Download so many records in pages of 1,000 and return this process's peak memory in KiB."""
    with TemporaryDirectory() as name, provider(1_000, records) as url, bench(Path(name)) as ours:
        ours.run(ours.download(url, 1_000))
    return int(resident("VmHWM") * 1024)


def resident(what: str) -> float:
    """Return this process's memory in MiB: VmRSS now, VmHWM at its peak."""
    # Not ru_maxrss: a child begins with the peak of the process that started it.
    status = Path("/proc/self/status").read_text()
    return int(re.findall(rf"{what}:\s+(\d+) kB", status)[0]) / 1024


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peak"]:
        print(peak(int(sys.argv[2])))
