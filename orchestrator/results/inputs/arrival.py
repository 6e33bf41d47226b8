"""Unpacks a file while it arrives: gzip and Zstandard, known by their first bytes."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Protocol

import zstandard

from orchestrator.job.errors import Invalid

GZIP_SLICE = 16 << 10  # bytes fed at once; at gzip's best ratio of about 1,000 they give 16 MiB
ZSTD_SLICE = 1 << 10  # bytes fed at once; Zstandard packs 128 KiB of one byte into four, so 1 KiB gives up to 32 MiB

_MAGICS = 4  # bytes, the longer of the two


class _Frame(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


def decompressing(blocks: Iterable[bytes], largest: int | None = None) -> Iterator[bytes]:
    """Yield the file's own bytes: unpacked if it is gzip (RFC 1952) or Zstandard (RFC 8878), else unchanged.

    Memory stays flat. Raises Invalid: `broken_compression` if the packed file is damaged or cut off, `too_large` if
    more than `largest` bytes come out.
    """
    source = iter(blocks)
    head = b""
    while len(head) < _MAGICS and (block := next(source, None)) is not None:
        head += block
    passed = 0
    for block in _unpacked(head, chain((head,), source)):
        passed += len(block)
        if largest is not None and passed > largest:
            raise Invalid("file", f"it is larger than {largest} bytes", "split it", code="too_large")
        yield block


def _unpacked(head: bytes, blocks: Iterable[bytes]) -> Iterator[bytes]:
    if head.startswith(b"\x1f\x8b"):
        return _frames(blocks, lambda: zlib.decompressobj(wbits=31), GZIP_SLICE)
    if head.startswith(zstandard.FRAME_HEADER):
        return _frames(blocks, lambda: zstandard.ZstdDecompressor().decompressobj(), ZSTD_SLICE)
    return iter(blocks)


def _frames(blocks: Iterable[bytes], new: Callable[[], _Frame], slice_size: int) -> Iterator[bytes]:
    frame: _Frame | None = None
    for data in _slices(blocks, slice_size):
        while data:
            frame = frame or new()
            if output := _decompress(frame, data):
                yield output
            data = frame.unused_data if frame.eof else b""  # noqa: PLW2901 - the next frame begins in this slice
            frame = None if frame.eof else frame
    if frame is not None:
        raise Invalid("file", "the packed file is cut off", "send it again", code="broken_compression")


def _slices(blocks: Iterable[bytes], size: int) -> Iterator[bytes]:
    for block in blocks:
        for at in range(0, len(block), size):
            yield block[at : at + size]


def _decompress(frame: _Frame, data: bytes) -> bytes:
    try:
        return frame.decompress(data)
    except (zlib.error, zstandard.ZstdError):
        raise Invalid(
            "file", "the packed file is damaged", "pack and send it again", code="broken_compression"
        ) from None
