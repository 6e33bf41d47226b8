"""The patterns of LIKE."""

from collections.abc import Iterator


def characters(pattern: str) -> Iterator[tuple[str, bool]]:
    """Yield each character of a pattern, and whether it is a wildcard; a backslash makes the next one itself."""
    rest = iter(pattern)
    for character in rest:
        if character == "\\":
            yield next(rest, "\\"), False
        else:
            yield character, character in "%_"
