"""A quick look at a user's file when it arrives, so that a broken one is refused before anything is created."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from orchestrator.job.errors import Invalid
from orchestrator.results.inputs.encoding import encoding_of
from orchestrator.results.inputs.reader import DELIMITERS, first_block, format_of, open_input, sniff
from orchestrator.results.inputs.row import InputReader, InputRow
from orchestrator.results.objects import ObjectStore

LOOK_AT = 100  # rows; a wrong delimiter or encoding shows at once
TAIL = 256  # bytes; blanks after a closing bracket are few


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What was understood of a file."""

    format: str  # csv | json | jsonl | zip
    encoding: str
    columns: Sequence[str]  # of a CSV
    first: Sequence[InputRow]  # up to LOOK_AT rows, bad ones included


def inspect(
    objects: ObjectStore,
    key: str,
    format: str | None = None,
    *,
    encoding: str | None = None,
    delimiter: str = ",",
    blanks: str = "ignore",
) -> Inspection:
    """Read the header and the first rows; `format` None is guessed.

    Raises Invalid if the file is empty, is of another format, is broken within the first rows, or has no good row
    among them. A few bad rows are no reason: each is booked when its turn comes.
    """
    found = _format(objects, key, format)
    reader = open_input(objects, key, found, encoding=encoding, delimiter=delimiter, blanks=blanks)
    first = tuple(islice(reader.rows(), LOOK_AT))
    _check_rows(first)
    if found == "csv":
        _check_delimiter(reader)
    if found == "json":
        _check_end(objects, key)
    return Inspection(format=found, encoding=reader.encoding, columns=reader.columns, first=first)


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
