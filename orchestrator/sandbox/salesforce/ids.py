"""Record ids: fifteen characters that tell upper from lower case, and three more for where case is lost."""

from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase, digits

DIGITS = digits + ascii_uppercase + ascii_lowercase  # rise as ASCII does: a later id sorts behind an earlier one
SUFFIX = ascii_uppercase + digits[:6]
ORG_PART = "9Q0"  # of every id of one org
SHORT, LONG = 15, 18
PAIRS = [first + second for first in DIGITS for second in DIGITS]


def short(prefix: str, number: int) -> str:
    """Return the fifteen characters of the `number`th record of a kind."""
    upper, pair = divmod(number, len(PAIRS))
    return _head(prefix, upper) + PAIRS[pair]


@lru_cache(maxsize=64)
def _head(prefix: str, number: int) -> str:
    last = ""
    for _ in range(SHORT - len(prefix) - len(ORG_PART) - 2):
        number, digit = divmod(number, len(DIGITS))
        last = DIGITS[digit] + last
    return prefix + ORG_PART + last


def full(key: str) -> str:
    """Return the eighteen characters: each five of the fifteen get one that tells which of them are upper case."""
    return key + _suffix(key[:5]) + _suffix(key[5:10]) + SUFFIX[_bits(key[10:13]) | _bits(key[13:]) << 3]


@lru_cache(maxsize=1024)
def _suffix(five: str) -> str:
    return SUFFIX[_bits(five)]


@lru_cache(maxsize=8192)
def _bits(characters: str) -> int:
    return sum(1 << place for place, each in enumerate(characters) if "A" <= each <= "Z")


def made(prefix: str, number: int) -> str:
    """Return the eighteen characters of the `number`th record of a kind."""
    return full(short(prefix, number))


def key_of(text: str) -> str | None:
    """Return the fifteen characters of an id in either length; None where it is no id."""
    if len(text) == SHORT and text.isalnum() and text.isascii():
        return text
    if len(text) == LONG and text.isalnum() and text.isascii() and full(text[:SHORT]) == text:
        return text[:SHORT]
    return None
