"""Text lines of a file, each with its length in the file's own bytes: what makes a row's end a place to resume."""

import io
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain

from orchestrator.job.errors import Invalid
from orchestrator.results.inputs.encoding import Encoding

LONGEST_LINE = 64 << 20  # bytes; a file without line ends must not fill the memory


class TextLines:
    """Iterates over lines, line ends kept; `lengths` and `bad` run ahead of the lines by at most one block."""

    def __init__(self, blocks: Iterable[bytes], encoding: Encoding) -> None:
        self._blocks = blocks
        self._encoding = encoding
        self._count = 0
        self.lengths: deque[int] = deque()  # bytes of each line not yet taken off by the reader
        self.bad: set[int] = set()  # numbers, from 1, of lines with bytes that stand for nothing

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(map(self._decoded, self._whole()))

    def _whole(self) -> Iterator[bytes]:
        carry: list[bytes] = []
        held = 0
        for block in self._blocks:
            carry.append(block)
            held += len(block)
            raw = b"".join(carry)
            end = self._last_line_end(raw)
            if end:
                yield raw[:end]
            elif held > LONGEST_LINE:
                raise Invalid("file", f"a line is longer than {LONGEST_LINE >> 20} MiB", "", code="line_too_long")
            carry = [raw[end:]] if end < len(raw) else []
            held = len(raw) - end
        if carry:
            yield b"".join(carry)

    def _last_line_end(self, raw: bytes) -> int:
        newline, unit = self._encoding.newline, self._encoding.unit
        at = raw.rfind(newline)
        while at > 0 and at % unit:  # half of one character and half of the next
            at = raw.rfind(newline, 0, at + unit - 1)
        return at + unit if at >= 0 else 0

    def _decoded(self, raw: bytes) -> list[str]:
        if self._encoding.unit == 1:
            return self._of_bytes(raw)
        return self._of_pairs(raw)

    def _of_bytes(self, raw: bytes) -> list[str]:
        raw_lines = io.BytesIO(raw).readlines()
        self.lengths.extend(map(len, raw_lines))
        try:
            decoded = io.StringIO(raw.decode(self._encoding.name), newline="\n").readlines()
        except UnicodeDecodeError:
            decoded = [self._lenient(line, number) for number, line in enumerate(raw_lines, self._count + 1)]
        self._count += len(raw_lines)
        return decoded

    def _lenient(self, line: bytes, number: int) -> str:
        try:
            return line.decode(self._encoding.name)
        except UnicodeDecodeError:
            self.bad.add(number)
            return line.decode(self._encoding.name, "replace")

    def _of_pairs(self, raw: bytes) -> list[str]:
        name = self._encoding.name
        odd = len(raw) % 2  # a file cut off within a character
        text = raw[: len(raw) - odd].decode(name, "surrogatepass")
        decoded = io.StringIO(text, newline="\n").readlines() or [""]
        self.lengths.extend(len(line.encode(name, "surrogatepass")) for line in decoded)
        self.lengths[-1] += odd
        self.bad.update(n for n, line in enumerate(decoded, self._count + 1) if _has_surrogate(line))
        self._count += len(decoded)
        if odd:
            self.bad.add(self._count)
        return decoded


def _has_surrogate(line: str) -> bool:
    try:
        line.encode()
    except UnicodeEncodeError:
        return True
    return False
