"""What a look at a vendor job is for: the answer to a fill was lost, and the rows may be there or not."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.job.step import Cursor


class Proof(StrEnum):
    """What a look after a lost answer to a fill found. Presence proves; absence does not (I9)."""

    ARRIVED = "arrived"
    UNPROVEN = "unproven"  # abandon the vendor job and fill a new one


@dataclass(frozen=True, kw_only=True)
class Walking:
    """The look is not finished; go on from `cursor`."""

    cursor: Cursor


@dataclass(frozen=True, kw_only=True)
class Posted:
    """What a vendor job should hold: rows acknowledged before, then the chunk whose answer was lost."""

    acked_rows: int
    rows: int
    hashes: Sequence[int]  # of the lost chunk's canonical records, in order (results.chunks.canonical_hash)
