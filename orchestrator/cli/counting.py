"""How many records a file holds, counted before anything is sent; read just as the upload reads it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.job.errors import Invalid
from orchestrator.results.inputs import inspect, open_input
from orchestrator.results.objects import ObjectStore

PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")  # gzip and Zstandard: unpacked on arrival alone


def rows_of(file: Path, body: Mapping[str, Any]) -> int | None:
    """Return how many rows a file has, by the metaData `body`; None where it is packed, or cannot be read."""
    with file.open("rb") as start:
        if start.read(4).startswith(PACKED):
            return None
    objects = ObjectStore.open(file.resolve().parent.as_uri())
    encoding, named = body.get("encoding"), body.get("columnDelimiter")
    try:
        found = inspect(objects, file.name, body.get("format"), encoding=encoding, delimiter=named)
        reader = open_input(objects, file.name, found.format, encoding=encoding, delimiter=found.delimiter or ",")
        return sum(1 for _ in reader.rows())
    except Invalid:
        return None  # the API refuses it with the reason
