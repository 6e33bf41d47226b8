"""CSV as Salesforce writes and reads it, exactly: quotes, line breaks in cells, any character of Unicode.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/datafiles_prepare_csv.htm
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

import msgspec

from orchestrator.job.errors import Misbehaved
from orchestrator.providers.salesforce.plain import is_text, plain_jsonl, rows_of
from orchestrator.providers.salesforce.wire import PROVIDER

NULL = "#N/A"  # in an upload: write null; an empty cell is ignored
BOM = b"\xef\xbb\xbf"
BATCH = 2_000  # rows decoded at once, so that a large set is never held as cells as a whole

Record = Mapping[str, str | None]

_encoder = msgspec.json.Encoder()
_raw = msgspec.json.Decoder(list[msgspec.Raw])
_record = msgspec.json.Decoder(dict[str, str | None])


class Table:
    """A result file being read; NULs, which results are known to hold and records never do, are left out."""

    def __init__(self, body: bytes) -> None:
        """Read the header. Raises Misbehaved where the file is no CSV in UTF-8, as `rows` does."""
        self._rows = self._read(body)
        self.header: Sequence[str] = next(self._rows, [])

    def rows(self) -> Iterator[list[str]]:
        """Yield the cells of each row, as many as the header has."""
        width = len(self.header)
        for row in self._rows:
            if len(row) != width:
                raise Misbehaved(PROVIDER, f"a row of {len(row)} cells where the header has {width}")
            yield row

    def _read(self, body: bytes) -> Iterator[list[str]]:
        try:
            lines = io.TextIOWrapper(io.BytesIO(body), encoding="utf-8-sig", newline="")  # decoded as it is read
            yield from filter(None, csv.reader((line.replace("\0", "") for line in lines), strict=True))
        except (csv.Error, UnicodeDecodeError) as error:
            raise Misbehaved(PROVIDER, f"a result that is no CSV in UTF-8: {error}") from None


def jsonl(body: bytes, *, without_nulls: bool = False) -> tuple[bytes | bytearray, int]:
    """Return the rows of a result as JSONL, and how many there are; an empty cell is null, for Salesforce knows no ''.

    Raises Misbehaved.
    """
    plain = None if without_nulls else plain_jsonl(body)
    if plain is not None:
        return plain
    table, out, count = Table(body), bytearray(), 0
    shape = _set_values if without_nulls else _all_values
    rows = table.rows()
    while batch := list(islice(rows, BATCH)):
        out += _encoder.encode_lines([shape(table.header, row) for row in batch])
        count += len(batch)
    return out, count


def as_sent(body: bytes) -> tuple[bytes, memoryview, int]:
    """Return a set as it is: the header line, the rows, and how many there are. Raises Misbehaved, as `jsonl` does."""
    text = body.removeprefix(BOM)
    text = text.replace(b"\0", b"") if b"\0" in text else text
    text = text if text.endswith(b"\n") else text + b"\n"
    rows = rows_of(text) if is_text(text) else None
    if rows is None:
        raise Misbehaved(PROVIDER, "a set that is no CSV in UTF-8 with rows as wide as its header")
    end = text.index(b"\n") + 1
    return text[:end], memoryview(text)[end:], rows


def _all_values(header: Sequence[str], row: Sequence[str]) -> dict[str, str | None]:
    return {name: cell or None for name, cell in zip(header, row, strict=True)}


def _set_values(header: Sequence[str], row: Sequence[str]) -> dict[str, str | None]:
    return {name: cell for name, cell in zip(header, row, strict=True) if cell}


def written(records: bytes) -> bytes:
    """Return records (a JSON array) as an upload in UTF-8 with LF; a field that a record lacks is an empty cell.

    Few of them are decoded at once: memory is that of the text.
    """
    raw = _raw.decode(records)
    header = dict.fromkeys(name for batch in _batches(raw) for record in batch for name in record)
    out = io.BytesIO()
    with io.TextIOWrapper(out, "utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(header)
        for batch in _batches(raw):
            writer.writerows(_cells(header, batch))
        text.flush()
        return out.getvalue()


def _batches(raw: Sequence[msgspec.Raw]) -> Iterator[list[Record]]:
    for start in range(0, len(raw), BATCH):
        yield [_record.decode(record) for record in raw[start : start + BATCH]]


def _cells(header: Iterable[str], records: Iterable[Record]) -> Iterator[list[str]]:
    for record in records:
        yield [NULL if (value := record.get(name, "")) is None else value for name in header]


def echoed(header: Sequence[str], row: Sequence[str]) -> dict[str, str | None]:
    """Return what was sent, from its echo in a result file: empty cells were no values, `#N/A` was null."""
    return {
        name: None if cell == NULL else cell
        for name, cell in zip(header, row, strict=True)
        if cell and not name.startswith("sf__")
    }
