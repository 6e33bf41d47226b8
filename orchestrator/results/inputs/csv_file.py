"""CSV (RFC 4180) as people's tools write it: line breaks inside cells, byte order marks, rows of the wrong length."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orchestrator.job.errors import Invalid
from orchestrator.results.inputs.encoding import Encoding
from orchestrator.results.inputs.row import InputRow, RowProblem
from orchestrator.results.inputs.text_lines import TextLines
from orchestrator.results.objects import ObjectStore

LARGEST_CELL = 10 << 20  # characters; an unclosed quote must not swallow a whole file into memory

ADVICE = "mend them, or name the encoding of the file"  # where bytes stand for no character
_HEADER_ADVICE = "give each column of the first line a name of its own"


class CsvFile:
    """A CSV file with a header; cells are text."""

    def __init__(self, objects: ObjectStore, key: str, encoding: Encoding, delimiter: str, blanks: str) -> None:
        self._objects = objects
        self._key = key
        self._encoding = encoding
        self._delimiter = delimiter
        self._values = _clearing if blanks == "clear" else _ignoring
        csv.field_size_limit(LARGEST_CELL)
        self.columns, self._first = self._header()

    @property
    def encoding(self) -> str:
        """How the file is read."""
        return self._encoding.name

    def rows(self, offset: int = 0, row: int = 0) -> Iterator[InputRow]:
        """Yield the rows after row number `row`, which ended at `offset`."""
        for end, cells, problem in self._records(offset or self._first):
            if cells or problem:
                row += 1
                yield self._row(row, end, cells, problem)

    def _row(self, number: int, end: int, cells: list[str], problem: RowProblem | None) -> InputRow:
        if problem is None and len(cells) == len(self.columns):
            values = self._values(self.columns, cells)
            if values:
                return InputRow(number=number, offset_after=end, values=values)
            problem = RowProblem(code="empty_row", message="every cell is empty")
        problem = problem or self._wrong_length(len(cells))
        return InputRow(number=number, offset_after=end, values=None, problem=problem, cells=cells)

    def _wrong_length(self, found: int) -> RowProblem:
        code = "too_many_cells" if found > len(self.columns) else "too_few_cells"
        return RowProblem(code=code, message=f"{found} cells where the header has {len(self.columns)}")

    def _header(self) -> tuple[Sequence[str], int]:
        for end, cells, problem in self._records(self._encoding.bom):
            if problem is not None:
                raise Invalid("file", f"the header: {problem.message}", _HEADER_ADVICE, code="bad_csv_header")
            if cells:
                return _checked_header([cell.strip() for cell in cells]), end
        raise Invalid("file", "it is empty", "send a header and at least one row", code="empty_file")

    def _records(self, at: int) -> Iterator[tuple[int, list[str], RowProblem | None]]:
        """Yield (end offset, cells, problem) of each record from byte `at` on; a blank line has no cells."""
        lines = TextLines(self._objects.stream(self._key, at), self._encoding)
        parser = csv.reader(lines, delimiter=self._delimiter, strict=True)
        take_length, bad = lines.lengths.popleft, lines.bad
        seen = 0
        while True:
            problem = None
            try:
                cells = next(parser)
            except StopIteration:
                return
            except csv.Error as error:
                cells, problem = [], _broken(error, parser.line_num - seen)
            consumed = parser.line_num
            if bad and not bad.isdisjoint(range(seen + 1, consumed + 1)):
                problem = _undecodable(self._encoding)
            while seen < consumed:
                at += take_length()
                seen += 1
            yield at, cells, problem


def _ignoring(columns: Sequence[str], cells: Sequence[str]) -> Mapping[str, Any]:
    return {column: cell for column, cell in zip(columns, cells, strict=True) if cell}


def _clearing(columns: Sequence[str], cells: Sequence[str]) -> Mapping[str, Any]:
    return {column: cell or None for column, cell in zip(columns, cells, strict=True)}


def _checked_header(names: list[str]) -> Sequence[str]:
    if "" in names:
        raise _bad_header(f"column {names.index('') + 1} has no name", _HEADER_ADVICE)
    for index, name in enumerate(names):
        if name in names[:index]:
            raise _bad_header(f"the column {name} is there twice", _HEADER_ADVICE)
    return tuple(names)


def _bad_header(problem: str, advice: str) -> Invalid:
    return Invalid("file", problem, advice, code="bad_csv_header")


def _broken(error: csv.Error, lines: int) -> RowProblem:
    return RowProblem(code="broken_csv", message=f"{error}, over {lines} line(s); is a quote not closed?")


def _undecodable(encoding: Encoding) -> RowProblem:
    return RowProblem(code="undecodable", message=f"it holds bytes that are no {encoding.name} text; {ADVICE}")
