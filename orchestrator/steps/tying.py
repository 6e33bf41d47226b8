"""Tying: each fate finds the row of the user's file that it is about.

By its whole record, as nearly all are told; else by what the vendor knows the record by; else by the columns that came
back. Rows that look the same are given out in the order they were sent, which is then said of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestrator.providers.provider import Fate, Sink
from orchestrator.results.canonical import canonical_hash
from orchestrator.results.chunks import SentChunk
from orchestrator.results.likeness import columns_back, measure, plain, text_hash, worth
from orchestrator.results.ties import Sidecar, Tie, Ties, by_measure
from orchestrator.steps.step import Turn


@dataclass(frozen=True, kw_only=True)
class Tied:
    """A fate's row; `record` is the one that was sent."""

    row: int
    is_shared: bool
    record: bytes


class Tying:
    """The rows of this turn's vendor job that wait for their fate."""

    def __init__(self, turn: Turn, sink: Sink) -> None:
        """Read the hashes of all rows, and which of them this step has tied in earlier turns."""
        self._chunks = turn.chunks()
        self._load = turn.load
        self._sink = sink
        tied = list(turn.rows_tied())
        self.told = len(tied)  # fates, the untied too
        self._ties = Ties((turn.load(chunk.rows_key) for chunk in self._chunks), tied)
        self._sent: Sequence[SentChunk] | None = None
        self._by_identity: Sequence[Sidecar] | None = None
        self._columns: tuple[str, ...] = ()
        self._by_columns: Sequence[Sidecar] = ()

    def untied(self) -> list[int]:
        """Return the rows that got no fate, rising."""
        return self._ties.untied()

    def tie(self, fates: Sequence[Fate]) -> list[Tied | None]:
        """Return the row of each fate, None for one that was never sent (or whose like are all told)."""
        self.told += len(fates)
        tied = [self._by_whole(fate) for fate in fates]
        for way in (self._by_key, self._by_what_came_back):
            left = [place for place, found in enumerate(tied) if found is None]
            if not left:
                break
            for place, found in zip(left, way([fates[place] for place in left]), strict=True):
                tied[place] = self._as_sent(found)
        return tied

    def _by_whole(self, fate: Fate) -> Tied | None:
        try:
            tie = self._ties.tie(canonical_hash(fate.record))
        except ValueError:
            return None
        return None if tie is None else Tied(row=tie.row, is_shared=tie.is_shared, record=fate.record)

    def _by_key(self, fates: Sequence[Fate]) -> list[Tie | None]:
        names = [self._sink.identity(fate.record) for fate in fates]
        if not any(names):
            return [None] * len(fates)
        if self._by_identity is None:
            self._by_identity = by_measure(self._named())
        index = self._by_identity
        return [None if name is None else self._ties.tie(_name_hash(name), index) for name in names]

    def _by_what_came_back(self, fates: Sequence[Fate]) -> list[Tie | None]:
        try:
            told = [plain(fate.record) for fate in fates]
        except ValueError:
            return [None] * len(fates)
        columns = columns_back(told, (plain(record) for _, record in self._records()))
        if columns and columns != self._columns:
            self._columns = columns
            pairs = ((row, measure(plain(record), columns)) for row, record in self._records())
            self._by_columns = by_measure(pairs)
        return [self._ties.tie(measure(each, columns), self._by_columns) if columns else None for each in told]

    def _named(self) -> Iterator[tuple[int, int]]:
        for row, record in self._records():
            if (name := self._sink.identity(record)) is not None:
                yield row, _name_hash(name)

    def _records(self) -> Iterator[tuple[int, bytes]]:
        for sent in self._loaded():
            yield from sent

    def _as_sent(self, tie: Tie | None) -> Tied | None:
        if tie is None:
            return None
        record = next(found for sent in self._loaded() if (found := sent.record_of(tie.row)) is not None)
        return Tied(row=tie.row, is_shared=tie.is_shared, record=record)

    def _loaded(self) -> Sequence[SentChunk]:
        if self._sent is None:
            self._sent = [SentChunk(self._load(chunk.object_key), self._load(chunk.rows_key)) for chunk in self._chunks]
        return self._sent


def _name_hash(name: str) -> int:
    return text_hash(worth(name).casefold())
