"""What every job has: who made it when, how far it is, and how it is shown.

```
Open --PATCH UploadComplete--> UploadComplete --queue--> InProgress --> JobComplete
  |                                 |                        |----------> Failed
  +----------PATCH Aborted----------+------------------------+----------> Aborted
```
A query job starts at UploadComplete.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from orchestrator.sandbox.exchange import Request
from orchestrator.sandbox.options import Options
from orchestrator.sandbox.salesforce import ids
from orchestrator.sandbox.salesforce.call import stamp

SECOND = 1_000_000


class State(StrEnum):
    """The states of a job."""

    OPEN = "Open"
    CLOSED = "Closed"  # Bulk API 1.0 alone: it takes no more batches
    UPLOADED = "UploadComplete"
    RUNNING = "InProgress"
    DONE = "JobComplete"
    FAILED = "Failed"
    ABORTED = "Aborted"

    @property
    def is_final(self) -> bool:
        """Whether the job stays as it is."""
        return self in (State.DONE, State.FAILED, State.ABORTED)


@dataclass(kw_only=True)
class Job:
    """A job of any kind; one without data of its own is somebody else's."""

    key: str
    kind: str  # V2Ingest, V2Query, Classic, BigObjectIngest
    object: str
    operation: str
    user: str
    version: float
    created_at: int
    state: State
    delimiter: str = "COMMA"
    ending: str = "LF"
    foreign: bool = False
    pk_chunking: bool = False
    modified_at: int = 0
    released_at: int = 0
    finished_at: int = 0
    looks: int = 0  # how often it was seen InProgress
    end: State | None = None  # how it ends as soon as it was seen often enough
    processed: int = 0
    failed: int = 0
    retries: int = 0
    message: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)  # shown as it is

    @property
    def id(self) -> str:
        """The eighteen characters."""
        return ids.full(self.key)

    @property
    def over_since(self) -> int | None:
        """Since when nothing can happen to the job any more; None: something can."""
        return self.finished_at if self.state.is_final else None

    def move(self, state: State, now: int) -> None:
        """Put the job in a state."""
        self.state, self.modified_at = state, now
        if state.is_final:
            self.finished_at = now

    def settle(self, now: int, options: Options) -> None:
        """Let happen what is due by now: what is not ours only ends."""
        if self.state is State.OPEN and now - self.created_at >= options.sf_open_hours * 3600 * SECOND:
            self.move(State.ABORTED, now)
        if self.state is State.RUNNING and self.end and self.looks >= options.sf_least_looks:
            self.move(self.end, now)

    def due(self, now: int, total: int, options: Options) -> int:
        """Return how many of so many rows should be handled by now."""
        elapsed = (now - self.released_at) / SECOND - options.sf_start_after
        return total if options.sf_speed == 0 else min(total, max(0, int(elapsed * options.sf_speed)))

    def is_waiting(self, now: int, options: Options) -> bool:
        """Whether the job is still in the queue."""
        return now - self.released_at < options.sf_start_after * SECOND

    def short(self) -> dict[str, Any]:
        """The job as the answer to a PATCH shows it."""
        shown = {
            "id": self.id,
            "operation": self.operation,
            "object": self.object,
            "createdById": self.user,
            "createdDate": stamp(self.created_at),
            "systemModstamp": stamp(self.modified_at or self.created_at),
            "state": self.state,
        }
        return shown | self.extra | {"concurrencyMode": "Parallel", "contentType": "CSV", "apiVersion": self.version}

    def full(self, request: Request) -> dict[str, Any]:
        """The job as a look at it, and the list, show it; seen InProgress, it may end."""
        self.looks += self.state is State.RUNNING
        shown = self.short() | {"jobType": self.kind} | self._details(request)
        if request.fault.state_word:
            shown["state"] = request.fault.state_word
        return shown

    def _details(self, request: Request) -> dict[str, Any]:
        if self.kind == "Classic":  # a job of Bulk API 1.0 lacks what only 2.0 has
            return {}
        ours = {"lineEnding": self.ending, "columnDelimiter": self.delimiter}
        if self.state is State.OPEN:
            return ours | self._times()
        counts = {"numberRecordsProcessed": max(0, self.processed - request.fault.miscount)}
        if self.kind != "V2Query":
            counts["numberRecordsFailed"] = self.failed
        told = {"errorMessage": self.message} if self.message else {}
        return ours | counts | self._times() | told

    def _times(self) -> dict[str, int]:
        until = self.finished_at or self.modified_at
        spent = max(0, until - self.released_at) // 1000 if self.released_at else 0
        times = {"retries": self.retries, "totalProcessingTime": spent}
        if self.kind != "V2Query":
            times |= {"apiActiveProcessingTime": spent // 2, "apexProcessingTime": 0}
        return times
