"""Schedules at work: what is due fires, what is queued starts, each once, whatever number of processes looks."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from orchestrator.job.errors import Invalid, Missing
from orchestrator.job.schedule import FireState
from orchestrator.lifecycle.continuing import Continuing, Make
from orchestrator.lifecycle.timetable import Timing, due
from orchestrator.store.connections import Connection
from orchestrator.store.fires import Submit, Times, last_good_job
from orchestrator.store.jobs import Also, NewJob
from orchestrator.store.schedules import Schedule
from orchestrator.store.store import Store

log = logging.getLogger(__name__)

Transaction = Any  # the store's own, handed through


class Scheduler:
    """Fires schedules. Hints are sent after the commit."""

    def __init__(self, store: Store, make: Make, continuing: Continuing, dispatch: Callable[[int], None]) -> None:
        self._store = store
        self._make = make
        self._continuing = continuing
        self._dispatch = dispatch

    def fire(self) -> int:
        """Let every schedule fire whose time has come, and start what is queued; return how many jobs were started.

        A fire's time comes from the schedule's row alone, so that any number of callers makes each of them once.
        """
        started = sum(self._settle(schedule) for schedule in self._store.schedules.due())
        return started + sum(self._start_queued(schedule, at) for schedule, at in self._store.fires.waiting())

    def start_now(self, schedule: Schedule, also: Also | None = None) -> int:
        """Start a job of the schedule at once, whatever runs or is paused, and what `also` writes; return its id.

        Raises Invalid and Missing where its job cannot be submitted any more.
        """
        connection = self._connection(schedule)
        job_id = self._store.fires.start_now(schedule, self._submit(schedule, connection, also))
        self._dispatch(connection.budget_id)
        return job_id

    def forget(self, kept: timedelta) -> None:
        """Forget fires that are older than `kept`."""
        self._store.fires.forget(kept)

    def _settle(self, schedule: Schedule) -> int:
        timing = Timing(cron=schedule.cron, every=schedule.every, timezone=schedule.timezone)
        come = due(timing, schedule.next_fire_at, self._store.database_time(), schedule.catch_up)
        times = Times(fires=come.fires, missed=come.missed, next_at=come.next_at)
        cancel = self._store.control.cancel_within
        try:
            connection = self._connection(schedule)
            states = self._store.fires.settle(schedule, times, self._submit(schedule, connection), cancel)
        except (Invalid, Missing) as error:
            self._refused(schedule, error)
            self._store.fires.settle(schedule, replace(times, refusal=str(error)), _nothing, cancel)
            return 0
        started = (states or []).count(FireState.STARTED)
        if started:
            self._dispatch(connection.budget_id)
        return started

    def _start_queued(self, schedule: Schedule, at: Any) -> bool:
        try:
            connection = self._connection(schedule)
            started = self._store.fires.start_queued(schedule, at, self._submit(schedule, connection))
        except (Invalid, Missing) as error:
            self._refused(schedule, error)
            self._store.fires.start_queued(schedule, at, _nothing, refusal=str(error))
            return False
        if started:
            self._dispatch(connection.budget_id)
        return started

    def _connection(self, schedule: Schedule) -> Connection:
        return self._store.connections.by_id(schedule.connection_id)

    def _submit(self, schedule: Schedule, connection: Connection, also: Also | None = None) -> Submit:
        def submit(transaction: Transaction) -> int:
            new = self._new(transaction, schedule, connection)
            job_id = self._store.jobs.insert(transaction, replace(new, schedule_id=schedule.id))
            if also is not None:
                also(transaction, job_id)
            return job_id

        return submit

    def _new(self, transaction: Transaction, schedule: Schedule, connection: Connection) -> NewJob:
        if not schedule.continue_from_last:
            return self._make(connection, schedule.criteria, schedule.request)
        last = last_good_job(transaction, schedule.id)
        if last is None:
            return self._continuing.first(connection, schedule.criteria, schedule.request)
        return self._continuing.after(
            self._store.jobs.by_id(last), connection, schedule.criteria, {**schedule.request, "continueFromJobId": last}
        )

    def _refused(self, schedule: Schedule, error: Exception) -> None:
        log.warning("schedule.refused", extra={"schedule": schedule.id, "cause": str(error)})


def _nothing(_: Transaction) -> int:
    """A refused time has no job."""
    return 0
