"""Fetch: records of a download, or the fates of an upload's rows, page by page from the cursor on."""

from orchestrator.job.chunk import VendorJobState
from orchestrator.job.commit import Moved, Outcome, Wait
from orchestrator.job.criteria import DownloadCriteria
from orchestrator.job.errors import Gone
from orchestrator.job.record import Counts
from orchestrator.job.status import Direction
from orchestrator.job.step import Cursor
from orchestrator.providers.provider import Page, Plan, Source
from orchestrator.results.fields_read import fields_of
from orchestrator.steps.batch_fates import book_batches
from orchestrator.steps.booking import book_fates
from orchestrator.steps.lost import list_lost, result_lost
from orchestrator.steps.overlap import Overlap
from orchestrator.steps.sinks import batch_sink_of, result_of
from orchestrator.steps.step import Turn


def fetch(turn: Turn) -> Outcome:
    """Store what comes after the cursor until the vendor has no more; a crash repeats at most one checkpoint."""
    if turn.job.direction is Direction.DOWNLOAD:
        return _records(turn)
    batches = batch_sink_of(turn)
    return book_fates(turn) if batches is None else book_batches(turn, batches)


def _records(turn: Turn) -> Outcome:
    if turn.step.cursor.get("end"):
        return Moved()  # the last page was committed, the end of its turn was not
    if not turn.step.vendor_seq:
        try:
            return _Reading(turn, turn.vendor.source(_criteria(turn))).run()
        except Gone as gone:
            return list_lost(turn, gone)
    if turn.vendor_job.state is VendorJobState.LOST:
        return Moved()  # another query is planned
    reading = _Reading(turn, result_of(turn))
    try:
        return reading.run()
    except Gone as gone:
        return result_lost(turn, gone, reading.cursor, reading.read)


def _criteria(turn: Turn) -> DownloadCriteria:
    criteria = turn.job.criteria
    assert isinstance(criteria, DownloadCriteria)
    return criteria


class _Reading:
    """The reading of one source in one turn: where it is, and how many records the job has by now."""

    def __init__(self, turn: Turn, source: Source) -> None:
        self._turn = turn
        self._source = source
        self._sieve = Overlap.of(turn)
        self._shows_fields = _criteria(turn).select_fields is None and turn.job.default_select_fields is None
        self._counted = turn.job.vendor_counted
        self.cursor = turn.step.cursor
        self.read = turn.job.counts.read

    def run(self) -> Outcome:
        self._turn.tell(meta=self._source.meta)
        limit = _criteria(self._turn).limit
        room = None if limit is None else max(0, limit - self._turn.job.counts.stored)
        for page in self._source.pages(self.cursor, self._turn.may_go_on, room):
            self._take(page)
            if page.next is None:
                return Moved()
            self.cursor = page.next
        return Wait.nothing()

    def _take(self, page: Page) -> None:
        self.read += page.read
        if page.plan is not None:
            _tell_plan(self._turn, page.plan)
        if page.vendor_counted is not None:
            self._counted = page.vendor_counted
            self._turn.tell(vendor_counted=self._counted)
        if page.next is None and not page.cut and self._counted not in (None, self.read):
            _count_again(self._turn, self._source, self.read, self._counted or 0)
        if self._shows_fields and page.rows:
            self._turn.tell(fields_read=fields_of(bytes(page.body), page.header))
            self._shows_fields = False
        _keep_page(self._turn, page if self._sieve is None else self._sieve.without_delivered(page))


def _tell_plan(turn: Turn, plan: Plan) -> None:
    data = {
        "way": plan.way, "cost": plan.cost, "alternative": plan.alternative, "alternativeCost": plan.alternative_cost,
    }  # fmt: skip
    if plan.reason is not None:
        data["reason"] = plan.reason
    turn.tell(event="plan.chosen", data=data)


def _keep_page(turn: Turn, page: Page) -> None:
    end: Cursor = {"end": True} if page.resume is None else {"end": True, "resume": page.resume}
    turn.keep(
        page.body,
        rows=page.rows,
        counts=Counts(read=page.read, stored=page.rows, filtered=page.filtered, cut=page.cut, undated=page.undated),
        cursor=page.next if page.next is not None else end,
        first_key=page.first_key,
        last_key=page.last_key,
        header=page.header,
    )


def _count_again(turn: Turn, source: Source, read: int, before: int) -> None:
    """A list may have grown or shrunk while it was read: what was read must lie between both counts."""
    after = source.count()
    if after is None:
        return
    turn.tell(event="count.moved", data={"before": before, "after": after, "read": read})
    if min(before, after) <= read <= max(before, after):
        turn.tell(vendor_counted=read)
