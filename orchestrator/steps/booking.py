"""Booking: the fates of an upload's rows are tied to the rows of the user's file."""

from collections import defaultdict, deque

from orchestrator.job.chunk import RowError, Stream
from orchestrator.job.commit import Moved, Outcome, Wait
from orchestrator.job.errors import Misbehaved
from orchestrator.job.record import Counts
from orchestrator.job.step import Cursor
from orchestrator.providers.provider import Fate, FatePage
from orchestrator.results.chunks import chunk_records, unpack_rows
from orchestrator.results.fates import REFUSED, Ties, outcome_line
from orchestrator.steps.sinks import remote_id_of, sink_of
from orchestrator.steps.step import Turn
from orchestrator.steps.unprocessed import book_unprocessed, stop_before_the_rest

NO_REASON = "refused without a reason"


def book_fates(turn: Turn) -> Outcome:
    """Book what became of the rows of a vendor job, page by page from the cursor on."""
    booking = _Booking(turn)
    if turn.step.cursor.get("end"):
        return booking.conclude()
    for page in sink_of(turn).fates(remote_id_of(turn), turn.step.cursor, turn.may_go_on):
        if page.next is None:
            booking.check_complete(page)
        booking.book(page)
        if page.next is None:
            return booking.conclude()
    return Wait.nothing()


class _Booking:
    """Ties fates to source rows and books them."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        rows = (pair for chunk in turn.chunks() for pair in unpack_rows(turn.load(chunk.rows_key)))
        tied = list(turn.rows_tied())
        self._told = len(tied)
        self._ties = Ties(rows, tied)
        self._sink = sink_of(turn)
        self._early = {name: turn.step.cursor[name] for name in turn.step.cursor.keys() & {"early"}}
        self._identities: dict[str, deque[tuple[int, int]]] | None = None

    def check_complete(self, last: FatePage) -> None:
        """Raise Misbehaved where fewer fates were told than rows handled; the last page is then not booked (I12).

        A restart asks for that page again. Rows that the vendor never handled are another matter: `conclude`.
        """
        told, handled = self._told + len(last.fates), self._turn.vendor_job.processed
        if told < handled:
            raise Misbehaved("the vendor", f"{handled} rows were handled, but {told} fates were told")

    def book(self, page: FatePage) -> None:
        lines, errors, accepted = list[bytes](), list[RowError](), 0
        for fate in page.fates:
            row = self._row_of(fate)
            lines.append(_line(row, fate))
            if row is None:
                self._turn.tell(event="fate.untied", data={"key": fate.key})
            if fate.status == "success":
                accepted += 1
            else:
                errors.append(_refusal(row, fate))
        self._told += len(lines)
        cursor = {**self._early, **(page.next if page.next is not None else {"end": True})}
        counts = Counts(accepted=accepted, refused=len(errors))
        self._keep(lines, errors, counts, cursor)

    def _row_of(self, fate: Fate) -> int | None:
        """By its whole record, as nearly every row is told; else by what the vendor knows the record by."""
        row = self._ties.tie(fate.record)
        identity = self._sink.identity(fate.record) if row is None else None
        if identity is None:
            return row
        if self._identities is None:
            self._identities = self._read_identities()
        candidates = self._identities.get(identity, deque())
        while candidates:
            number, digest = candidates.popleft()
            if self._ties.take(number, digest):
                return number
        return None

    def _read_identities(self) -> dict[str, deque[tuple[int, int]]]:
        known = defaultdict[str, deque[tuple[int, int]]](deque)
        for chunk in self._turn.chunks():
            pairs = unpack_rows(self._turn.load(chunk.rows_key))
            for pair, record in zip(pairs, chunk_records(self._turn.load(chunk.object_key)), strict=True):
                if (identity := self._sink.identity(record)) is not None:
                    known[identity].append(pair)
        return known

    def conclude(self) -> Outcome:
        """Account for the rows that the vendor never mentioned."""
        left = self._ties.untied()
        if self._early:
            return stop_before_the_rest(self._turn, self._sink, left)
        if left:
            book_unprocessed(self._turn, left)
        return Moved()

    def _keep(self, lines: list[bytes], errors: list[RowError], counts: Counts, cursor: Cursor) -> None:
        self._turn.keep(
            b"".join(lines), rows=len(lines), counts=counts, cursor=cursor, stream=Stream.OUTCOME, errors=errors
        )


def _line(row: int | None, fate: Fate) -> bytes:
    if fate.status == "success":
        return outcome_line(row or 0, fate.status, fate.record, fate.error, fate.resource)
    return outcome_line(
        row or 0,
        fate.status,
        fate.record,
        fate.error or NO_REASON,
        fate.resource,
        code=REFUSED,
        retryable=fate.retryable,
    )


def _refusal(row: int | None, fate: Fate) -> RowError:
    return RowError(
        row=row,
        identifier=None,
        code=REFUSED,
        message=fate.error or NO_REASON,
        retryable=fate.retryable,
        phase="fetch",
    )
