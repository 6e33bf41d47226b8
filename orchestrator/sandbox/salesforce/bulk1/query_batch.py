"""A batch that is a query, and the batches that one is split into by primary key.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/async_api_headers_enable_pk_chunking.htm
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise

from orchestrator.sandbox.exchange import Refused
from orchestrator.sandbox.options import Options
from orchestrator.sandbox.salesforce import ids
from orchestrator.sandbox.salesforce.bulk1.batch import Batch, BatchState
from orchestrator.sandbox.salesforce.bulk1.chunking import Chunking, bounds
from orchestrator.sandbox.salesforce.crates import Crates
from orchestrator.sandbox.salesforce.query_job import QueryJob
from orchestrator.sandbox.salesforce.refusals import said
from orchestrator.sandbox.salesforce.schema import ID

MakeQuery = Callable[[str], QueryJob]  # SOQL → a query that can be run; raises Refused
NextKey = Callable[[], str]
Window = tuple[int, int]


@dataclass(kw_only=True)
class QueryBatch(Batch):
    """A query, or the piece of one between two rows."""

    make_query: MakeQuery
    next_key: NextKey
    next_result: NextKey
    chunking: Chunking | None = None
    query: QueryJob | None = None
    window: Window | None = None  # None: the whole result
    files: dict[str, Window] = field(default_factory=dict)  # by result id
    _pieces: Iterator[tuple[str, Window]] | None = None

    @property
    def is_live(self) -> bool:
        """Whether something will still happen to the batch: it runs, or more pieces of it are to come."""
        return super().is_live or self._pieces is not None

    @property
    def rows(self) -> Window:
        """From which row on, and before which, the result is this batch's."""
        assert self.query is not None
        return self.window or (0, len(self.query.rows))

    def settle(self, now: int, options: Options, *, retries: bool) -> Sequence[Batch]:
        """Run; or, where the query is split, give out some more of its pieces."""
        super().settle(now, options, retries=retries)
        if self._pieces is None:
            return ()
        if not self.replaced:
            self.replaced = True
            self.move(BatchState.SKIPPED, now)
            return ()
        born = [self._piece(soql, window, now) for soql, window in _some(self._pieces, options.sf_chunks_a_look)]
        if len(born) < options.sf_chunks_a_look:
            self._pieces = None
        return born

    def _piece(self, soql: str, window: Window, now: int) -> "QueryBatch":
        return QueryBatch(
            key=self.next_key(),
            job=self.job,
            request=soql.encode(),
            created_at=now,
            make_query=self.make_query,
            next_key=self.next_key,
            next_result=self.next_result,
            query=self.query,
            window=window,
        )

    def begin(self, options: Options) -> None:
        """Find the rows; the batch fails where the query cannot be run."""
        if self.query is not None:
            return
        soql = self.request.decode(errors="replace")
        try:
            self.query = self.make_query(soql)
        except Refused as error:
            code, message = said(error)
            self.fail(f"InvalidBatch : Failed to process query: {code}: {message}")
            return
        self.query.begin(options)
        if self.query.message:
            self.fail(f"InvalidBatch : Failed to process query: {self.query.message}")
        elif self.chunking is not None and self.chunking.suits(self.query.prepared.select):
            self._split(soql, options)

    def _split(self, soql: str, options: Options) -> None:
        assert self.query is not None
        assert self.chunking is not None
        rows = self.query.rows
        if isinstance(rows, Crates):
            starts = list(range(0, len(rows), self.chunking.size)) or [0]
            edges = [(rows.id(start + 1), start) for start in starts] + [(rows.id(len(rows) + 1), len(rows))]
        else:
            rows = self.query.rows = sorted(rows, key=lambda record: record[ID] or "")
            keys = [(record[ID] or "")[: ids.SHORT] for record in rows]
            every = bounds(self.query.prepared.table, self.chunking)
            edges = [(ids.full(key), bisect_left(keys, key)) for key in every]
        pieces = [(_between(soql, low[0], high[0]), (low[1], high[1])) for low, high in pairwise(edges)]
        if options.sf_empty_chunk:
            pieces.append((f"{soql} WHERE Id >= '{edges[-1][0]}'", (edges[-1][1], edges[-1][1])))
        self._pieces = iter(pieces)

    def work(self, upto: int, options: Options) -> None:
        """Show rows up to a number of them."""
        if self.query is None or self._pieces is not None:
            return
        start, end = self.rows
        self.processed = min(upto, end - start)
        if self.processed == end - start:
            self.end = BatchState.DONE

    def finished(self, options: Options) -> None:
        """Make the results."""
        start, end = self.rows
        count = max(1, min(options.sf_result_files, end - start))
        cuts = [start + (end - start) * at // count for at in range(count + 1)]
        self.files = {self.next_result(): window for window in pairwise(cuts)}


def _between(soql: str, low: str, high: str) -> str:
    return f"{soql} WHERE Id >= '{low}' AND Id < '{high}'"


def _some(pieces: Iterator[tuple[str, Window]], most: int) -> list[tuple[str, Window]]:
    return list(islice(pieces, most))
