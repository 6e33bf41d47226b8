"""Fetch: records of a download, or the fates of an upload's rows, page by page from the cursor on."""

from orchestrator.job.commit import Moved, Outcome, Wait
from orchestrator.job.criteria import DownloadCriteria
from orchestrator.job.record import Counts
from orchestrator.job.status import Direction
from orchestrator.job.step import Cursor
from orchestrator.providers.provider import Page, Plan, Source
from orchestrator.steps.booking import book_fates
from orchestrator.steps.sinks import query_of, remote_id_of
from orchestrator.steps.step import Turn


def fetch(turn: Turn) -> Outcome:
    """Store what comes after the cursor until the vendor has no more; a crash repeats at most one checkpoint."""
    return _records(turn) if turn.job.direction is Direction.DOWNLOAD else book_fates(turn)


def _records(turn: Turn) -> Outcome:
    if turn.step.cursor.get("end"):
        return Moved()  # the last page was committed, the end of its turn was not
    criteria = turn.job.criteria
    assert isinstance(criteria, DownloadCriteria)
    source = query_of(turn).results(remote_id_of(turn)) if turn.step.vendor_seq else turn.vendor.source(criteria)
    turn.tell(meta=source.meta)
    read, counted = turn.job.counts.read, turn.job.vendor_counted
    room = None if criteria.limit is None else max(0, criteria.limit - turn.job.counts.stored)
    for page in source.pages(turn.step.cursor, turn.may_go_on, room):
        read += page.read
        if page.plan is not None:
            _tell_plan(turn, page.plan)
        if page.vendor_counted is not None:
            counted = page.vendor_counted
            turn.tell(vendor_counted=counted)
        if page.next is None and not page.cut and counted not in (None, read):
            _count_again(turn, source, read, counted or 0)
        _keep_page(turn, page)
        if page.next is None:
            return Moved()
    return Wait.nothing()


def _tell_plan(turn: Turn, plan: Plan) -> None:
    data = {
        "way": plan.way, "cost": plan.cost, "alternative": plan.alternative, "alternativeCost": plan.alternative_cost,
    }  # fmt: skip
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
    )


def _count_again(turn: Turn, source: Source, read: int, before: int) -> None:
    """A list may have grown or shrunk while it was read: what was read must lie between both counts."""
    after = source.count()
    if after is None:
        return
    turn.tell(event="count.moved", data={"before": before, "after": after, "read": read})
    if min(before, after) <= read <= max(before, after):
        turn.tell(vendor_counted=read)
