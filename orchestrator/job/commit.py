"""What one commit of a turn writes, as a value: the store carries it out whole or not at all (I1, I2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from orchestrator.job.chunk import Chunk, ChunkState, Part, RowError, Stream, VendorJobState
from orchestrator.job.record import Counts
from orchestrator.job.status import JobOutcome, StopReason, WaitReason
from orchestrator.job.step import Cursor, Successor


@dataclass(frozen=True, kw_only=True)
class NewVendorJob:
    """Plan a vendor job; `chunks` are the seqs of the chunks it shall take (they must exist or be new here)."""

    seq: int
    marker: str
    rows: int = 0
    chunks: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class MoveVendorJob:
    """Move a vendor job, guarded: the commit is Fenced unless its state is one of `when`."""

    seq: int
    when: Sequence[VendorJobState]
    to: VendorJobState
    remote_id: str | None = None
    adopted: bool = False  # `remote_id` was found by its marker, not answered to a create


@dataclass(frozen=True, kw_only=True)
class VendorProgress:
    """What the vendor says of a vendor job's rows; moves `progress_at` when it grows."""

    seq: int
    processed: int
    errors: int
    total: int | None = None


@dataclass(frozen=True, kw_only=True)
class MoveChunk:
    """Move a chunk; guarded by its vendor job being OPEN unless the move is to REPLACED."""

    seq: int
    to: ChunkState
    remote_id: str | None = None  # of the vendor's batch, as soon as it is known


@dataclass(frozen=True, kw_only=True)
class TakeBack:
    """Take rows that a vendor job never handled out of the result, with their count and errors: they are sent again.

    They are all that the last part of that vendor job's `fetch` holds.
    """

    vendor_seq: int
    rows: int
    first_row: int  # source row number
    last_row: int


@dataclass(frozen=True, kw_only=True)
class StartOver:
    """Take back all records of a download, their counts, and the steps that poll or fetch, but for this one."""


# a Chunk: insert it
Effect = NewVendorJob | MoveVendorJob | VendorProgress | Chunk | MoveChunk | TakeBack | StartOver


@dataclass(frozen=True, kw_only=True)
class Event:
    """A line of the job's timeline: one name, one meaning; never a secret, never a record."""

    name: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Fixes:
    """What became of the step's budget in this turn, as the purse learned it."""

    blocked_for: timedelta | None = None  # refused by rate, quota or gate: dispatch skips the budget until then
    blocked_by: str | None = None
    gate_for: timedelta | None = None
    learned: Mapping[str, Any] | None = None  # by limit name: remaining, limit, resets_in (s), header
    nonsense: Mapping[str, int] = field(default_factory=dict)  # by header, how often it said what cannot be true
    failed: bool = False
    answered: bool = False
    squeezed: bool = False  # the vendor refused, did not answer in time, or had no slot
    latency: timedelta | None = None  # mean of the reads that were answered
    worked: timedelta | None = None  # how long the turn spoke with the vendor; with its end alone


@dataclass(frozen=True, kw_only=True)
class Wait:
    """The step waits; `successors` are born with it."""

    pause: timedelta
    reason: WaitReason
    successors: Sequence[Successor] = ()
    failed: bool = False  # counts as a failure of the step and its budget

    @classmethod
    def nothing(cls) -> "Wait":
        """Go on as soon as it is this step's turn again."""
        return cls(pause=timedelta(0), reason=WaitReason.TURN)


@dataclass(frozen=True, kw_only=True)
class Moved:
    """The step is done; `successors` are born with it."""

    successors: Sequence[Successor] = ()


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """The whole job must stop: ABORTED, or THROTTLED where `reason` says the day's calls are used up."""

    reason: StopReason
    message: str
    restart_in: timedelta | None = None  # THROTTLED: goes on by itself after this
    is_done: bool = False  # the step itself is done: a restart goes on with its successors
    successors: Sequence[Successor] = ()  # born stopped
    effects: Sequence[Effect] = ()


@dataclass(frozen=True, kw_only=True)
class Finished:
    """The whole job is COMPLETED; `sealed` parts take the place of all parts of their stream."""

    outcome: JobOutcome
    message: str
    sealed: Mapping[Stream, Sequence[Part]] = field(default_factory=dict)


Outcome = Wait | Moved | Stopped | Finished


@dataclass(frozen=True, kw_only=True)
class Commit:
    """Everything one commit writes. `outcome` None: a checkpoint, the lease is kept; else the end of the turn."""

    cursor: Cursor | None = None  # None: unchanged
    part: Part | None = None
    counts: Counts = field(default_factory=Counts)
    effects: Sequence[Effect] = ()
    row_errors: Sequence[RowError] = ()
    events: Sequence[Event] = ()
    calls: int = 0  # vendor calls made since the last commit; counted against apiLimit's reservation
    successors: Sequence[Successor] = ()  # born with this commit, before those of the outcome
    usage: Mapping[str, int] = field(default_factory=dict)  # by quota limit; the ledger a lost limiter is seeded from
    top_up: int = 0  # apiLimit calls to reserve anew, if the limit allows
    meta: Mapping[str, Any] | None = None  # merged into the job's meta
    vendor_counted: int | None = None
    native: bool | None = None
    default_select_fields: Sequence[str] | None = None
    stop_reason: StopReason | None = None  # noted beside the status, where a cancel could not reach the vendor
    status_message: str | None = None
    fixes: Fixes = field(default_factory=Fixes)
    outcome: Outcome | None = None


@dataclass(frozen=True, kw_only=True)
class Signals:
    """What a commit found out on the way."""

    stop: bool  # the step was stopped or paused: end the turn
    others_wait: bool  # another step of this budget is due and not leased
    reserved: int = 0  # apiLimit calls that the top-up granted
    finish_step: int | None = None  # this commit made the job's last step done: the finish step to take
