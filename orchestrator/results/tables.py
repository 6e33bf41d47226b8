"""Parts that are CSV as the vendor sent it, so that a result wanted as CSV is never parsed on its way through.

Each begins with its header line, and its cells are text: an empty one is null.
"""

import csv
import io
from collections.abc import Iterator
from itertools import islice

import msgspec

from orchestrator.job.chunk import Part
from orchestrator.results.errors import Damaged

BATCH = 2_000  # rows decoded at once

_encoder = msgspec.json.Encoder()


def is_table(part: Part) -> bool:
    """Whether a part is CSV."""
    return part.object_key.endswith(".csv")


def divided(body: bytes) -> tuple[bytes, memoryview]:
    """Return the header line with its end, and the rows."""
    end = body.index(b"\n") + 1
    return body[:end], memoryview(body)[end:]


def as_jsonl(body: bytes, name: str) -> Iterator[bytes]:
    """Yield the records of a part as JSONL, in blocks. Raises Damaged."""
    rows = _records(body, name)
    while batch := list(islice(rows, BATCH)):
        yield _encoder.encode_lines(batch)


def records(body: bytes, name: str) -> Iterator[bytes]:
    """Yield the records of a part as JSON, one by one. Raises Damaged."""
    return map(_encoder.encode, _records(body, name))


def texts(header: bytes, rows: bytes) -> Iterator[tuple[dict[str, str], bytes]]:
    """Yield each row of a CSV, by column and as it is written; `header` is its first line. Raises ValueError."""
    taken: list[str] = []
    source = io.StringIO((header + rows).decode(), newline="")  # as csv counts lines: \n, \r and \r\n end one
    reader = csv.reader((taken.append(line) or line for line in source), strict=True)  # type: ignore[func-returns-value]
    columns = next(reader)
    taken.clear()
    for row in reader:
        yield dict(zip(columns, row, strict=True)), "".join(taken).encode()
        taken.clear()


def _records(body: bytes, name: str) -> Iterator[dict[str, str | None]]:
    try:
        rows = csv.reader(io.StringIO(body.decode(), newline=""), strict=True)
        header = next(rows)
        for row in rows:
            yield {column: cell or None for column, cell in zip(header, row, strict=True)}
    except (csv.Error, ValueError) as error:
        raise Damaged(name, f"it is no CSV of its columns: {error}") from None
