"""What a reader yields: a row, or why it cannot be taken."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec


class RowProblem(msgspec.Struct, frozen=True, kw_only=True):
    """Why one row of the user's file cannot be sent; `code` is stable, `message` is for people."""

    code: str  # too_many_cells | too_few_cells | empty_row | broken_csv | bad_json | undecodable
    message: str


class InputRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the user's file; exactly one of `values` and `problem` is None. A Struct: made a million times."""

    number: int  # from 1; blank lines and the header do not count
    offset_after: int  # bytes of the file up to this row's end: where to go on after it
    values: Mapping[str, Any] | None
    problem: RowProblem | None = None
    cells: Sequence[str] = ()  # of a CSV row with a problem, as far as they could be read


class InputReader(Protocol):
    """A user's file, opened."""

    @property
    def columns(self) -> Sequence[str]:
        """The header of a CSV; empty where there is none."""
        ...

    @property
    def encoding(self) -> str:
        """How the file is read, for telling the user."""
        ...

    def rows(self, offset: int = 0, row: int = 0) -> Iterator[InputRow]:
        """Yield the rows after row number `row`, which ended at `offset`; 0, 0 is the start.

        Memory stays flat. Raises Invalid where the rest of the file cannot be read at all.
        """
        ...
