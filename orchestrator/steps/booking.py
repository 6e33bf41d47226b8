"""Booking: the fates of an upload's rows are tied to the rows of the user's file, and counted."""

from collections.abc import Iterator, Sequence

from orchestrator.job.chunk import RowError, Stream
from orchestrator.job.commit import Moved, Outcome, Wait
from orchestrator.job.errors import Misbehaved
from orchestrator.job.record import Counts
from orchestrator.providers.provider import Fate, FatePage
from orchestrator.results.fates import REFUSED, outcome_line
from orchestrator.steps.sinks import remote_id_of, sink_of
from orchestrator.steps.step import Turn
from orchestrator.steps.tying import Tied, Tying
from orchestrator.steps.unprocessed import EARLY, book_unprocessed, stop_before_the_rest

NO_REASON = "refused without a reason"


def book_fates(turn: Turn) -> Outcome:
    """Book what became of the rows of a vendor job, page by page from the cursor on."""
    booking = _Booking(turn)
    if turn.step.cursor.get("end"):
        return booking.conclude()
    for page in booking.pages():
        booking.book(page)
        if page.next is None:
            return booking.conclude()
    return Wait.nothing()


class _Booking:
    """Ties fates to source rows and books them."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._sink = sink_of(turn)
        self._tying = Tying(turn, self._sink)
        self._early = {name: turn.step.cursor[name] for name in turn.step.cursor.keys() & {EARLY}}

    def pages(self) -> Iterator[FatePage]:
        """Yield the fates after the cursor."""
        return self._sink.fates(remote_id_of(self._turn), self._turn.step.cursor, self._turn.may_go_on)

    def book(self, page: FatePage) -> None:
        """Book a page of fates; the last one only where all are told of the rows that were handled (I12)."""
        tied = self._tying.tie(page.fates)
        if page.next is None:
            self._check_complete()
        lines, errors = list[bytes](), list[RowError]()
        for fate, found in zip(page.fates, tied, strict=True):
            lines.append(_line(fate, found))
            if found is None:
                self._turn.tell(event="fate.untied", data={"key": fate.key})
            if fate.status != "success":
                errors.append(_refusal(fate, found))
        self._turn.keep(
            b"".join(lines),
            rows=len(lines),
            counts=Counts(accepted=len(lines) - len(errors), refused=len(errors)),
            cursor={**self._early, **(page.next if page.next is not None else {"end": True})},
            stream=Stream.OUTCOME,
            errors=errors,
        )

    def _check_complete(self) -> None:
        """A restart asks for the last page again. Rows that were never handled are another matter: `conclude`."""
        handled = self._turn.vendor_job.processed
        if self._tying.told < handled:
            raise Misbehaved("the vendor", f"{handled} rows were handled, but {self._tying.told} fates were told")

    def conclude(self) -> Outcome:
        """Account for the rows that the vendor never mentioned."""
        left: Sequence[int] = self._tying.untied()
        if self._early:
            return stop_before_the_rest(self._turn, self._sink, left)
        if left:
            book_unprocessed(self._turn, left)
        return Moved()


def _line(fate: Fate, found: Tied | None) -> bytes:
    is_refused = fate.status != "success"
    return outcome_line(
        0 if found is None else found.row,
        fate.status,
        fate.record if found is None else found.record,
        fate.error or NO_REASON if is_refused else None,
        fate.resource,
        code=REFUSED if is_refused else None,
        retryable=fate.retryable,
        vendor_code=fate.code,
        tie=found is not None and found.is_shared,
    )


def _refusal(fate: Fate, found: Tied | None) -> RowError:
    return RowError(
        row=None if found is None else found.row,
        identifier=fate.identifier,
        code=fate.code or REFUSED,
        message=fate.message or fate.error or NO_REASON,
        retryable=fate.retryable,
        phase="fetch",
    )
