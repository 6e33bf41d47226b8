"""Record ids: fifteen characters that tell upper from lower case, and three more for where case is lost."""

from string import ascii_lowercase, ascii_uppercase, digits

DIGITS = digits + ascii_uppercase + ascii_lowercase  # rise as ASCII does: a later id sorts behind an earlier one
SUFFIX = ascii_uppercase + digits[:6]
ORG_PART = "9Q0"  # of every id of one org
SHORT, LONG = 15, 18


def short(prefix: str, number: int) -> str:
    """Return the fifteen characters of the `number`th record of a kind."""
    last = ""
    for _ in range(SHORT - len(prefix) - len(ORG_PART)):
        number, digit = divmod(number, len(DIGITS))
        last = DIGITS[digit] + last
    return prefix + ORG_PART + last


def full(key: str) -> str:
    """Return the eighteen characters: each five of the fifteen get one that tells which of them are upper case."""
    return key + _suffix(key[:5]) + _suffix(key[5:10]) + _suffix(key[10:])


def _suffix(five: str) -> str:
    bits = 0
    for place, character in enumerate(five):
        if "A" <= character <= "Z":
            bits |= 1 << place
    return SUFFIX[bits]


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
