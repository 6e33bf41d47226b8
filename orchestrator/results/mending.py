"""The rows that did not go through, in the columns of the user's own file: to be mended and sent again.

    outcome, by row ─┐
                     ├─ merged by row number ──▶ bulkhead_row, bulkhead_code, bulkhead_error, and the user's columns
    the user's file ─┘

Our columns come first, so that a row with too many cells still shows all of its own. An upload leaves them out.
"""

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec

from orchestrator.results.fates import REFUSED
from orchestrator.results.formats import cells
from orchestrator.results.inputs.encoding import Encoding
from orchestrator.results.inputs.row import InputReader, InputRow
from orchestrator.results.lines import lines

ROW, CODE, ERROR = "bulkhead_row", "bulkhead_code", "bulkhead_error"
OURS = (ROW, CODE, ERROR)
AT_ONCE = 500  # rows of one block

_BOMS = {"utf-8": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}


class Failure(msgspec.Struct, frozen=True, rename="camel"):
    """What an outcome line says of a row that did not go through."""

    id: int  # source row number; 0: the vendor told of a row that we did not send
    status: str
    error: str | None = None
    code: str = REFUSED
    retryable: bool = False
    vendor_code: str | None = None  # where the vendor has codes


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How the user's own file is written; what is to be mended is written alike."""

    encoding: Encoding
    delimiter: str


_failure = msgspec.json.Decoder(Failure)


def failures(blocks: Iterable[bytes]) -> Iterator[Failure]:
    """Yield what the outcome lines say of rows that did not go through, in their order."""
    for line in lines(blocks):
        found = _failure.decode(line)
        if found.status == "error":
            yield found


def own_values(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a row's values without the columns that we added to a file for mending."""
    if values.keys().isdisjoint(OURS):
        return values
    return {name: value for name, value in values.items() if name not in OURS}


def mending_csv(reader: InputReader, failed: Callable[[], Iterator[Failure]], dialect: Dialect) -> Iterator[bytes]:
    """Yield a CSV of the rows that failed; `failed` tells them by rising row number, and is called once or twice.

    Memory stays flat. A file that is no CSV costs a first pass, for the header.
    """
    own = _own_columns(reader, failed)
    table = _Table(reader.columns, own, dialect)
    yield table.text([[*OURS, *own]], first=True)
    rows = (table.row(failure, row) for failure, row in _joined(reader.rows(), failed()))
    while block := list(islice(rows, AT_ONCE)):
        yield table.text(block)


def _own_columns(reader: InputReader, failed: Callable[[], Iterator[Failure]]) -> Sequence[str]:
    if reader.columns:
        return [name for name in reader.columns if name not in OURS]
    keys: dict[str, None] = {}
    for _, row in _joined(reader.rows(), failed()):
        keys.update(dict.fromkeys(own_values(row.values or {})))
    return list(keys)


def _joined(rows: Iterable[InputRow], failed: Iterator[Failure]) -> Iterator[tuple[Failure, InputRow]]:
    """Pair what failed with its row; what belongs to no row is left out. The file is read up to the last of them."""
    wanted = next(failed, None)
    for row in rows:
        while wanted is not None and wanted.id < row.number:
            wanted = next(failed, None)
        if wanted is None:
            return
        if wanted.id == row.number:
            yield wanted, row


class _Table:
    def __init__(self, columns: Sequence[str], own: Sequence[str], dialect: Dialect) -> None:
        self._own = own
        self._places = [at for at, name in enumerate(columns) if name not in OURS]
        self._width = len(columns)
        self._dialect = dialect

    def row(self, failure: Failure, row: InputRow) -> list[Any]:
        ours: list[Any] = [failure.id, failure.code, failure.error]
        if row.values is not None:
            return ours + cells(row.values, self._own)
        kept = [row.cells[at] for at in self._places if at < len(row.cells)]
        return ours + kept + list(row.cells[self._width :])

    def text(self, rows: Sequence[Sequence[Any]], *, first: bool = False) -> bytes:
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=self._dialect.delimiter, lineterminator="\r\n").writerows(rows)
        encoding = self._dialect.encoding
        mark = _BOMS[encoding.name] if first and encoding.bom else b""
        return mark + out.getvalue().encode(encoding.name, "replace")
