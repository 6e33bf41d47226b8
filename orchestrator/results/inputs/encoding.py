"""Which characters the user's bytes stand for."""

import codecs
from dataclasses import dataclass

from orchestrator.job.errors import Invalid

GUESS_BYTES = 1 << 20  # a file whose first mebibyte is UTF-8 is taken for UTF-8

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_KNOWN = frozenset({"utf-8", "utf-16-le", "utf-16-be", "cp1252", "iso8859-1", "ascii"})
_SPELLINGS = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}  # without a byte order mark Windows means little-endian


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """An encoding of a file, and how many bytes of byte order mark stand before its text."""

    name: str
    bom: int = 0

    @property
    def unit(self) -> int:
        """Bytes of the smallest piece."""
        return 2 if self.name.startswith("utf-16") else 1

    @property
    def newline(self) -> bytes:
        """The line end as it is in the file."""
        return "\n".encode(self.name)


def encoding_of(first: bytes, named: str | None) -> Encoding:
    """Return what the byte order mark says, else the encoding the user named, else guess.

    Guessed are UTF-16 by its zeros, UTF-8, and Windows-1252 for the rest. Raises Invalid for an unknown name.
    """
    wanted = _canonical(named) if named else None
    for bom, name in _BOMS:
        if first.startswith(bom):
            return Encoding(name=name, bom=len(bom))
    return Encoding(name=wanted or _guess(first[:GUESS_BYTES]))


def _canonical(named: str) -> str:
    try:
        name = codecs.lookup(named).name
    except LookupError:
        name = named
    name = _SPELLINGS.get(name, name)
    if name not in _KNOWN:
        raise Invalid("encoding", f"{named} is not known", "use UTF-8, UTF-16 or Windows-1252", code="unknown_encoding")
    return name


def _guess(first: bytes) -> str:
    many = max(1, len(first) * 0.15)  # zeros on one side; a stray NUL is no sign of UTF-16
    if first[1::2].count(0) > many:
        return "utf-16-le"
    if first[0::2].count(0) > many:
        return "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(first)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"
