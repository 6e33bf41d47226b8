"""Ends the processes of a supervisor, whether it asks for that or is killed.

    supervisor ── pipe ──▶ guardian        "+ 1234 0": process 1234 was started, to be ended in round 0
                                           "- 1234": it is gone

The kernel closes the pipe when the supervisor dies, however it dies. The guardian then ends every process it was told
of, round after round, and only then exits and with that lets go of the home's lock, which it holds too.
Run as a file, standard library only: it starts in 20 ms and knows nothing of the rest.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable

LOOK_SECONDS = 0.05
KILL_SECONDS = 5.0  # how long a killed process may take to vanish, for instance in a disk wait


def main() -> None:
    """Read the pipe on standard input to its end, then end what is left; argument: seconds from TERM to KILL."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    rounds = _read(sys.stdin)
    for number in sorted(set(rounds.values())):
        _end([pid for pid, mine in rounds.items() if mine == number], grace=float(sys.argv[1]))


def _read(lines: Iterable[str]) -> dict[int, int]:
    rounds: dict[int, int] = {}
    for line in lines:
        match line.split():
            case ["+", pid, number]:
                rounds[int(pid)] = int(number)
            case ["-", pid]:
                rounds.pop(int(pid), None)
    return rounds


def _end(pids: list[int], grace: float) -> None:
    _signal(pids, signal.SIGTERM)
    _signal(_wait(pids, grace), signal.SIGKILL)
    _wait(pids, KILL_SECONDS)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _wait(pids: list[int], seconds: float) -> list[int]:
    deadline = time.monotonic() + seconds
    while (left := [pid for pid in pids if _lives(pid)]) and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
    return left


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # the number belongs to somebody else by now
        return False
    return True


if __name__ == "__main__":
    main()
