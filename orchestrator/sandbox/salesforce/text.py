"""CSV as uploads bring it and results show it."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence

DELIMITERS: Mapping[str, str] = {
    "COMMA": ",", "TAB": "\t", "PIPE": "|", "SEMICOLON": ";", "CARET": "^", "BACKQUOTE": "`",
}  # fmt: skip
ENDINGS: Mapping[str, str] = {"LF": "\n", "CRLF": "\r\n"}
LONGEST_CELL = 131_072  # characters
LONGEST_ROW = 400_000  # characters
LONGEST_HEADER = 32_000  # characters
MOST_FIELDS = 5_000


class Unreadable(Exception):
    """The upload as a whole is refused; the words are the job's `errorMessage`."""


def checked(body: bytes, ending: str, *, strict_inside: bool) -> str:
    """Return an upload as text; raises Unreadable where it is no UTF-8 or its lines end otherwise than was said.

    `strict_inside`: a line break of the other kind within quotes counts too.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise Unreadable(f"ClientInputError : the data is not UTF-8: byte {error.start}") from error
    if _breaks_otherwise(text, ending, strict_inside=strict_inside):
        raise Unreadable(
            f"ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {ending}"
        )
    return text


def _breaks_otherwise(text: str, ending: str, *, strict_inside: bool) -> bool:
    if ending == "LF" and "\r" not in text:
        return False
    outside = [text] if strict_inside else text.split('"')[::2]
    if ending == "LF":
        return any("\r\n" in piece for piece in outside)
    return any(re.search(r"(?<!\r)\n", piece) for piece in outside)


def parsed(text: str, delimiter: str) -> Iterator[list[str]]:
    """Yield the rows of an upload, the header first; raises csv.Error. Empty lines are no rows."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    return (row for row in rows if row)


def measured(text: str, delimiter: str) -> tuple[list[str], int]:
    """Return the header and the number of rows behind it; raises Unreadable where it cannot be read to its end."""
    rows = parsed(text, delimiter)
    try:
        header = next(rows, [])
        count = 0
        for row in rows:
            count += 1
            if len(row) > MOST_FIELDS or _is_too_long(row):
                raise Unreadable(f"ClientInputError : row {count} is too large")
    except csv.Error as error:
        raise Unreadable(f"ClientInputError : the CSV could not be read: {error}") from error
    if len(delimiter.join(header)) > LONGEST_HEADER:
        raise Unreadable("ClientInputError : the header is too long")
    return header, count


def _is_too_long(row: Sequence[str]) -> bool:
    characters = sum(map(len, row))
    return characters > LONGEST_CELL and (characters > LONGEST_ROW or max(map(len, row)) > LONGEST_CELL)


def quoted(cells: Sequence[str], delimiter: str) -> str:
    """Return a line with every cell in quotes, without its end."""
    glue = f'"{delimiter}"'
    line = glue.join(cells)
    if line.count('"') > 2 * (len(cells) - 1):
        line = glue.join([cell.replace('"', '""') if '"' in cell else cell for cell in cells])
    return f'"{line}"'


def plain(rows: Iterator[list[str]], delimiter: str) -> list[str]:
    """Return lines with quotes where they are needed, without their ends."""
    return [delimiter.join(_plain(cell, delimiter) for cell in row) for row in rows]


def _plain(cell: str, delimiter: str) -> str:
    needy = delimiter in cell or '"' in cell or "\n" in cell or "\r" in cell
    return quoted([cell], delimiter) if needy else cell


def lines(header: str, rows: Sequence[str], ending: str) -> bytes:
    """Return a file: the header, the rows, each with its end."""
    return (ending.join([header, *rows]) + ending).encode()
