"""The life of one job: submit, take its turns, cancel, pause, resume, restart."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from orchestrator.job.criteria import Criteria, DownloadCriteria, UploadCriteria
from orchestrator.job.errors import Invalid
from orchestrator.job.record import Job
from orchestrator.lifecycle.continuing import Continuing
from orchestrator.lifecycle.scheduler import Scheduler
from orchestrator.lifecycle.submit import new_job
from orchestrator.lifecycle.take import TurnTaker
from orchestrator.providers.provider import Family
from orchestrator.store.connections import Connection
from orchestrator.store.jobs import Also, NewJob
from orchestrator.store.store import Store


class Lifecycle:
    """What can happen to a job. Hints are sent after the commit, and never make a call fail."""

    def __init__(
        self,
        *,
        store: Store,
        families: Mapping[str, Family],
        turns: TurnTaker,
        dispatch: Callable[[int], None],
    ) -> None:
        self._store = store
        self._families = families
        self._turns = turns
        self._dispatch = dispatch
        self._continuing = Continuing(store, families, self._new)
        self.schedules = Scheduler(store, self._new, self._continuing, dispatch)

    def check(self, connection: Connection, criteria: Criteria) -> Criteria:
        """Return the criteria as the provider completes them; makes no call. Raises Invalid."""
        return self._new(connection, criteria, {}).criteria

    def submit_download(
        self,
        connection: Connection,
        criteria: DownloadCriteria,
        request: Mapping[str, Any],
        also: Also | None = None,
        earlier: Job | None = None,
    ) -> Job:
        """Store a download, and what `also` writes, in one transaction; then hint its first step.

        With `earlier` it begins where that job ended. Raises Invalid; then nothing is stored.
        """
        if earlier is None:
            return self._submit(self._new(connection, criteria, request), also)
        return self._submit(self._continuing.after(earlier, connection, criteria, request), also)

    def earlier(self, tenant_id: int, job_id: int) -> Job:
        """Return a job that another one may go on from. Raises Invalid."""
        return self._continuing.earlier(tenant_id, job_id)

    def first_of_chain(self, connection: Connection, criteria: Criteria) -> NewJob:
        """Return the first job of a chain, not stored yet. Raises Invalid where there can be no chain."""
        return self._continuing.first(connection, criteria, {})

    def submit_upload(
        self,
        connection: Connection,
        criteria: UploadCriteria,
        request: Mapping[str, Any],
        *,
        input_key: str,
        input_bytes: int,
        meta: Mapping[str, Any] | None = None,
        also: Also | None = None,
    ) -> Job:
        """Store an upload whose file is in the object store already; else like `submit_download`."""
        new = self._new(connection, criteria, request)
        return self._submit(replace(new, input_key=input_key, input_bytes=input_bytes, meta=meta), also)

    def submit_again(
        self,
        connection: Connection,
        criteria: UploadCriteria,
        request: Mapping[str, Any],
        of: Callable[[NewJob], NewJob],
        also: Also,
    ) -> Job:
        """Store an upload that `of` ties to an earlier one; else like `submit_upload`."""
        return self._submit(of(self._new(connection, criteria, request)), also)

    def _new(self, connection: Connection, criteria: Criteria, request: Mapping[str, Any]) -> NewJob:
        if criteria.expires_at is not None and criteria.expires_at <= self._store.database_time():
            raise Invalid("expiresAt", "is over", "Name a time to come, or leave it out.")
        return new_job(self._families[connection.provider], connection, criteria, request)

    def _submit(self, new: NewJob, also: Also | None) -> Job:
        job = self._store.jobs.add(new, also)
        self._dispatch(job.budget_id)
        return job

    def take_turn(self, step_id: int) -> bool:
        """Take one step further, if it is due and nobody else has it; harmless when repeated, late or lost."""
        return self._turns.take_turn(step_id)

    def stop(self) -> None:
        """Ask the running turns of this process to end at their next page."""
        self._turns.stop()

    def cancel(self, tenant_id: int, job_id: int) -> Job:
        """Stop the job for good, at the vendor too where it can be. Raises Missing, Conflict."""
        return self._moved(self._store.control.cancel(tenant_id, job_id))

    def pause(self, tenant_id: int, job_id: int) -> Job:
        """Keep everything, take no further turn. Raises Missing, Conflict."""
        return self._store.control.pause(tenant_id, job_id)

    def resume(self, tenant_id: int, job_id: int) -> Job:
        """Go on after a pause. Raises Missing, Conflict."""
        return self._moved(self._store.control.resume(tenant_id, job_id))

    def restart(self, tenant_id: int | None, job_id: int, api_limit: int | None = None) -> Job:
        """Go on where an ABORTED or THROTTLED job stopped. Raises Missing, Conflict."""
        return self._moved(self._store.control.restart(tenant_id, job_id, api_limit))

    def _moved(self, job: Job) -> Job:
        self._dispatch(job.budget_id)
        return job
