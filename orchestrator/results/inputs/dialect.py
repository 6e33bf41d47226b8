"""How a CSV file was written, seen from its first lines: spreadsheets of half the world separate by semicolons."""

import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from orchestrator.results.inputs.encoding import Encoding
from orchestrator.results.inputs.reader import DELIMITERS

HEAD = 1 << 16  # bytes looked at
ROWS = 20  # records looked at
COMMA = "COMMA"


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """The delimiter's word, and how lines end: LF or CRLF."""

    delimiter: str
    line_ending: str


def dialect_of(first: bytes, encoding: Encoding) -> Dialect:
    """Return how a file that begins so was written.

    The delimiter is the one that cuts the first rows into as many cells as the header, and the most of them; a comma
    where none does.
    """
    text = first[encoding.bom : encoding.bom + HEAD - HEAD % encoding.unit].decode(encoding.name, "replace")
    whole = text if len(first) < HEAD else text[: text.rfind("\n") + 1]
    words = sorted(DELIMITERS, key=lambda word: _fitness(whole, DELIMITERS[word]), reverse=True)
    best = words[0] if _fitness(whole, DELIMITERS[words[0]]) > _fitness(whole, DELIMITERS[COMMA]) else COMMA
    return Dialect(delimiter=best, line_ending="CRLF" if "\r\n" in text else "LF")


def _fitness(text: str, delimiter: str) -> tuple[int, int]:
    """Return how many rows are as wide as the header, and how wide that is; (0, 0) for a header of one column."""
    rows = list(islice(_rows(text, delimiter), ROWS))
    if not rows or len(rows[0]) < 2:
        return 0, 0
    return sum(len(row) == len(rows[0]) for row in rows), len(rows[0])


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    with suppress(csv.Error):  # a delimiter that is none leaves quotes in the middle of cells
        yield from filter(None, csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
