"""Makes files of a directory store survive a power failure.

A manifest row may be committed only after its object is safe; obstore's directory store writes and links but never
syncs, so that the row could outlive the bytes.
"""

import os
from pathlib import Path

KNOWN_DIRECTORIES = 10_000  # entries remembered as synced; a job has one or two


class Durability:
    """Syncs files below `root`, and the directories that name them."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._synced: set[Path] = set()

    def secure(self, key: str) -> None:
        """Return when the object's bytes and its name are on the disk; costs two fsyncs."""
        path = self._root / key
        _sync(path)
        _sync(path.parent)
        self._secure_parents(path.parent)

    def _secure_parents(self, directory: Path) -> None:
        if len(self._synced) > KNOWN_DIRECTORIES:
            self._synced.clear()
        while directory != self._root and directory not in self._synced:
            _sync(directory.parent)
            self._synced.add(directory)  # only now: another thread relies on it
            directory = directory.parent


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
