"""Supervised processes: started, logged, restarted when they die, ended in order, and never left behind.

rounds of ending:  0 api, beat, flower, workers  →  1 sandbox, Redis   (a worker's last page needs both)
"""

import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import IO

from orchestrator.embedded import guardian

log = logging.getLogger(__name__)

GRACE = timedelta(seconds=35)  # from TERM to KILL; a worker's soft shutdown takes up to 25 s
LONGEST_PAUSE_SECONDS = 30.0  # between two starts of a process that keeps dying
SETTLED_SECONDS = 30.0  # after this a process counts as healthy and its next pause is short again
LONGEST_LOG_BYTES = 50 << 20
LOOK_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class Part:
    """One process of the runtime: what compose calls a service."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    end_round: int = 0


@dataclass
class _Running:
    part: Part
    process: subprocess.Popen[bytes]
    since: float = field(default_factory=time.monotonic)
    deaths: int = 0
    again_at: float | None = None  # while it is dead: when to start it again


class Supervisor:
    """Runs parts until it is told to stop, or dies; use it through `supervised`."""

    def __init__(self, logs: Path, *, lock: int | None = None, grace: timedelta = GRACE) -> None:
        self._logs = logs
        self._lock = lock
        self._grace = grace
        self._running: list[_Running] = []
        self._guardian = self._guard()

    def start(self, part: Part) -> None:
        """Start a part; from now on it is restarted when it dies."""
        self._running.append(_Running(part, self._spawn(part)))

    def look(self) -> None:
        """Restart what has died, after a pause that doubles from half a second; call it a few times a second."""
        if self._guardian.poll() is not None:
            _close(self._guardian.stdin)
            self._guardian = self._guard()
        for each in self._running:
            self._look_at(each)
            self._shorten_log(each.part)

    def look_until(self, done: Callable[[], bool], patience: timedelta | None = None) -> bool:
        """Keep everything running until `done()`, or until `patience` is over: then the answer is False."""
        deadline = None if patience is None else time.monotonic() + patience.total_seconds()
        while not done():
            if deadline is not None and time.monotonic() > deadline:
                return False
            self.look()
            time.sleep(LOOK_SECONDS)
        return True

    def stop(self) -> None:
        """End every part, round by round: TERM, the grace, KILL. Returns when all are gone."""
        _close(self._guardian.stdin)
        while self._guardian.poll() is None:
            self._reap()
            time.sleep(LOOK_SECONDS)
        self._reap()

    def deaths(self) -> Iterator[tuple[str, int]]:
        """Give the name of each part and how often it has died since it was last healthy."""
        for each in self._running:
            yield each.part.name, each.deaths

    def pid(self, name: str) -> int:
        """Return the process id of this part as it runs now."""
        return next(each.process.pid for each in self._running if each.part.name == name)

    @property
    def guardian_pid(self) -> int:
        """Return the process id of the guardian."""
        return self._guardian.pid

    def log_of(self, name: str) -> Path:
        """Return where this part writes."""
        return self._logs / f"{name}.log"

    def _look_at(self, each: _Running) -> None:
        now = time.monotonic()
        if each.again_at is not None:
            if now >= each.again_at:
                each.process, each.since, each.again_at = self._spawn(each.part), now, None
        elif each.process.poll() is not None:
            self._tell(f"- {each.process.pid}")
            each.deaths = 1 if now - each.since > SETTLED_SECONDS else each.deaths + 1
            each.again_at = now + min(LONGEST_PAUSE_SECONDS, 0.25 * 2**each.deaths)
            log.warning("part.died", extra={"part": each.part.name, "exit": each.process.returncode})

    def _spawn(self, part: Part) -> subprocess.Popen[bytes]:
        with self.log_of(part.name).open("ab") as out:
            process = subprocess.Popen(  # noqa: S603 - our own commands
                part.command,
                env=dict(part.environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in the terminal reaches the supervisor alone
            )
        self._tell(f"+ {process.pid} {part.end_round}")
        return process

    def _guard(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(  # noqa: S603 - our own file
            [sys.executable, "-I", "-S", guardian.__file__, str(self._grace.total_seconds())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
            pass_fds=() if self._lock is None else (self._lock,),
        )
        for each in self._running:
            _write(process.stdin, f"+ {each.process.pid} {each.part.end_round}")
        return process

    def _tell(self, line: str) -> None:
        _write(self._guardian.stdin, line)

    def _reap(self) -> None:
        for each in self._running:
            each.process.poll()

    def _shorten_log(self, part: Part) -> None:
        path = self.log_of(part.name)
        if path.stat().st_size > LONGEST_LOG_BYTES:
            shutil.copyfile(path, path.with_suffix(".log.1"))
            os.truncate(path, 0)  # the part appends to the same file


@contextmanager
def supervised(logs: Path, *, lock: int | None = None, grace: timedelta = GRACE) -> Iterator[Supervisor]:
    """Give a supervisor whose parts are all gone when the block is left, however it is left."""
    supervisor = Supervisor(logs, lock=lock, grace=grace)
    try:
        yield supervisor
    finally:
        supervisor.stop()


def _close(pipe: IO[bytes] | None) -> None:
    assert pipe is not None
    pipe.close()


def _write(pipe: IO[bytes] | None, line: str) -> None:
    assert pipe is not None
    try:
        pipe.write(f"{line}\n".encode())
    except BrokenPipeError:
        log.warning("guardian.died")  # the next look starts another, which is told everything
