"""A job of Bulk API 1.0: it never says that it is complete, its batches do."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from orchestrator.sandbox.options import Options
from orchestrator.sandbox.salesforce.bulk1.batch import Batch, BatchState
from orchestrator.sandbox.salesforce.bulk1.chunking import Chunking
from orchestrator.sandbox.salesforce.bulk1.kinds import Kind
from orchestrator.sandbox.salesforce.bulk1.speech import Told
from orchestrator.sandbox.salesforce.job import Job, State

COUNTED = {
    "numberBatchesQueued": BatchState.QUEUED,
    "numberBatchesInProgress": BatchState.RUNNING,
    "numberBatchesCompleted": BatchState.DONE,
    "numberBatchesFailed": BatchState.FAILED,
}


@dataclass(kw_only=True)
class BatchJob(Job):
    """One job and its batches, in the order in which they were added."""

    content: Kind
    serial: bool = False
    chunking: Chunking | None = None
    retries_batches: bool = True
    batches: dict[str, Batch] = field(default_factory=dict)

    @property
    def over_since(self) -> int | None:
        """Since when nothing can happen to the job any more; None: something can."""
        if any(batch.is_live for batch in self.batches.values()):
            return None
        return max(self.created_at, self.modified_at, *(batch.modified_at for batch in self.batches.values()), 0)

    def settle(self, now: int, options: Options) -> None:
        """Let happen what is due in the batches: side by side, or the first of them alone."""
        for batch in list(self._running()):
            for born in batch.settle(now, options, retries=self.retries_batches):
                self.batches[born.key] = born

    def _running(self) -> Iterable[Batch]:
        live = [batch for batch in self.batches.values() if batch.is_live]
        return live[:1] if self.serial else live

    def abort(self, now: int) -> None:
        """Let no batch begin any more; those that run go on."""
        self.move(State.ABORTED, now)
        for batch in self.batches.values():
            if batch.state is BatchState.QUEUED:
                batch.move(BatchState.SKIPPED, now)

    def short(self) -> dict[str, Any]:
        """The job as the lists of 2.0 show it."""
        mode = "Serial" if self.serial else "Parallel"
        return super().short() | {"concurrencyMode": mode, "contentType": self.content.name}

    def info(self) -> dict[str, Any]:
        """The job as its own calls show it, in the order that strict readers want."""
        counted = [batch for batch in self.batches.values() if not batch.replaced]
        for batch in counted:
            batch.looks += batch.state is BatchState.RUNNING
        views = [batch.shown() for batch in counted if batch.state.is_final]
        rule = self.extra.get("assignmentRuleId")
        return {
            **self._identity(),
            **{name: sum(batch.state is state for batch in counted) for name, state in COUNTED.items()},
            "numberBatchesTotal": len(counted),
            "numberRecordsProcessed": sum(batch.processed for batch in counted),
            "numberRetries": sum(batch.tries for batch in counted),
            "apiVersion": self.version,
            **({"assignmentRuleId": rule} if rule else {}),
            "numberRecordsFailed": sum(batch.failed for batch in counted),
            **{name: sum(view[name] for view in views) for name in TIMES},
        }

    def _identity(self) -> dict[str, Any]:
        external = self.extra.get("externalIdFieldName")
        return {
            "id": self.id,
            "operation": self.operation,
            "object": self.object,
            "createdById": self.user,
            "createdDate": Told(self.created_at),
            "systemModstamp": Told(self.modified_at or self.created_at),
            "state": str(self.state),
            **({"externalIdFieldName": external} if external else {}),
            "concurrencyMode": "Serial" if self.serial else "Parallel",
            "contentType": self.content.name,
        }


TIMES = ("totalProcessingTime", "apiActiveProcessingTime", "apexProcessingTime")
