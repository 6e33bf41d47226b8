"""The folder in which `bulkhead up` keeps everything: one runtime at a time, secrets readable by their owner alone."""

import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

LOOK_SECONDS = 0.1


class HomeInUse(Exception):
    """Another process runs on this home."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"another `bulkhead up` is running in {folder}; stop it, or choose another --home")
        self.folder = folder


@dataclass(frozen=True)
class Home:
    """One home folder; its paths are absolute."""

    folder: Path

    @classmethod
    def at(cls, folder: Path) -> "Home":
        """Return the home in `folder`, made with mode 0700 where it did not exist."""
        whole = folder.expanduser().resolve()
        whole.mkdir(mode=0o700, parents=True, exist_ok=True)
        home = cls(whole)
        home.logs.mkdir(exist_ok=True)
        home.redis.mkdir(mode=0o700, exist_ok=True)
        return home

    @property
    def logs(self) -> Path:
        """Where each process writes its log."""
        return self.folder / "logs"

    @property
    def redis(self) -> Path:
        """Where the embedded server keeps its data."""
        return self.folder / "redis"

    def note(self, name: str, text: str) -> Path:
        """Write a small file that only its owner can read, whole or not at all; return its path."""
        path, fresh = self.folder / name, self.folder / f".{name}.new"
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600, exist_ok=False)
        fresh.write_text(f"{text}\n")
        fresh.replace(path)
        return path

    def noted(self, name: str) -> str | None:
        """Return what `note` wrote under this name, or None."""
        try:
            return (self.folder / name).read_text().strip()
        except FileNotFoundError:
            return None

    def secret(self, name: str, make: Callable[[], str] = secrets.token_urlsafe) -> str:
        """Return the secret of this name, made at random at the first call: 256 bit, where `make` says nothing else."""
        found = self.noted(name)
        if found:
            return found
        made = make()
        self.note(name, made)
        return made

    def forget(self, *names: str) -> None:
        """Delete notes that are no longer true."""
        for name in names:
            (self.folder / name).unlink(missing_ok=True)

    @contextmanager
    def locked(self, patience: timedelta = timedelta(seconds=10)) -> Iterator[int]:
        """Hold this home alone; gives the lock's file descriptor, which a process that inherits it holds as well.

        Raises HomeInUse after `patience`, which leaves the guardian of a killed runtime the time to tidy up.
        """
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(descriptor, self.folder, time.monotonic() + patience.total_seconds())
            yield descriptor
        finally:
            os.close(descriptor)


def _lock(descriptor: int, folder: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise HomeInUse(folder) from None
            time.sleep(LOOK_SECONDS)
        else:
            return
