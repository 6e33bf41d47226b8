"""The contract between a step and its turn.

A step is a function of its turn: it hands over what it got (`keep`, committed by time), commits an intent or an effect
at once (`save`), and answers Moved, Wait, Stopped or Finished. It never touches the store, sleeps, retries or enqueues.
Errors of the provider go through it; lifecycle turns them into outcomes.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import datetime
from typing import Any, Protocol

from orchestrator.job.chunk import Chunk, Part, RowError, Stream, VendorJob
from orchestrator.job.commit import Effect
from orchestrator.job.record import Counts, Job
from orchestrator.job.status import StopReason
from orchestrator.job.step import Cursor, Step, Successor
from orchestrator.providers.batching import Files
from orchestrator.providers.provider import Provider, RemoteStatus
from orchestrator.results.delivered import Versions
from orchestrator.results.inputs.row import InputReader


class Turn(Protocol):
    """One bounded run of one step."""

    @property
    def job(self) -> Job:
        """The job as it was when the turn began."""
        ...

    @property
    def step(self) -> Step:
        """The step as it was when the turn began."""
        ...

    @property
    def epoch(self) -> int:
        """The number of this turn's lease; part of the names of what it writes."""
        ...

    @property
    def began_at(self) -> datetime:
        """The database's clock when the turn began."""
        ...

    @property
    def vendor(self) -> Provider:
        """The provider, through this turn's metered client."""
        ...

    @property
    def vendor_job(self) -> VendorJob:
        """The vendor job that this step is about."""
        ...

    def status(self) -> RemoteStatus:
        """What the vendor says of its job: as a list showed it to many turns at once, else by a call."""
        ...

    @property
    def is_over(self) -> bool:
        """Whether the turn should end at the next good moment: time is up, others wait, paused, fenced, stopping."""
        ...

    def may_go_on(self) -> bool:
        """The opposite of `is_over`, as a function to hand on."""
        ...

    def keep(
        self,
        body: bytes | bytearray | memoryview,
        *,
        rows: int,
        counts: Counts,
        cursor: Cursor,
        stream: Stream = Stream.RECORDS,
        first_key: str | None = None,
        last_key: str | None = None,
        errors: Sequence[RowError] = (),
        with_next_save: bool = False,
        header: bytes | None = None,
    ) -> None:
        """Take over lines of a result together with the cursor behind them; committed together, by time or size.

        `with_next_save`: the cursor is behind effects too, so that they must all go into the next `save`.
        `header`: the lines are rows of a CSV with this header, the same for all that the step keeps.
        """
        ...

    def save(
        self,
        *effects: Effect,
        cursor: Cursor | None = None,
        counts: Counts | None = None,
        successors: Sequence[Successor] = (),
    ) -> None:
        """Commit these effects now, with everything kept so far. Raises Fenced: then nothing of it was written."""
        ...

    def tell(
        self,
        *,
        event: str | None = None,
        data: Mapping[str, Any] | None = None,
        meta: Mapping[str, Any] | None = None,
        vendor_counted: int | None = None,
        native: bool | None = None,
        fields_read: Sequence[str] | None = None,
    ) -> None:
        """Note an event, the fields read where none were named, or what the provider adds to the job.

        Written with the next commit.
        """
        ...

    def note_stop(self, reason: StopReason, message: str) -> None:
        """Note why a canceled job could not be stopped at the vendor; written with the next commit."""
        ...

    def rescue(self, remote_id: str) -> None:
        """Store the id of a vendor job that a fenced turn created, so that it can be aborted."""
        ...

    def ours(self, remote_ids: Sequence[str]) -> Set[str]:
        """Return those of the vendor's ids that belong to vendor jobs of ours, at this connection."""
        ...

    def delivered(self) -> Versions:
        """Return how the records of the earlier jobs that the criteria name were delivered last."""
        ...

    def chunks(self) -> Sequence[Chunk]:
        """The chunks of this step's vendor job, in order."""
        ...

    def load(self, key: str) -> bytes:
        """Read an object of this job."""
        ...

    def write(self, key: str, body: bytes) -> None:
        """Write an object of this job, whose key holds the turn's epoch: no two turns write the same one."""
        ...

    def rows_tied(self) -> Iterator[int]:
        """The source rows whose fates this step has committed in earlier turns."""
        ...

    def files(self) -> Files | None:
        """Return the files that came with the user's table; None where it came alone."""
        ...

    def open_input(self) -> InputReader:
        """Open the user's file."""
        ...

    def seal(self, stream: Stream) -> Sequence[Part] | None:
        """Bring the parts of a stream into their final form; None: they are good as they are."""
        ...
