"""Numbers of the chunks and vendor jobs that a failed batch leaves behind: unique, and the same if a turn is repeated.

A chunk whose batch fails as a whole is halved: its halves are nodes 2n and 2n + 1 of a tree whose root is the chunk
that `split` cut, as in a heap. Rows that fail for a while only go into smaller chunks, numbered from 1, of the next
round. All that one chunk leaves behind goes into one vendor job, whose number tells which chunk it was.

    chunk        base 24 bits · node 15 · round 2 · piece 6 · together 3
    vendor job   base 24 bits · tried 5 · node 15 · round 2 · piece 6      52 bits: exact as a number of JSON everywhere
"""

from dataclasses import dataclass, replace

CHUNK_WIDTHS = (24, 15, 2, 6, 3)
VENDOR_WIDTHS = (24, 5, 15, 2, 6)
SERIAL = 2  # the last round: one batch after the other
MOST_TRIED = 2 ** VENDOR_WIDTHS[1] - 1
Place = tuple[int, int, int, int]
MOST_PIECES = 60  # of one chunk; fewer than there are numbers


@dataclass(frozen=True, kw_only=True)
class ChunkNumber:
    """Where a chunk comes from."""

    base: int  # as `split` numbered it
    node: int = 1
    round: int = 0
    piece: int = 0
    together: int = 0  # how often it, or what it comes from, failed as a whole together with its other half

    @classmethod
    def of(cls, seq: int) -> "ChunkNumber":
        """Read a chunk's number."""
        base, node, turn, piece, together = _unpacked(seq, CHUNK_WIDTHS)
        return cls(base=base, node=node or 1, round=turn, piece=piece, together=together)

    @property
    def seq(self) -> int:
        """The number as it is stored; the root's is `split`'s own."""
        node = self.node if self.node > 1 else 0
        return _packed((self.base, node, self.round, self.piece, self.together), CHUNK_WIDTHS)

    @property
    def place(self) -> Place:
        """Which rows they are, whatever became of them."""
        return self.base, self.node, self.round, self.piece

    @property
    def other_half(self) -> Place | None:
        """The place of the half that belongs to this one; None where this is none."""
        return (self.base, self.node ^ 1, self.round, self.piece) if self.node > 1 else None

    def halves(self) -> tuple["ChunkNumber", "ChunkNumber"]:
        """Return the numbers of the two halves."""
        return replace(self, node=2 * self.node), replace(self, node=2 * self.node + 1)

    def again(self, piece: int) -> "ChunkNumber":
        """Return the number of a piece, counted from 1, of what is tried again in the next round."""
        return replace(self, round=self.round + 1, piece=piece if self.round == 0 else self.piece)

    def vendor_seq(self, *, retried: bool) -> int:
        """Return the number of the vendor job that takes what this chunk leaves behind."""
        return _packed((self.base, 0, self.node, self.round + retried, self.piece), VENDOR_WIDTHS)


def tried(vendor_seq: int) -> int:
    """Return how often the rows of a vendor job were moved on into another one."""
    return _unpacked(vendor_seq, VENDOR_WIDTHS)[1]


def next_try(vendor_seq: int) -> int:
    """Return the number of the vendor job that takes the rows which this one can take no more."""
    return vendor_seq + (1 << VENDOR_WIDTHS[0])


def is_serial(vendor_seq: int) -> bool:
    """Whether the batches of a vendor job run one after the other, because of locks."""
    return _unpacked(vendor_seq, VENDOR_WIDTHS)[3] == SERIAL


def _packed(values: tuple[int, ...], widths: tuple[int, ...]) -> int:
    number, shift = 0, 0
    for value, width in zip(values, widths, strict=True):
        assert value < 1 << width, "a number has no room for so many"
        number |= value << shift
        shift += width
    return number


def _unpacked(number: int, widths: tuple[int, ...]) -> tuple[int, ...]:
    values = []
    for width in widths:
        values.append(number & ((1 << width) - 1))
        number >>= width
    return tuple(values)
