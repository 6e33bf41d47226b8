"""A quick look at a user's file when it arrives, so that a broken one is refused before anything is created."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from orchestrator.job.errors import Invalid
from orchestrator.results.inputs.dialect import dialect_of
from orchestrator.results.inputs.encoding import encoding_of
from orchestrator.results.inputs.reader import DELIMITERS, delimiter_of, first_block, format_of, open_input, sniff
from orchestrator.results.inputs.row import InputReader, InputRow
from orchestrator.results.objects import ObjectStore

ENCODINGS = {"utf-8": "UTF-8", "utf-16-le": "UTF-16LE", "utf-16-be": "UTF-16BE", "cp1252": "Windows-1252"}
MOST_COLUMNS = 1_000  # that are told; more is a mistake of the file
LOOK_AT = 100  # rows; a wrong delimiter or encoding shows at once
TAIL = 256  # bytes; blanks after a closing bracket are few


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What was understood of a file."""

    format: str  # csv | json | jsonl | zip
    encoding: str
    columns: Sequence[str]  # of a CSV
    first: Sequence[InputRow]  # up to LOOK_AT rows, bad ones included
    delimiter: str | None = None  # of a CSV: COMMA, SEMICOLON, …
    line_ending: str | None = None  # of a CSV: LF or CRLF
    has_bom: bool = False

    @property
    def understood(self) -> Mapping[str, Any]:
        """What the user is told of it; nothing that stands in a row."""
        said = {
            "format": self.format,
            "encoding": ENCODINGS.get(self.encoding, self.encoding),
            "byteOrderMark": self.has_bom,
            "columnDelimiter": self.delimiter,
            "lineEnding": self.line_ending,
            "columns": list(self.columns[:MOST_COLUMNS]) if self.format == "csv" else None,
        }
        return {name: value for name, value in said.items() if value is not None}


def inspect(
    objects: ObjectStore,
    key: str,
    format: str | None = None,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    blanks: str = "ignore",
) -> Inspection:
    """Read the header and the first rows; `format`, `encoding` and `delimiter` None are guessed.

    Raises Invalid if the file is empty, is of another format, is broken within the first rows, or has no good row
    among them. A few bad rows are no reason: each is booked when its turn comes.
    """
    found = _format(objects, key, format)
    head = first_block(objects, key)
    spelled = encoding_of(head, encoding)
    dialect = dialect_of(head, spelled) if found == "csv" else None
    mark = delimiter or (dialect.delimiter if dialect else ",")
    reader = open_input(objects, key, found, encoding=encoding, delimiter=mark, blanks=blanks)
    first = tuple(islice(reader.rows(), LOOK_AT))
    _check_rows(first)
    if found == "csv":
        _check_delimiter(reader)
    if found == "json":
        _check_end(objects, key)
    return Inspection(
        format=found,
        encoding=reader.encoding,
        columns=reader.columns,
        first=first,
        delimiter=_word(mark) if dialect else None,
        line_ending=dialect.line_ending if dialect else None,
        has_bom=spelled.bom > 0,
    )


def _word(mark: str) -> str:
    character = delimiter_of(mark)
    return next(word for word, known in DELIMITERS.items() if known == character)


def _format(objects: ObjectStore, key: str, named: str | None) -> str:
    guessed = sniff(first_block(objects, key))
    if named is None:
        return guessed
    wanted = format_of(named)
    if wanted != guessed:
        problem = f"the file looks like {guessed}, not like {wanted}"
        raise Invalid("format", problem, f"set format to {guessed} or leave it out", code="wrong_format")
    return wanted


def _check_rows(first: Sequence[InputRow]) -> None:
    if not first:
        raise Invalid("file", "it holds no row", "send at least one record", code="empty_file")
    problems = [row for row in first if row.problem is not None]
    broken = next((row for row in problems if row.problem and row.problem.code == "broken_csv"), None)
    worst = broken or (problems[0] if len(problems) == len(first) else None)
    if worst is not None and worst.problem is not None:
        problem = f"row {worst.number}: {worst.problem.message}"
        raise Invalid("file", problem, "check columnDelimiter, encoding and quotes", code=worst.problem.code)


def _check_delimiter(reader: InputReader) -> None:
    if len(reader.columns) > 1:
        return
    for word, character in DELIMITERS.items():
        if character in reader.columns[0]:
            advice = f"set columnDelimiter to {word}"
            raise Invalid("file", f"its header is one column, {reader.columns[0]}", advice, code="bad_csv_header")


def _check_end(objects: ObjectStore, key: str) -> None:
    size = objects.size(key)
    end = objects.get_range(key, max(0, size - TAIL), TAIL)
    encoding = encoding_of(objects.get_range(key, 0, TAIL), None)
    if not end.rstrip(b" \t\r\n\0").endswith("]".encode(encoding.name).rstrip(b"\0")):
        raise Invalid("file", "its array is not closed", "it may have been cut off: send it again", code="broken_json")
