"""One number per record that does not depend on how its JSON was written."""

from hashlib import blake2b

import msgspec

SAFE_INTEGER = 2**53  # up to here every whole float is exactly one integer


def _number(text: str) -> int | float:
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < SAFE_INTEGER else value


_decoder = msgspec.json.Decoder(float_hook=_number)
_encoder = msgspec.json.Encoder(order="sorted")


def canonical_hash(record: bytes | msgspec.Raw) -> int:
    """Return 64 bits of BLAKE2b (little-endian) over the record's compact JSON with sorted keys, `1.0` written `1`.

    The same definition as that of the hashes in `Posted`; a test keeps the two equal.
    """
    text = _encoder.encode(_decoder.decode(record))
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "little")
