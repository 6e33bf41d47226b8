"""The object store: a directory, a bucket, or memory, behind a few verbs; the only home of obstore.

https://developmentseed.org/obstore/
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Self, TypeVar
from urllib.parse import unquote, urlsplit

import obstore
from obstore import exceptions
from obstore.store import LocalStore, MemoryStore, from_url

from orchestrator.job.errors import Invalid
from orchestrator.results.durable import Durability
from orchestrator.results.errors import ObjectExists, ObjectMissing, ObjectStoreDown

BLOCK = 1 << 20  # bytes; large enough that the calls do not show, small beside 16 MiB parts
WRITER_BUFFER = 8 << 20  # bytes of one multipart piece; 10,000 pieces (S3's most) make 80 GB
BUCKETS = frozenset({"s3", "gs", "az"})  # obstore panics on what it does not know, so we ask first

T = TypeVar("T")
Body = bytes | bytearray | memoryview
Backend = LocalStore | MemoryStore | obstore.store.ObjectStore


class ObjectInfo(NamedTuple):
    """An object as a listing shows it; `modified` is the store's own clock, in UTC."""

    key: str
    size: int
    modified: datetime


class ObjectWriter:
    """An object being written; it appears whole when its `with` block ends well, and not at all otherwise."""

    def __init__(self, key: str, inner: "obstore.WritableFile") -> None:
        self._key = key
        self._inner = inner
        self.size = 0

    def write(self, data: Body) -> None:
        """Append `data`; holds at most one multipart piece in memory."""
        with _translated(self._key):
            self._inner.write(data)
        self.size += len(data)


class ObjectStore:
    """Objects by key. Every method raises ObjectStoreDown in an outage."""

    def __init__(self, backend: Backend, durability: Durability | None = None) -> None:
        self._backend = backend
        self._durability = durability

    @classmethod
    def open(cls, url: str) -> Self:
        """Open `file:///dir` (made if absent), `memory://` (new and empty), `s3://`, `gs://` or `az://` bucket/prefix.

        Buckets take credentials and endpoint from their SDKs' usual environment. Raises Invalid for anything else.
        """
        scheme = urlsplit(url).scheme
        if scheme == "file":
            return cls._directory(Path(unquote(urlsplit(url).path)))
        if scheme == "memory":
            return cls(MemoryStore())
        if scheme in BUCKETS and not urlsplit(url).query:
            return cls(_bucket(url))
        raise Invalid("store url", f"cannot open {scheme or 'it'}", "use file:///dir, s3://, gs:// or az://")

    @classmethod
    def _directory(cls, root: Path) -> Self:
        if not root.is_absolute():
            raise Invalid("store url", "the directory is not absolute", "write file:///absolute/path")
        root.mkdir(parents=True, exist_ok=True)
        return cls(LocalStore(root), Durability(root.resolve()))

    def put_new(self, key: str, *data: Body) -> None:
        """Write the object, create-only; it survives a power failure once this returns. Pieces are not joined before.

        Raises ObjectExists if other bytes are there. The same bytes are a put of ours whose answer was lost.
        """
        with _translated(key):
            try:
                obstore.put(self._backend, key, iter(data), mode="create", use_multipart=False)
            except exceptions.AlreadyExistsError:
                if self.get(key) != b"".join(data):
                    raise ObjectExists(key) from None
            self._secure(key)

    @contextmanager
    def writer(self, key: str) -> Iterator[ObjectWriter]:
        """Write an object of unknown size; an exception in the block leaves nothing behind. Overwrites."""
        with _translated(key):
            inner = obstore.open_writer(self._backend, key, buffer_size=WRITER_BUFFER, max_concurrency=2)
        with ExitStack() as abort:
            abort.push(inner)
            yield ObjectWriter(key, inner)
            abort.pop_all()
        with _translated(key):
            inner.close()
            self._secure(key)

    def get(self, key: str) -> bytes:
        """Return the whole object. Raises ObjectMissing."""
        with _translated(key):
            return bytes(obstore.get(self._backend, key).bytes())

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """Return up to `length` bytes from `start`, fewer at the end. Raises ObjectMissing."""
        length = min(length, self.size(key) - start)
        if length <= 0:
            return b""
        with _translated(key):
            return bytes(obstore.get_range(self._backend, key, start=start, length=length))

    def stream(self, key: str, offset: int = 0, block: int = BLOCK) -> Iterator[bytes]:
        """Yield the object from `offset` in blocks of about `block` bytes. Raises ObjectMissing."""
        if offset and offset >= self.size(key):
            return
        with _translated(key):
            answer = obstore.get(self._backend, key, options={"range": {"offset": offset}} if offset else None)
        for piece in _guarded(key, iter(answer.stream(min_chunk_size=block))):
            yield bytes(piece)

    def size(self, key: str) -> int:
        """Return the object's size in bytes. Raises ObjectMissing."""
        with _translated(key):
            return obstore.head(self._backend, key)["size"]

    def exists(self, key: str) -> bool:
        """Whether there is an object under the key."""
        try:
            self.size(key)
        except ObjectMissing:
            return False
        return True

    def delete(self, key: str) -> None:
        """Make sure that there is no object under the key."""
        try:
            with _translated(key):
                obstore.delete(self._backend, key)
        except ObjectMissing:
            return

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield what is stored under `prefix`, which ends at a slash: `jobs/4` does not list `jobs/42/…`."""
        with _translated(prefix):
            batches = iter(obstore.list(self._backend, prefix, chunk_size=1000))
        for batch in _guarded(prefix, batches):
            for meta in batch:
                yield ObjectInfo(meta["path"], meta["size"], meta["last_modified"])

    def _secure(self, key: str) -> None:
        if self._durability is not None:
            self._durability.secure(key)


def _bucket(url: str) -> Backend:
    try:
        return from_url(url)
    except (exceptions.BaseError, ValueError) as error:
        raise Invalid("store url", _first_line(error), "check the bucket's name and the SDK's environment") from None


def _guarded(key: str, items: Iterator[T]) -> Iterator[T]:
    while True:
        with _translated(key):
            item = next(items, None)
        if item is None:
            return
        yield item


@contextmanager
def _translated(key: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, exceptions.NotFoundError):
        raise ObjectMissing(key) from None
    except (exceptions.BaseError, OSError) as error:
        raise ObjectStoreDown(key, _first_line(error)) from error


def _first_line(error: Exception) -> str:
    """The cause without obstore's debug dump, which may show requests."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
