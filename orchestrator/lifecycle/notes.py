"""What a turn has gathered since its last commit."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.job.chunk import RowError
from orchestrator.job.commit import Commit, Effect, Event, Fixes, Outcome, Stopped
from orchestrator.job.record import Counts
from orchestrator.job.status import StopReason
from orchestrator.job.step import Cursor, Successor
from orchestrator.lifecycle.vendors import OpenVendor


@dataclass
class Notes:
    """Becomes a Commit."""

    counts: Counts = field(default_factory=Counts)
    errors: list[RowError] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    successors: list[Successor] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    meta: dict[str, Any] = field(default_factory=dict)
    vendor_counted: int | None = None
    native: bool | None = None
    fields_read: Sequence[str] | None = None
    stop_reason: StopReason | None = None
    status_message: str | None = None

    def commit(self, *, cursor: Cursor | None, outcome: Outcome | None, opened: OpenVendor | None) -> Commit:
        """Return everything as one commit, with what the purse learned; its part is added once it is written."""
        base = Commit(
            cursor=cursor,
            counts=self.counts,
            effects=[*self.effects, *(outcome.effects if isinstance(outcome, Stopped) else ())],
            row_errors=self.errors,
            events=self.events,
            successors=self.successors,
            meta=self.meta or None,
            vendor_counted=self.vendor_counted,
            native=self.native,
            default_select_fields=self.fields_read,
            stop_reason=self.stop_reason,
            status_message=self.status_message,
            outcome=outcome,
        )
        if opened is None:
            return replace(base, fixes=Fixes())
        calls = opened.purse.take_calls()
        return replace(
            base,
            calls=calls,
            usage=opened.usage_of(opened.purse.take_units()),
            top_up=opened.purse.top_up_wanted() if outcome is None else 0,
            fixes=opened.purse.take_fixes(ending=outcome is not None),
        )
