"""What concerns many jobs: the dispatch tick, schedules, the day turn, sweeps. Beat calls it; any number may."""

import logging
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice

from orchestrator.dispatch import Dispatch
from orchestrator.job.errors import Conflict, Missing, OrchestratorError
from orchestrator.lifecycle import Lifecycle
from orchestrator.lifecycle.reaper import Reaper
from orchestrator.notify import Notifier
from orchestrator.results.objects import ObjectStore
from orchestrator.store.store import Store

log = logging.getLogger(__name__)

USAGE_KEPT = timedelta(days=3)
GARBAGE_AFTER = timedelta(hours=24)  # no turn, upload or sealing lasts that long
AT_ONCE = 500  # keys looked up in one query


class Upkeep:
    """Periodic work; each call is harmless when repeated, late or lost."""

    def __init__(
        self,
        *,
        store: Store,
        objects: ObjectStore,
        dispatch: Dispatch,
        lifecycle: Lifecycle,
        notifier: Notifier,
        reaper: Reaper,
        retention: timedelta,
    ) -> None:
        self._store = store
        self._objects = objects
        self._retention = retention
        self._dispatch = dispatch
        self._lifecycle = lifecycle
        self._notifier = notifier
        self._reaper = reaper

    def tick(self) -> int:
        """Hint every due step that has no hint; return how many hints were given."""
        return self._dispatch.tick()

    def day_turn(self) -> int:
        """Restart the THROTTLED jobs whose time has come; return how many."""
        restarted = 0
        for job_id in self._store.sweeps.throttled_and_due():
            try:
                self._lifecycle.restart(None, job_id)
                restarted += 1
            except (Conflict, Missing):
                continue  # somebody else was faster
        return restarted

    def fire_schedules(self) -> int:
        """Start the jobs of all schedules that are due, and those that are queued; return how many."""
        return self._lifecycle.schedules.fire()

    def deliver(self) -> int:
        """Send the notifications that are due; return how many were taken."""
        return self._notifier.deliver()

    def reap(self) -> int:
        """Stop vendor jobs of ours that nobody needs any more; return how many are done with."""
        return self._reaper.reap()

    def sweep(self) -> None:
        """Forget dead workers and old usage, and report what must never be (I5)."""
        try:
            self._store.workers.sweep()
            self._store.usage.sweep(USAGE_KEPT)
            self._store.idempotency.sweep()
            self._report("steps.forgotten", self._store.sweeps.forgotten_steps())
            self._report("jobs.without_steps", self._store.sweeps.running_without_steps())
            self._report("steps.ready_under_stopped_jobs", self._store.sweeps.ready_under_stopped_jobs())
        except OrchestratorError as error:
            log.warning("sweep.failed", extra={"cause": str(error)})

    def tidy(self) -> int:
        """Forget jobs that ended longer than the retention ago or have expired, and delete objects that no row names.

        Returns how many other objects were deleted. One younger than a day is left alone: its row may be on its way.
        """
        for job_id in self._store.retention.expired(self._retention):
            self._forget(job_id)
        self._lifecycle.schedules.forget(self._retention)
        old = self._old_objects(self._store.database_time() - GARBAGE_AFTER)
        deleted = 0
        while keys := list(islice(old, AT_ONCE)):
            for key in self._store.garbage.unnamed(keys):
                self._objects.delete(key)
                deleted += 1
        return deleted

    def _forget(self, job_id: int) -> None:
        """Forget a job, and delete at once what it alone named."""
        with suppress(Missing):
            input_key = self._store.jobs.by_id(job_id).input_key
            if self._store.retention.forget(job_id, self._retention):
                keys = [found.key for found in self._objects.list(f"jobs/{job_id}/")]
                for key in self._store.garbage.unnamed([*keys, *([input_key] if input_key else [])]):
                    self._objects.delete(key)

    def _old_objects(self, before: datetime) -> Iterator[str]:
        for prefix in ("jobs/", "inputs/"):
            yield from (found.key for found in self._objects.list(prefix) if found.modified < before)

    def _report(self, name: str, found: object) -> None:
        if found:
            log.error(name, extra={"ids": found})
