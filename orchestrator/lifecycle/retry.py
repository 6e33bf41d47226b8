"""Retry: a new upload of just some rows of an earlier one, by the numbers they have in the user's own file.

A row that the vendor took, or may have taken, is never sent again:

    outcome ──▶ rows refused, rows without a fate ─┐
    chunks of vendor jobs never released ──────────┼──▶ less the rows of earlier retries ──▶ the new job's selection
    the file behind what was read of it ───────────┘
"""

from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from secrets import token_hex
from typing import Any

from orchestrator.job.chunk import UNPROCESSED, Chunk, ChunkState, Stream, VendorJob, VendorJobState
from orchestrator.job.criteria import UploadCriteria
from orchestrator.job.errors import Conflict, Invalid
from orchestrator.job.record import Job
from orchestrator.job.status import JobStatus
from orchestrator.lifecycle.lifecycle import Lifecycle
from orchestrator.results.chunks import selection_key, unpack_rows
from orchestrator.results.fates import REFUSED
from orchestrator.results.inputs.selection import (
    TO_THE_END,
    Range,
    ranges_of,
    read_selection,
    without,
    write_selection,
)
from orchestrator.results.mending import Failure, failures
from orchestrator.results.objects import ObjectStore
from orchestrator.results.outcome import sort_outcome
from orchestrator.store.connections import Connection
from orchestrator.store.engine import StoreDown
from orchestrator.store.jobs import Also
from orchestrator.store.retries import note_retry
from orchestrator.store.store import Store


class Only(StrEnum):
    """Which rows are sent again."""

    TRANSIENT = "transient"  # refused for a reason that may have passed
    FAILED = "failed"  # refused for whatever reason
    UNPROCESSED = "unprocessed"  # never handled by the vendor


MAY = frozenset({JobStatus.COMPLETED, JobStatus.CANCELED, JobStatus.ABORTED})


class RetryDesk:
    """Makes jobs of rows that did not go through."""

    def __init__(self, store: Store, objects: ObjectStore, lifecycle: Lifecycle) -> None:
        self._store = store
        self._objects = objects
        self._lifecycle = lifecycle

    def submit(self, connection: Connection, job: Job, only: Only, also: Also) -> Job:
        """Submit the rows as a new job with the same criteria, and what `also` writes, in one transaction.

        Raises Conflict (it still runs, is a download, was retried at the same time) and Invalid (no such row).
        """
        criteria, input_key = _retryable(job, only)
        seen = self._store.retries.count(job.id)
        key = selection_key(token_hex(16))

        def noted(transaction: Any, new_id: int) -> None:
            note_retry(transaction, job.id, seen, job.status)
            also(transaction, new_id)

        if not write_selection(self._objects, key, self._rows(job, only)):
            raise _nothing(job, only)
        try:
            return self._lifecycle.submit_again(
                connection,
                criteria,
                self._store.jobs.request_of(job.id),
                lambda new: replace(
                    new,
                    input_key=input_key,
                    input_bytes=job.input_bytes,
                    input_rows_key=key,
                    retry_of=job.id,
                    meta={"retryOf": job.id, "only": only},
                ),
                noted,
            )
        except StoreDown:
            raise  # the job may be there and need its rows
        except Exception:
            self._objects.delete(key)
            raise

    def _rows(self, job: Job, only: Only) -> Iterator[Range]:
        taken = (read_selection(self._objects, key) for key in self._store.retries.rows_keys_of(job.id))
        wanted = [self._told(job, only)]
        if only is Only.UNPROCESSED and job.status is JobStatus.CANCELED:
            wanted += [self._unsent(job), self._unread(job)]
        return without(ranges_of(*wanted), ranges_of(*taken))

    def _told(self, job: Job, only: Only) -> Iterator[Range]:
        """Rows by what their outcome says."""
        parts = self._store.parts.of_job(job.id, Stream.OUTCOME)
        bodies = sort_outcome(self._objects, parts, f"jobs/{job.id}/scratch/retry-{token_hex(8)}")
        for failure in failures(body.body for body in bodies):
            if failure.id and _is_wanted(failure, only):
                yield failure.id, failure.id

    def _unsent(self, job: Job) -> Iterator[Range]:
        """Rows in chunks that cannot have had an effect: the vendor job that took them was never released."""
        vendor_jobs = {each.seq: each for each in self._store.vendor_jobs.of_job(job.id)}
        chunks = [
            chunk
            for chunk in self._store.chunks.of_job(job.id)
            if _had_no_effect(chunk, vendor_jobs.get(chunk.vendor_seq), job)
        ]
        for chunk in sorted(chunks, key=lambda each: each.first_row):
            for row, _ in unpack_rows(self._objects.get(chunk.rows_key)):
                yield row, row

    def _unread(self, job: Job) -> Iterator[Range]:
        """Rows that were never read: the job was canceled before."""
        last_read = self._store.retries.unread_after(job.id)
        if last_read is None:
            return
        behind = (last_read + 1, TO_THE_END)
        if job.input_rows_key is None:
            yield behind
        else:
            mine = read_selection(self._objects, job.input_rows_key)
            yield from ((max(first, behind[0]), last) for first, last in mine if last >= behind[0])


def _retryable(job: Job, only: Only) -> tuple[UploadCriteria, str]:
    if not isinstance(job.criteria, UploadCriteria) or job.input_key is None:
        raise Conflict(f"job {job.id} is a download", "Submit it again, or restart it.", code="not_an_upload")
    if job.status not in MAY:
        raise Conflict(f"job {job.id} is {job.status}", "Wait for its end, or cancel it.", code="job_not_ended")
    if job.status is JobStatus.ABORTED and only is Only.UNPROCESSED:
        raise Conflict(
            f"job {job.id} is ABORTED", "Its restart sends these rows, and no other.", code="restart_instead"
        )
    return job.criteria, job.input_key


def _nothing(job: Job, only: Only) -> Invalid:
    advice = "See its errors; rows that a retry has taken are retried through that job."
    return Invalid("only", f"job {job.id} has no row left that is {only}", advice, code="nothing_to_retry")


def _is_wanted(failure: Failure, only: Only) -> bool:
    match only:
        case Only.TRANSIENT:
            return failure.code == REFUSED and failure.retryable
        case Only.FAILED:
            return failure.code == REFUSED
        case Only.UNPROCESSED:
            return failure.code == UNPROCESSED


def _had_no_effect(chunk: Chunk, vendor_job: VendorJob | None, job: Job) -> bool:
    if chunk.state is ChunkState.REPLACED:
        return False  # its rows are in another chunk
    if vendor_job is None or chunk.state is ChunkState.NEW:
        return True
    # Bulk API 1.0 has no commit point: a batch that was added runs, whatever becomes of its job
    return vendor_job.state is VendorJobState.ABANDONED and job.criteria.bulk_api != "1.0"
