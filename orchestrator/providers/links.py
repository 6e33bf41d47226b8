"""Pieces of a query's result that can be read side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.job.step import Cursor


@dataclass(frozen=True, kw_only=True)
class Links:
    """The pieces that a walk has not seen yet."""

    pages: Sequence[Cursor]  # what `Query.results` reads each of them by; in the order of the result
    walk: Cursor  # where the walk goes on
    more: bool  # there may be further ones right now
    done: bool  # these were the last
