"""The rows of a query, in any of the three formats, as JSON lines.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/asynch_api_bulk_query_processing.htm
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from orchestrator.job.errors import Misbehaved
from orchestrator.providers.salesforce.bulk1.markup import fields, parsed
from orchestrator.providers.salesforce.table import jsonl
from orchestrator.providers.salesforce.wire import PROVIDER

NOTHING = b"Records not found for this query"  # the whole body, where a CSV result has no rows

Lines = tuple[bytes | bytearray, int]  # JSONL, and how many lines
_encoder = msgspec.json.Encoder()


def lines(body: bytes, kind: str, *, without_nulls: bool) -> Lines:
    """Return the rows of a result as JSONL, and how many there are. Raises Misbehaved where it cannot be read."""
    return READERS[kind](body, without_nulls)


def _csv(body: bytes, without_nulls: bool) -> Lines:
    return (b"", 0) if body.strip() in (NOTHING, b"") else jsonl(body, without_nulls=without_nulls)


def _xml(body: bytes, without_nulls: bool) -> Lines:
    return _written([dict(fields(each)) for each in parsed(body)], without_nulls)


def _json(body: bytes, without_nulls: bool) -> Lines:
    try:
        rows = msgspec.json.decode(body, type=list[dict[str, Any]])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Misbehaved(PROVIDER, f"a result that is no array of records: {error}") from None
    return _written([dict(_flat(row)) for row in rows], without_nulls)


def _flat(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the fields of a record, those of a parent by their path, as the columns of a CSV result are called."""
    for name, value in row.items():
        if name == "attributes":
            continue
        if isinstance(value, dict):
            yield from ((f"{name}.{inner}", each) for inner, each in _flat(value))
        else:
            yield name, value


def _written(rows: Sequence[Mapping[str, Any]], without_nulls: bool) -> Lines:
    if without_nulls:
        rows = [{name: value for name, value in row.items() if value is not None} for row in rows]
    return _encoder.encode_lines(rows), len(rows)


READERS: Mapping[str, Callable[[bytes, bool], Lines]] = {"CSV": _csv, "JSON": _json, "XML": _xml}
