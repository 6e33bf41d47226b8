"""Lines out of blocks: a line ends at \\n and nowhere else."""

from collections.abc import Iterable, Iterator
from itertools import chain


def whole_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in blocks that end at a line's end; a last line without one stays without one."""
    carry: list[bytes] = []
    for block in blocks:
        end = block.rfind(b"\n") + 1
        if end:
            carry.append(block[:end])
            yield b"".join(carry)
            carry = []
        if end < len(block):
            carry.append(block[end:])
    if carry:
        yield b"".join(carry)


def lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield line by line, without line ends; holds about one block."""
    return chain.from_iterable(_split(block) for block in whole_lines(blocks))


def _split(block: bytes) -> list[bytes]:
    split = block.split(b"\n")
    if not split[-1]:
        split.pop()
    return split
