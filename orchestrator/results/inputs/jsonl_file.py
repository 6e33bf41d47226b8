"""JSONL: one object a line (https://jsonlines.org)."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from orchestrator.results.inputs.encoding import Encoding
from orchestrator.results.inputs.row import InputRow, RowProblem
from orchestrator.results.inputs.text_lines import TextLines
from orchestrator.results.objects import ObjectStore

_objects_only = msgspec.json.Decoder(dict[str, Any])

BLANK = "\ufeff \t\r\n"


def parse_object(text: str | bytes) -> dict[str, Any] | RowProblem:
    """Return the JSON object, or say what is wrong with it."""
    try:
        return _objects_only.decode(text)
    except UnicodeError:  # its own text would show the record
        return RowProblem(code="undecodable", message="it holds bytes that stand for no character")
    except (msgspec.DecodeError, RecursionError) as error:
        return RowProblem(code="bad_json", message=str(error))


class JsonlFile:
    """A file of JSON objects, one a line."""

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
        """Yield the rows after row number `row`, which ended at `offset`."""
        at = offset or self._encoding.bom
        lines = TextLines(self._objects.stream(self._key, at), self._encoding)
        for index, line in enumerate(lines, 1):
            at += lines.lengths.popleft()
            text = line.strip(BLANK)
            if not text:
                continue
            row += 1
            yield self._row(row, at, text, index in lines.bad)

    def _row(self, number: int, end: int, text: str, bad: bool) -> InputRow:
        if bad:
            problem = RowProblem(code="undecodable", message=f"it holds bytes that are no {self.encoding} text")
            return InputRow(number=number, offset_after=end, values=None, problem=problem)
        return row_of(number, end, parse_object(text))


def row_of(number: int, end: int, parsed: dict[str, Any] | RowProblem) -> InputRow:
    """Make a row of what `parse_object` returned."""
    if isinstance(parsed, RowProblem):
        return InputRow(number=number, offset_after=end, values=None, problem=parsed)
    return InputRow(number=number, offset_after=end, values=parsed)
