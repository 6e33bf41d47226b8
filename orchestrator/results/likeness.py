"""What is still the same of a record that a vendor gives back written anew.

`912260031` comes back as `9.12260031E8`, names in another case, some columns empty or not at all. What remains are the
columns that came back: those whose values, as they are told, are found among the values that were sent.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from orchestrator.results.canonical import canonical

# A zero in front is no number's: codes like 007 and 7 are two. Beyond 15 digits a float is no longer exact.
NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,15})?([eE][+-]?\d{1,2})?", re.ASCII)
SAMPLE = 200  # fates that tell which columns came back

Plain = Mapping[str, str]

_record = msgspec.json.Decoder(dict[str, Any])


def worth(text: str) -> str:
    """Return a text, or a number's one spelling."""
    return repr(float(text)) if NUMBER.fullmatch(text) else text


def plain(record: bytes) -> Plain:
    """Return a record (JSON object) by names in lower case, its values as text by their worth; empty ones are left out.

    Raises ValueError where it is no object.
    """
    fields = _record.decode(record)
    return {name.casefold(): text for name, value in fields.items() if (text := _text(value))}


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return worth(value)
        case bool():
            return "true" if value else "false"
        case int() | float():
            return worth(str(value))
        case _:
            return canonical(value).decode()


def columns_back(told: Sequence[Plain], sent: Iterable[Plain]) -> tuple[str, ...]:
    """Return the columns whose values of a sample of `told` are all among those sent; reads `sent` once."""
    missing: dict[str, set[str]] = {}
    for record in told[:SAMPLE]:
        for name, text in record.items():
            missing.setdefault(name, set()).add(text)
    back = set(missing)
    for record in sent:
        for name in missing.keys() & record.keys():
            missing[name].discard(record[name])
    return tuple(sorted(name for name in back if not missing[name]))


def measure(record: Plain, columns: Sequence[str]) -> int:
    """Return a hash of these columns of a record."""
    return text_hash("\x1f".join(f"{name}={record.get(name, '')}" for name in columns))


def text_hash(text: str) -> int:
    """Return 64 bits of BLAKE2b over a text."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
