"""Which fields a download reads where its criteria name none: those that its first records have."""

import csv
from collections.abc import Sequence
from itertools import chain

import msgspec

_names = msgspec.json.Decoder(dict[str, msgspec.Raw])


def fields_of(body: bytes, header: bytes | None) -> Sequence[str]:
    """Return the fields of the records of a body in their order: from its columns, or (JSONL) from all of the records.

    All, because each record may leave out what it has not (`filterNulls`).
    """
    if header is not None:
        return next(csv.reader([header.decode()]))
    records = [_names.decode(line) for line in body.split(b"\n") if line]
    return list(dict.fromkeys(chain.from_iterable(records)))
