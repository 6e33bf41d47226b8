"""What every batch has: its request, how far it is, and how it is shown.

```
Queued --queue--> InProgress --> Completed
  |                   |--------> Failed
  +--abort, split--> NotProcessed
```
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from orchestrator.sandbox.options import Options
from orchestrator.sandbox.salesforce import ids
from orchestrator.sandbox.salesforce.bulk1.speech import Told
from orchestrator.sandbox.salesforce.job import SECOND


class BatchState(StrEnum):
    """The states of a batch."""

    QUEUED = "Queued"
    RUNNING = "InProgress"
    DONE = "Completed"
    FAILED = "Failed"
    SKIPPED = "NotProcessed"

    @property
    def is_final(self) -> bool:
        """Whether the batch stays as it is."""
        return self not in (BatchState.QUEUED, BatchState.RUNNING)


@dataclass(kw_only=True)
class Batch:
    """One batch of a job."""

    key: str
    job: str  # the job's key
    request: bytes
    created_at: int
    state: BatchState = BatchState.QUEUED
    modified_at: int = 0
    began_at: int = 0
    message: str | None = None
    processed: int = 0
    failed: int = 0
    looks: int = 0  # how often it was seen InProgress
    tries: int = 0  # how often it was put back into the queue
    end: BatchState | None = None
    replaced: bool = False  # by chunks; the job does not count it

    @property
    def is_live(self) -> bool:
        """Whether something will still happen to the batch."""
        return not self.state.is_final

    def move(self, state: BatchState, now: int) -> None:
        """Put the batch in a state."""
        self.state, self.modified_at = state, now

    def fail(self, message: str) -> None:
        """Let the batch end Failed, in these words."""
        self.message, self.end = message, BatchState.FAILED

    def settle(self, now: int, options: Options, *, retries: bool) -> Sequence["Batch"]:
        """Let happen what is due by now; return the batches that this one was split into since."""
        if self.state is BatchState.QUEUED and now - self.created_at >= options.sf_start_after * SECOND:
            self.move(BatchState.RUNNING, now)
            self.began_at = now
            self.begin(options)
        if self.state is BatchState.RUNNING and self.end is None:
            self.work(self._due(now, options), options)
        if self.state is BatchState.RUNNING and self.end is not None and self.looks >= self._least_looks(options):
            self._finish(self.end, now, options, retries=retries)
        return ()

    def begin(self, options: Options) -> None:
        """Read the request."""

    def work(self, upto: int, options: Options) -> None:
        """Handle the rows up to a number of them."""

    def finished(self, options: Options) -> None:
        """Make what is there once the batch is Completed."""

    def _finish(self, end: BatchState, now: int, options: Options, *, retries: bool) -> None:
        if end is BatchState.DONE and self.tries < options.sf_batch_retries:
            self.tries += 1
            if retries:
                self.looks = 0
                return
            self.message, end = "InternalServerError : Retries are disabled", BatchState.FAILED
        if end is BatchState.DONE:
            self.finished(options)
        self.move(end, now)

    def _due(self, now: int, options: Options) -> int:
        return MOST if options.sf_speed == 0 else int((now - self.began_at) / SECOND * options.sf_speed)

    def _least_looks(self, options: Options) -> int:
        if not options.sf_shuffle:
            return options.sf_least_looks
        return options.sf_least_looks + random.Random(f"{options.sf_shuffle}:{self.key}").randint(0, options.sf_stagger)

    def shown(self, word: str | None = None) -> dict[str, Any]:
        """The batch as a look at it shows it; seen InProgress, it may end."""
        self.looks += self.state is BatchState.RUNNING
        spent = max(0, self.modified_at - self.began_at) // 1000 if self.state.is_final and self.began_at else 0
        return {
            "id": ids.full(self.key),
            "jobId": ids.full(self.job),
            "state": word or str(self.state),
            "stateMessage": self.message,
            "createdDate": Told(self.created_at),
            "systemModstamp": Told(self.modified_at or self.created_at),
            "numberRecordsProcessed": self.processed,
            "numberRecordsFailed": self.failed,
            "totalProcessingTime": spent,
            "apiActiveProcessingTime": spent // 2,
            "apexProcessingTime": 0,
        }


MOST = 1 << 60  # rows: all of them
