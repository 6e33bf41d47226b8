"""The contract of uploads whose batches start as soon as they are added: there is no commit point.

Fates come batch by batch, in the order in which the rows were sent.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable

from orchestrator.providers.provider import Upload


class Ending(StrEnum):
    """How a batch has ended, in our words."""

    DONE = "done"  # every row has its fate
    SPOILED = "spoiled"  # failed as a whole, for what is in it: a part of its rows may go through
    UNFIT = "unfit"  # failed as a whole, for what all of its rows have in common
    CROWDED = "crowded"  # failed as a whole, for what else happened: the same rows may go through later
    SKIPPED = "skipped"  # never to be handled


@dataclass(frozen=True, kw_only=True)
class BatchEnd:
    """The end of a batch. Rows that have no fate were not handled, and nothing of them was saved."""

    ending: Ending
    message: str
    processed: int  # rows that have their fate: the first ones


@dataclass(frozen=True, kw_only=True)
class RowFate:
    """What became of one row."""

    error: str | None  # None: it went through
    resource: bytes  # JSON object
    is_passing: bool = False  # the same row may go through later


class Files(Protocol):
    """The files that a user's table names."""

    def size(self, path: str) -> int | None:
        """Return a file's size in bytes; None where there is none."""
        ...

    def read(self, path: str) -> bytes:
        """Return a file's bytes, as many as `size` told. Raises Invalid."""
        ...


@runtime_checkable
class BatchSink(Upload, Protocol):
    """A vendor's bulk upload in batches."""

    settles_in: timedelta  # from then on a request whose answer was lost has no effect any more

    def body(self, records: bytes, files: Files | None) -> bytes | None:
        """Return a batch of records (a JSON array) as it is sent, always the same bytes for the same records.

        None: that is more than a batch may have.
        """
        ...

    def add(self, remote_id: str, body: bytes) -> str | None:
        """Add a batch, which starts at once; return its id. Not idempotent. One call.

        None: the vendor job takes no batch any more, and has not taken this one.
        """
        ...

    def arrived(self, remote_id: str, body: bytes, known: Set[str]) -> str | None:
        """Return the id of a batch that is none of the known ones and was sent as this; a call, and one for each.

        Raises Rejected where the vendor no longer tells.
        """
        ...

    def ends(self, remote_id: str) -> Mapping[str, BatchEnd]:
        """Return the ends of all batches, by id; only after the vendor job is DONE. One call."""
        ...

    def fates(self, remote_id: str, batch_id: str) -> Sequence[RowFate]:
        """Return what became of the rows of a batch that were handled, in their order. One call."""
        ...
