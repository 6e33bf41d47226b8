"""A result in the format that was asked for, as blocks of bytes; memory stays flat whatever its size."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from orchestrator.job.chunk import Part
from orchestrator.job.criteria import FileFormat
from orchestrator.results.lines import whole_lines
from orchestrator.results.manifest import stream_records, stream_table
from orchestrator.results.objects import ObjectStore
from orchestrator.results.tables import is_table

Blocks = Iterable[bytes]

# Decimal keeps the vendor's own digits, which float would round
_records = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_nested = msgspec.json.Encoder(decimal_format="number")


def render(
    objects: ObjectStore, parts: Sequence[Part], file_format: FileFormat, fields: Sequence[str] | None = None
) -> Iterator[bytes]:
    """Yield the parts as one file of `file_format`; `fields` is the CSV's header.

    Without `fields` a CSV costs a first pass, for its header. Raises Damaged.
    """
    match file_format:
        case FileFormat.JSONL:
            return stream_records(objects, parts)
        case FileFormat.JSON:
            return json_array(stream_records(objects, parts))
        case FileFormat.CSV if parts and all(map(is_table, parts)):
            return stream_table(objects, parts)
        case FileFormat.CSV:
            header = fields or header_of(stream_records(objects, parts))
            return csv_file(stream_records(objects, parts), header)


def json_array(blocks: Blocks) -> Iterator[bytes]:
    """Turn JSONL into one JSON array (RFC 8259), a record a line; records pass unchanged."""
    yield b"["
    between = b"\n"
    for block in whole_lines(blocks):
        yield between + block.removesuffix(b"\n").replace(b"\n", b",\n")
        between = b",\n"
    yield b"\n]\n"


def header_of(blocks: Blocks) -> list[str]:
    """Return all keys of all records, in order of first appearance."""
    keys: dict[str, None] = {}
    for block in whole_lines(blocks):
        for record in _records.decode_lines(block):
            if not keys.keys() >= record.keys():
                keys.update(dict.fromkeys(record))
    return list(keys)


def csv_file(blocks: Blocks, header: Sequence[str]) -> Iterator[bytes]:
    """Turn JSONL into CSV (RFC 4180, UTF-8): null and absent are empty cells, nested values are JSON text."""
    yield _csv_text([list(header)])
    for block in whole_lines(blocks):
        yield _csv_text(cells(record, header) for record in _records.decode_lines(block))


def _csv_text(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def cells(record: Mapping[str, Any], header: Sequence[str]) -> list[Any]:
    """Return a record's values as the cells of a CSV: null and absent are empty, nested values are JSON text."""
    return [
        _AS_TEXT[value.__class__](value) if value.__class__ in _AS_TEXT else value for value in map(record.get, header)
    ]


def _json_text(value: object) -> str:
    return _nested.encode(value).decode()


_AS_TEXT: Mapping[type, Callable[[Any], str]] = {
    bool: _json_text,
    dict: _json_text,
    list: _json_text,
    Decimal: _json_text,
}
