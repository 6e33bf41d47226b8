"""Sets of ids in a cursor, short where ids follow each other, as those of one import do."""

from collections.abc import Iterable, Sequence


def packed(ids: Iterable[int]) -> list[list[int]]:
    """Return the ids as rising [first, last] runs."""
    runs: list[list[int]] = []
    for each in sorted(ids):
        if runs and each == runs[-1][1] + 1:
            runs[-1][1] = each
        else:
            runs.append([each, each])
    return runs


def unpacked(runs: Sequence[Sequence[int]]) -> frozenset[int]:
    """Return the ids of the runs."""
    return frozenset(each for first, last in runs for each in range(first, last + 1))
