"""A long list of records of one width, made on demand in blocks, so that a page is a slice of bytes."""

from collections import OrderedDict
from datetime import UTC, datetime

from orchestrator.sandbox.told import EPOCH, MICROSECOND, iso

BLOCK = 10_000  # ids of one block; the records of a block share a day, and all digits before the last four
KEPT = 32  # blocks kept: 320,000 records, about 140 MB
START = (datetime(2024, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND
SECOND = 1_000_000
DAY = 86_400 * SECOND

NOTE = b"a ledger of every crate that leaves the harbour, signed twice; " * 5
RECORD = (  # 439 bytes; spaces before the id give all records one width
    b'{"id":%11d,"sku":"SKU-%010d","name":"Crate %010d","email":"crate-%010d@goods.test"'
    b',"updated_at":"%sT%02d:%02d:%02d.000000Z","active":%s,"amount":%d,"note":"' + NOTE[:252] + b'"}'
)


class Blocks:
    """Records with the ids 1 to `count`.

    Ids and times rise together: each 10,000 ids have a day of their own, in which `ties` records share each second.
    """

    def __init__(self, count: int, ties: int) -> None:
        self.count = count
        self._ties = max(1, ties)
        self._width = len(self._record(1))
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._model = b""

    def records(self, start: int, end: int) -> bytes:
        """Return the records behind the first `start`, up to the first `end`, with commas between."""
        pieces, first, stop = [], start + 1, end + 1
        while first < stop:
            block, offset = divmod(first, BLOCK)
            upto = min(stop - block * BLOCK, BLOCK)
            pieces.append(self._block(block)[offset * (self._width + 1) : upto * (self._width + 1) - 1])
            first = block * BLOCK + upto
        return pieces[0] if len(pieces) == 1 else b",".join(pieces)

    def older(self, at: int) -> int:
        """Return how many records are older than a time in microseconds."""
        day, rest = divmod(max(0, at - START), DAY)
        offset = min(BLOCK, -(-rest // SECOND) * self._ties)
        return min(self.count, max(0, day * BLOCK + offset - 1))

    def _block(self, number: int) -> bytes:
        if number in self._blocks:
            self._blocks.move_to_end(number)
        else:
            self._blocks[number] = self._rendered(number) if number < 2 else self._patched(number)
            if len(self._blocks) > KEPT:
                self._blocks.popitem(last=False)
        return self._blocks[number]

    def _rendered(self, number: int) -> bytes:
        ids = range(number * BLOCK, (number + 1) * BLOCK)
        return b"".join(self._record(id_) + b"," for id_ in ids)

    def _patched(self, number: int) -> bytes:
        """Block 1 with other digits: a block differs from it in the same columns of every record. 20 times faster."""
        self._model = self._model or self._rendered(1)
        block = bytearray(self._model)
        for column, (old, new) in enumerate(zip(self._record(BLOCK), self._record(number * BLOCK), strict=True)):
            if old != new:
                block[column :: self._width + 1] = bytes([new]) * BLOCK
        return bytes(block)

    def _record(self, id_: int) -> bytes:
        block, offset = divmod(id_, BLOCK)
        second = offset // self._ties
        day = iso(START + block * DAY)[:10].encode()
        clock = (second // 3600, second // 60 % 60, second % 60)
        return RECORD % (id_, id_, id_, id_, day, *clock, b"true " if offset % 3 else b"false", 1000 + offset % 9000)
