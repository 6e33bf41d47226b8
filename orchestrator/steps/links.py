"""A query's result in pieces, read side by side by fetch steps that are born while the vendor's job still runs.

poll ─▶ page of links ─▶ one commit: a fetch step for each new link, and the walk behind them
  ▲           │
  └── later ◀─┘ until the vendor's job is done and says that these were all

Links or one piece after the other: that is chosen once per vendor job, and kept in the cursor of its poll step.
"""

from orchestrator.job.commit import VendorProgress
from orchestrator.job.errors import Gone
from orchestrator.job.step import PARTITION_GAP, Cursor, StepKind, Successor
from orchestrator.providers.links import Links
from orchestrator.steps.sinks import query_of, remote_id_of
from orchestrator.steps.step import Turn

WAY, LINKS, ONE_BY_ONE = "way", "links", "one_by_one"


class LinkWalk:
    """The walk along a result's links, as far as the poll step has come; `cursor` is the poll step's own."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._seq = turn.vendor_job.seq
        self.cursor: Cursor = turn.step.cursor
        self.has_more = False  # there may be further links right now
        self.is_done = False  # every piece is being fetched

    @property
    def follows_links(self) -> bool:
        """Whether the result is read in pieces."""
        return self.cursor.get(WAY) == LINKS

    def goes_on(self, progress: VendorProgress, *, is_done: bool) -> None:
        """Let every piece that can be read by now be fetched. `is_done`: the vendor's job is.

        Asks nothing where the vendor has no new row since the last look. The first pieces end the walk for this turn,
        so that they are hinted at once.
        """
        if not self._is_to_ask(progress.processed, is_done):
            return
        while (found := self._ask()) is not None:
            is_first = not self.cursor.get("pieces") and bool(found.pages)
            self._keep(found, progress)
            if is_first or not found.more or self._turn.is_over:
                return

    def _is_to_ask(self, processed: int, is_done: bool) -> bool:
        if self.follows_links:
            return is_done or processed > self.cursor.get("processed", 0)
        return WAY not in self.cursor and query_of(self._turn).splits(processed)

    def _ask(self) -> Links | None:
        found = query_of(self._turn).links(remote_id_of(self._turn), self.cursor.get("walk", {}))
        if found is None and self.follows_links:
            raise Gone("the vendor", 404, "the links to a result that it has shown before")
        if WAY not in self.cursor:
            way = ONE_BY_ONE if found is None else LINKS
            self._turn.tell(event="result.way", data={"way": way})
            self.cursor = {**self.cursor, WAY: way}
        return found

    def _keep(self, found: Links, progress: VendorProgress) -> None:
        """Commit the pieces together with the walk behind them: none is fetched twice, none is forgotten."""
        first = self.cursor.get("pieces", 0)
        born = [
            Successor(kind=StepKind.FETCH, vendor_seq=self._seq, partition=self._seq + at * PARTITION_GAP, cursor=each)
            for at, each in enumerate(found.pages, first)
        ]
        self.cursor = {**self.cursor, "walk": found.walk, "pieces": first + len(born)}
        self.has_more, self.is_done = found.more, found.done
        self._turn.save(progress, cursor=self.cursor, successors=born)
