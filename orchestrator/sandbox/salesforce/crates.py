"""A long list of records of one width, made on demand in blocks: results of any size at the price of a copy.

Stands behind the object `Crate__c`, which Bulk queries alone read. What is loaded into it is judged and forgotten, so
that uploads may be as long.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from orchestrator.sandbox.salesforce.text import ENDINGS, quoted

NAME = "Crate__c"
BLOCK = 10_000  # rows of one block: those that share all digits of their number but the last four
KEPT = 8  # blocks
NOTE = ("a ledger of every crate that leaves the harbour, signed twice; " * 5)[:252]
STAMP = "2024-01-01T00:00:00.000Z"

CELLS: Mapping[str, Callable[[int], str]] = {
    "Id": lambda n: f"a0L9Q0{n:09d}QAA",
    "Name": lambda n: f"Crate {n:010d}",
    "Sku__c": lambda n: f"SKU-{n:010d}",
    "Email__c": lambda n: f"crate-{n:010d}@goods.test",
    "Amount__c": lambda n: f"{n:09d}.0",
    "Note__c": lambda _: NOTE,
    "IsDeleted": lambda _: "false",
    "CreatedById": lambda _: "",
    "CreatedDate": lambda _: STAMP,
    "LastModifiedDate": lambda _: STAMP,
    "SystemModstamp": lambda _: STAMP,
}


class Crates:
    """The rows 1 to `count` of a result, with the columns of one query."""

    def __init__(self, count: int, columns: Sequence[str], delimiter: str, ending: str) -> None:
        self._count = count
        self._cells = [CELLS[name] for name in columns]
        self._delimiter, self._ending = delimiter, ENDINGS[ending]
        self._width = len(self._row(0))
        self._model = b"".join(self._row(n) for n in range(BLOCK))
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def __len__(self) -> int:
        """Return how many rows there are."""
        return self._count

    def id(self, number: int) -> str:
        """Return the id of the `number`th row, counted from 1."""
        return CELLS["Id"](number)

    def lines(self, start: int, end: int) -> bytes:
        """Return the rows behind the first `start`, up to the first `end`."""
        pieces, first, stop = [], start + 1, end + 1
        while first < stop:
            number, offset = divmod(first, BLOCK)
            upto = min(stop - number * BLOCK, BLOCK)
            pieces.append(self._block(number)[offset * self._width : upto * self._width])
            first = number * BLOCK + upto
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _row(self, number: int) -> bytes:
        return (quoted([cell(number) for cell in self._cells], self._delimiter) + self._ending).encode()

    def _block(self, number: int) -> bytes:
        """The model with other digits: a block differs from it in the same columns of every row."""
        if number not in self._blocks:
            block = bytearray(self._model)
            for column, (old, new) in enumerate(zip(self._row(0), self._row(number * BLOCK), strict=True)):
                if old != new:
                    block[column :: self._width] = bytes([new]) * BLOCK
            self._blocks[number] = bytes(block)
            if len(self._blocks) > KEPT:
                self._blocks.popitem(last=False)
        return self._blocks[number]
