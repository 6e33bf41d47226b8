"""Rows of earlier results, known again: by the record's id, and by what the row was like when it was delivered last."""

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from orchestrator.results.lines import lines
from orchestrator.results.tables import texts

Versions = Mapping[str, bytes]  # id → fingerprint of the row by which the record was delivered last

FINGERPRINT = 16  # bytes: no two versions of a record are taken for one


class RowReader:
    """Tells rows of results apart by the field that is their id."""

    def __init__(self, id_field: str) -> None:
        self._field = id_field
        kind = msgspec.defstruct("Known", [("id", Any, None)], rename={"id": id_field})
        self._decode = msgspec.json.Decoder(kind).decode

    def versions(self, body: bytes, header: bytes | None) -> dict[str, bytes]:
        """Return the last version of each record of a body: JSONL, or rows of a CSV with this header."""
        return {id_: fingerprint(row) for id_, row in self.rows(body, header) if id_ is not None}

    def rows(self, body: bytes, header: bytes | None) -> Iterator[tuple[str | None, bytes]]:
        """Yield each row with its line end, and the id in it, if it has one."""
        if header is None:
            for line in lines([body]):
                yield self._id_of(line), line + b"\n"
            return
        for cells, text in texts(header, body):
            yield cells.get(self._field) or None, text

    def _id_of(self, line: bytes) -> str | None:
        found: Any = self._decode(line)
        return None if found.id is None else str(found.id)


def fingerprint(row: bytes) -> bytes:
    """Return what tells this version of a record from others."""
    return blake2b(row, digest_size=FINGERPRINT).digest()
