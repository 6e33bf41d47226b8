"""A long list of records of one width, made on demand in blocks, so that a page is a slice of bytes."""

from collections import OrderedDict
from datetime import UTC, datetime

from orchestrator.sandbox.told import EPOCH, MICROSECOND, iso

BLOCK = 10_000  # records rendered at once; about 4 MB
KEPT = 32  # blocks kept: 320,000 records, about 140 MB
START = (datetime(2024, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND
SECOND = 1_000_000
PAD = "the quick brown fox keeps a ledger of every crate that leaves the harbour and signs it twice; "


class Blocks:
    """Records with the ids 1 to `count`; `ties` of them share each instant, one second between the instants."""

    def __init__(self, count: int, ties: int) -> None:
        self.count = count
        self._ties = max(1, ties)
        self._width = len(self._record(0))
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def records(self, start: int, end: int) -> bytes:
        """Return the records at the positions from `start` to before `end`, with commas between."""
        pieces = []
        while start < end:
            block, offset = divmod(start, BLOCK)
            upto = min(end - block * BLOCK, BLOCK)
            pieces.append(self._block(block)[offset * (self._width + 1) : upto * (self._width + 1) - 1])
            start = block * BLOCK + upto
        return b",".join(pieces) if len(pieces) != 1 else pieces[0]

    def position(self, at: int) -> int:
        """Return the position of the first record that is not older than a time in microseconds."""
        instants = -(-(at - START) // SECOND)
        return min(self.count, max(0, instants * self._ties))

    def _block(self, number: int) -> bytes:
        if number in self._blocks:
            self._blocks.move_to_end(number)
        else:
            first = number * BLOCK
            upto = min(self.count, first + BLOCK)
            self._blocks[number] = b",".join(self._record(index) for index in range(first, upto)) + b","
            if len(self._blocks) > KEPT:
                self._blocks.popitem(last=False)
        return self._blocks[number]

    def _record(self, index: int) -> bytes:
        """One record of 439 bytes; the id is padded with a space behind it, so that all have one width."""
        at = iso(START + index // self._ties * SECOND)
        number = f"{index + 1},".ljust(12)
        head = (
            f'{{"id":{number}"sku":"SKU-{index + 1:010d}","name":"Crate {index + 1:010d}"'
            f',"email":"crate-{index + 1:010d}@goods.test"'
        )
        tail = f',"updated_at":"{at}","active":{"true " if index % 3 else "false"},"amount":{1000 + index % 9000}'
        room = 439 - len(head) - len(tail) - len(',"note":""}')
        return f'{head}{tail},"note":"{(PAD * 4)[:room]}"}}'.encode()
