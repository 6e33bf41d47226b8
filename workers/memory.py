"""How a worker gives memory back: parts and chunks are megabytes that live for a moment, in many threads."""

import ctypes
import ctypes.util

LARGE = 1 << 20  # bytes; what is larger is mapped, and given back to the system as soon as it is free
M_MMAP_THRESHOLD = -3  # malloc.h of glibc


def give_large_blocks_back() -> None:
    """Keep glibc from holding large blocks for later; does nothing where the C library has no such setting.

    glibc raises its threshold up to 32 MiB as large blocks are freed, so that they come from heaps that seldom shrink.
    https://man7.org/linux/man-pages/man3/mallopt.3.html
    """
    name = ctypes.util.find_library("c")
    library = ctypes.CDLL(name) if name else None
    if library is not None and hasattr(library, "mallopt"):
        library.mallopt(M_MMAP_THRESHOLD, LARGE)
