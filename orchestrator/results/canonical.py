"""One spelling for a record, so that a vendor's echo is recognised however it orders keys and writes values."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

SAFE_INTEGER = 2**53  # up to here every whole float is exactly one integer


def _number(text: str) -> int | float:
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < SAFE_INTEGER else value


_decoder = msgspec.json.Decoder(float_hook=_number)
_encoder = msgspec.json.Encoder(order="sorted")

Record = bytes | Mapping[str, Any]


def canonical(record: Record) -> bytes:
    """Return the record (a mapping, or JSON) as compact UTF-8 JSON with sorted keys.

    Equal records give equal bytes: `1.0` is `1`, an escape is its character. Raises ValueError if it is no JSON.
    """
    if not isinstance(record, bytes):
        record = _encoder.encode(record)
    return _encoder.encode(_decoder.decode(record))


def canonical_hash(record: Record) -> int:
    """Return 64 bits of BLAKE2b over the canonical record."""
    return int.from_bytes(hashlib.blake2b(canonical(record), digest_size=8).digest(), "little")
