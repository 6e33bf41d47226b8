"""Reads the rows of a batch in any of its formats, as cells under one header."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

from orchestrator.sandbox.salesforce.bulk1.kinds import Kind, Rows
from orchestrator.sandbox.salesforce.bulk1.speech import INSTANCE, json_rows, local, parsed
from orchestrator.sandbox.salesforce.bulk1.zips import Bundle, Unusable, opened
from orchestrator.sandbox.salesforce.loading import NULL
from orchestrator.sandbox.salesforce.text import Unreadable, measured
from orchestrator.sandbox.salesforce.text import parsed as csv_rows

NIL = f"{{{INSTANCE}}}nil"
TRUE = ("true", "1")
MOST_ROWS = 10_000
MOST_CHARACTERS = 10_000_000
MOST_FIELDS = 5_000
LONGEST_CELL = 131_072  # characters; 32,000 of older releases
LONGEST_ROW = 400_000  # characters

Cells = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A batch, read."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    bundle: Bundle | None = None


def read(kind: Kind, body: bytes) -> Upload:
    """Return the rows of a batch; raises Unreadable where the batch as a whole cannot be taken."""
    try:
        bundle = opened(body) if kind.zipped else None
    except Unusable as error:
        raise Unreadable(f"InvalidBatch : {error}") from error
    rows = body if bundle is None else bundle.manifest
    try:
        header, cells = _table(kind.rows, rows)
    except (ValueError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"InvalidBatch : the records could not be read: {error}") from error
    if len(cells) > MOST_ROWS:
        raise Unreadable(f"InvalidBatch : Records exceeded limit of {MOST_ROWS}")
    return Upload(header=header, rows=cells, bundle=bundle)


def _table(rows: Rows, body: bytes) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    if rows is Rows.CSV:
        text = body.decode("utf-8-sig")
        header, _ = measured(text, ",")
        return header, list(csv_rows(text, ","))[1:]
    records = [_xml_cells(each) for each in _records(body)] if rows is Rows.XML else _json_records(body)
    header = list(dict.fromkeys(name for record in records for name in record))
    for record in records:
        _check(record)
    return header, [[record.get(name, "") for name in header] for record in records]


def _check(record: Cells) -> None:
    lengths = [len(text) for text in record.values()]
    if len(lengths) > MOST_FIELDS or sum(lengths) > LONGEST_ROW or max(lengths, default=0) > LONGEST_CELL:
        raise ValueError("a record is too large")


def _records(body: bytes) -> list[Element]:
    root = parsed(body)
    if local(root.tag) != "sObjects" or any(local(each.tag) != "sObject" for each in root):
        raise ValueError("sObjects with an sObject for each record are expected")
    return list(root)


def _xml_cells(record: Element) -> Cells:
    return dict(_xml_pairs(record))


def _xml_pairs(record: Element) -> Iterable[tuple[str, str]]:
    for field in record:
        parent = next((each for each in field if local(each.tag) == "sObject"), None)
        if parent is None:
            yield local(field.tag), NULL if field.get(NIL) in TRUE else field.text or ""
            continue
        kind = next((each.text for each in parent if local(each.tag) == "type"), None)
        for name, text in _xml_pairs(parent):
            if name != "type":
                yield _path(kind, local(field.tag), name), text


def _path(kind: Any, relationship: str, name: str) -> str:
    return f"{kind}:{relationship}.{name}" if kind else f"{relationship}.{name}"


def _json_records(body: bytes) -> list[Cells]:
    records = json_rows(body)
    if not all(isinstance(record, dict) for record in records):
        raise ValueError("a record is no object")
    return [dict(_json_pairs(record)) for record in records]


def _json_pairs(record: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, value in record.items():
        if isinstance(value, dict) and name != "attributes":
            kind = value.get("attributes", {}).get("type")
            for field, text in _json_pairs(value):
                yield _path(kind, name, field), text
        elif name != "attributes":
            yield name, _json_text(value)


def _json_text(value: Any) -> str:
    if value is None:
        return NULL
    return str(value).lower() if isinstance(value, bool) else str(value)
