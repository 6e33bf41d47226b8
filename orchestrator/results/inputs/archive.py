"""A zip in the object store: its members are read one by one, none is ever unpacked to a disk.

A zip can lie: each read is bounded by the size that is told, and checked against it and the checksum.
"""

import io
import zipfile
import zlib
from collections.abc import Mapping
from functools import cached_property

from orchestrator.job.errors import Invalid
from orchestrator.results.objects import ObjectStore

MANIFEST = "request.txt"
MAGIC = b"PK\x03\x04"
MOST_MEMBERS = 100_000  # their list is held in memory
LARGEST_MANIFEST = 64 << 20  # bytes
BLOCK = 1 << 20  # bytes read at once
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError)


class _Ranges(io.RawIOBase):
    """An object as a file that can be read from anywhere."""

    def __init__(self, objects: ObjectStore, key: str) -> None:
        self._objects = objects
        self._key = key
        self._size = objects.size(key)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        data = self._objects.get_range(self._key, self._at, len(view))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)


class Archive:
    """The members of a zip, by their paths in it."""

    def __init__(self, objects: ObjectStore, key: str) -> None:
        self._objects = objects
        self._key = key

    def size(self, path: str) -> int | None:
        """Return the unpacked size of a file in bytes; None where there is none, or its path leads out of the zip."""
        member = self._members.get(path)
        return None if member is None else member.file_size

    def read(self, path: str) -> bytes:
        """Return a file's bytes, as many as `size` told. Raises Invalid (`file`) where the zip is broken there."""
        try:
            member = self._members[path]
            with self._zip.open(member) as packed:
                return packed.read(member.file_size)  # without a number, all that is packed would be unpacked first
        except BROKEN as error:
            raise _broken(f"{path} cannot be read ({type(error).__name__})") from None

    def manifest(self) -> bytes:
        """Return the table of the zip. Raises Invalid (`file`) where there is none, or too large a one."""
        size = self.size(MANIFEST)
        if size is None:
            advice = f"put the table into {MANIFEST}, not into a folder"
            raise Invalid("file", f"there is no {MANIFEST} at the root of the zip", advice, code="bad_zip")
        if size > LARGEST_MANIFEST:
            raise Invalid("file", f"{MANIFEST} has {size} bytes unpacked", "split the upload", code="too_large")
        return self.read(MANIFEST)

    @cached_property
    def _zip(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(io.BufferedReader(_Ranges(self._objects, self._key), BLOCK))
        except BROKEN as error:
            raise _broken(f"it is no zip that can be read ({type(error).__name__})") from None

    @cached_property
    def _members(self) -> Mapping[str, zipfile.ZipInfo]:
        members = self._zip.infolist()
        if len(members) > MOST_MEMBERS:
            raise Invalid("file", f"the zip has {len(members)} files", "split the upload", code="too_large")
        return {member.filename: member for member in members if not member.is_dir() and is_inside(member.filename)}


def is_inside(path: str) -> bool:
    """Whether a path stays within the zip: relative, without `..`, backslashes or drives."""
    parts = path.split("/")
    return bool(path) and not {"", ".."} & set(parts) and "\\" not in path and ":" not in path and path.isprintable()


def _broken(problem: str) -> Invalid:
    return Invalid("file", problem, "make the zip again", code="bad_zip")
