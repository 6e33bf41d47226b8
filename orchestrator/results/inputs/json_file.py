"""A JSON array of objects, read element by element: a file of any size takes the memory of its largest element."""

import codecs
import json
import re
from collections.abc import Iterator, Sequence

from orchestrator.job.errors import Invalid
from orchestrator.results.inputs.encoding import Encoding
from orchestrator.results.inputs.jsonl_file import parse_object, row_of
from orchestrator.results.inputs.row import InputRow
from orchestrator.results.objects import ObjectStore

LARGEST_ELEMENT = 16 << 20  # characters; what has no end within them is broken, not large

_NOT_BLANK = re.compile(r"[^ \t\r\n]|\Z")
_boundary = json.JSONDecoder()  # its C scanner tells where a value ends; msgspec reads the value


class JsonFile:
    """A file that is one JSON array of objects."""

    columns: Sequence[str] = ()

    def __init__(self, objects: ObjectStore, key: str, encoding: Encoding) -> None:
        self._objects = objects
        self._key = key
        self._encoding = encoding

    @property
    def encoding(self) -> str:
        """How the file is read."""
        return self._encoding.name

    def rows(self, offset: int = 0, row: int = 0) -> Iterator[InputRow]:
        """Yield the rows after row number `row`, which ended at `offset`.

        Raises Invalid (`broken_json`) where the array is broken: what follows cannot be found then.
        """
        at = offset or self._encoding.bom
        window = _Window(self._objects.stream(self._key, at), self._encoding, at)
        first = not offset
        if first:
            window.expect("[", row)
        while window.next() != "]":
            row += 1
            if not first:
                window.expect(",", row)
            first = False
            element = window.element(row)
            yield row_of(row, window.at, parse_object(element))
        window.expect("]", row)
        if window.next():
            raise _broken(row, "something follows the closing ]")


class _Window:
    """A stretch of the text that moves on, and knows which byte of the file it has come to."""

    def __init__(self, blocks: Iterator[bytes], encoding: Encoding, at: int) -> None:
        self._blocks = blocks
        self._name = encoding.name
        self._unit = encoding.unit
        self._errors = "surrogateescape" if encoding.unit == 1 else "surrogatepass"
        self._decoder = codecs.getincrementaldecoder(encoding.name)(self._errors)
        self._text = ""
        self._start = 0  # of what is not yet taken
        self.at = at

    def next(self) -> str:
        """Pass over blanks; return the next character without taking it, '' at the end of the file."""
        while True:
            found = _NOT_BLANK.search(self._text, self._start)
            assert found is not None  # the text's end matches too
            self._take(found.start())
            if found.group() or not self._more():
                return found.group()

    def expect(self, character: str, row: int) -> None:
        """Take `character`, after blanks; raise Invalid where another stands or the file ends."""
        found = self.next()
        if found != character:
            raise _broken(row, f"{character} is missing" if found else "the file ends within the array")
        self._take(self._start + 1)

    def element(self, row: int) -> str:
        """Take one whole value; raise Invalid if there is none."""
        if not self.next():
            raise _broken(row, "the file ends within the array")
        while True:
            try:
                end = _boundary.raw_decode(self._text, self._start)[1]
                if end < len(self._text) or not self._more():
                    return self._take(end)
            except (json.JSONDecodeError, RecursionError) as error:
                if len(self._text) - self._start > LARGEST_ELEMENT or not self._more():
                    raise _broken(row, type(error).__name__) from None

    def _more(self) -> bool:
        block = next(self._blocks, None)
        if block is None:
            return False
        self._text = self._text[self._start :] + self._decoder.decode(block)
        self._start = 0
        return True

    def _take(self, end: int) -> str:
        passed = self._text[self._start : end]
        self._start = end
        self.at += len(passed) * self._unit if passed.isascii() else len(passed.encode(self._name, self._errors))
        return passed


def _broken(row: int, problem: str) -> Invalid:
    advice = "send one array of objects, or one object a line as JSONL"
    return Invalid("file", f"row {row}: {problem}" if row else problem, advice, code="broken_json")
