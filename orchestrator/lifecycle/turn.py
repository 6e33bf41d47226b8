"""A live turn: what a step hands over becomes checkpoints, each one part and one commit under the turn's lease."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from orchestrator.job.chunk import Chunk, Part, RowError, Stream, VendorJob
from orchestrator.job.commit import Commit, Effect, Event, Outcome, Signals
from orchestrator.job.criteria import UploadCriteria
from orchestrator.job.errors import Fenced
from orchestrator.job.record import Counts, Job
from orchestrator.job.status import StopReason
from orchestrator.job.step import Cursor, Step, Successor
from orchestrator.lifecycle.heartbeat import Pulse
from orchestrator.lifecycle.notes import Notes
from orchestrator.lifecycle.recall import Recall
from orchestrator.lifecycle.seal import seal_outcome, seal_records
from orchestrator.lifecycle.shared_polls import Seen
from orchestrator.lifecycle.vendors import OpenVendor
from orchestrator.lifecycle.writing import Snapshot, Writing
from orchestrator.providers.provider import Provider, RemoteStatus
from orchestrator.results.delivered import Versions
from orchestrator.results.fates import tied_rows
from orchestrator.results.inputs.archive import Archive
from orchestrator.results.inputs.reader import open_upload
from orchestrator.results.inputs.row import InputReader
from orchestrator.results.objects import ObjectStore
from orchestrator.results.parts import PartBuffer, Unwritten
from orchestrator.steps.sinks import remote_id_of, vendor_jobs_of
from orchestrator.store.claims import Claim
from orchestrator.store.store import Store

# With the writing of the part, half a second of work is repeated after a crash; per page would halve the speed.
CHECKPOINT = timedelta(seconds=0.4)
BRIEF_TURN = timedelta(0)  # one page, where the job has nothing yet and others wait
SHORT_TURN = timedelta(seconds=0.5)  # where others of the budget wait
LONG_TURN = timedelta(seconds=20)


class LiveTurn:
    """One bounded run of one claimed step (see steps/step.py for the contract)."""

    def __init__(
        self,
        claim: Claim,
        *,
        store: Store,
        objects: ObjectStore,
        open_vendor: Callable[[], OpenVendor],
        pulse: Pulse,
        stopping: Callable[[], bool],
        recall: Recall,
        seen: Seen = None,
    ) -> None:
        self._claim = claim
        self._store = store
        self._objects = objects
        self._open_vendor = open_vendor
        self._opened: OpenVendor | None = None
        self._pulse = pulse
        self._stopping = stopping
        self._recall = recall
        self.seen = seen
        self._began = self._committed_at = time.monotonic()
        self._signals = Signals(stop=False, others_wait=False)
        self._next_part = claim.step.next_part
        self._buffer = PartBuffer()
        self._stream = Stream.RECORDS
        self._cursor: Cursor | None = None
        self._notes = Notes()
        self._helper = ThreadPoolExecutor(1, thread_name_prefix="part")  # one for all parts: new threads cost memory
        self._writing: Writing | None = None
        self._broken = False

    @property
    def job(self) -> Job:
        return self._claim.job

    @property
    def step(self) -> Step:
        return self._claim.step

    @property
    def epoch(self) -> int:
        return self._claim.lease.epoch

    @property
    def began_at(self) -> datetime:
        return self._claim.now

    @property
    def vendor(self) -> Provider:
        if self._opened is None:
            self._opened = self._open_vendor()
        return self._opened.provider

    @property
    def vendor_job(self) -> VendorJob:
        return self._store.vendor_jobs.get(self.job.id, self.step.vendor_seq)

    def status(self) -> RemoteStatus:
        if isinstance(self.seen, RemoteStatus):
            return self.seen
        return vendor_jobs_of(self).status(remote_id_of(self))

    @property
    def is_over(self) -> bool:
        return (
            self._signals.stop
            or self._pulse.lost
            or self._stopping()
            or time.monotonic() - self._began >= self._longest.total_seconds()
        )

    @property
    def _longest(self) -> timedelta:
        if self._claim.is_brief:
            return BRIEF_TURN
        return SHORT_TURN if self._signals.others_wait else LONG_TURN

    def may_go_on(self) -> bool:
        return not self.is_over

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
        self._stream = stream
        if rows:
            self._buffer.add(body, rows, first_key, last_key, header)
        self._notes.counts += counts + Counts(bytes=len(body))
        self._notes.errors.extend(errors)
        self._cursor = cursor
        if with_next_save:
            return
        if self._writing is not None and self._writing.is_written:
            self._finish_writing()
        if self._buffer.ready or self._is_checkpoint_due():
            self._begin_writing()

    def _is_checkpoint_due(self) -> bool:
        if time.monotonic() - self._committed_at >= CHECKPOINT.total_seconds():
            return True
        return self._opened is not None and self._opened.is_far_ahead

    def save(
        self,
        *effects: Effect,
        cursor: Cursor | None = None,
        counts: Counts | None = None,
        successors: Sequence[Successor] = (),
    ) -> None:
        self._notes.effects.extend(effects)
        self._notes.successors.extend(successors)
        self._notes.counts += counts or Counts()
        self._cursor = cursor if cursor is not None else self._cursor
        self._commit(None)

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
        if event is not None:
            self._notes.events.append(Event(name=event, data=data or {}))
        self._notes.meta.update(meta or {})
        if vendor_counted is not None:
            self._notes.vendor_counted = vendor_counted
        if native is not None:
            self._notes.native = native
        if fields_read is not None:
            self._notes.fields_read = fields_read

    def note_stop(self, reason: StopReason, message: str) -> None:
        self._notes.stop_reason, self._notes.status_message = reason, message

    def rescue(self, remote_id: str) -> None:
        self._store.rescue.remote_id(self.job.id, self.step.vendor_seq, remote_id)

    def ours(self, remote_ids: Sequence[str]) -> Set[str]:
        return self._store.vendor_jobs.ours(self.job.connection_id, remote_ids).keys()

    def delivered(self) -> Versions:
        return self._recall.of(self.job)

    def chunks(self) -> Sequence[Chunk]:
        return self._store.chunks.of_vendor_job(self.job.id, self.step.vendor_seq)

    def load(self, key: str) -> bytes:
        return self._objects.get(key)

    def write(self, key: str, body: bytes) -> None:
        self._objects.put_new(key, body)

    def rows_tied(self) -> Iterator[int]:
        return tied_rows(self._objects, self._store.parts.of_step(self.job.id, self.step.id))

    def files(self) -> Archive | None:
        criteria, key = self.job.criteria, self.job.input_key
        if not isinstance(criteria, UploadCriteria) or criteria.format != "zip" or key is None:
            return None
        return Archive(self._objects, key)

    def open_input(self) -> InputReader:
        criteria, key = self.job.criteria, self.job.input_key
        assert key is not None
        assert isinstance(criteria, UploadCriteria)
        return open_upload(self._objects, key, criteria, self.job.input_rows_key)

    def seal(self, stream: Stream) -> Sequence[Part] | None:
        parts = self._store.parts.of_job(self.job.id, stream)
        shape = seal_records if stream is Stream.RECORDS else seal_outcome
        return shape(self._objects, parts, self.job, self.step.id, self._claim.lease.epoch)

    def end(self, outcome: Outcome) -> Signals:
        """Give the unused tokens back, and commit what is left with the outcome. Raises Fenced, StoreDown."""
        if self._opened is not None:
            self._opened.close()  # first: a call made later is one that this commit does not count
        return self._commit(outcome)

    def close(self) -> None:
        """Give the unused tokens back; commits nothing."""
        if self._opened is not None:
            self._opened.close()
        self._helper.shutdown(wait=False, cancel_futures=True)  # an object without a manifest row is swept

    def _commit(self, outcome: Outcome | None) -> Signals:
        self._finish_writing()
        snapshot = self._snapshot(outcome)
        self._committed_at = time.monotonic()
        return self._write(lambda: snapshot.written(self._objects))

    def _begin_writing(self) -> None:
        """Let the part be written while the next pages come; it is committed as soon as it is."""
        self._finish_writing()
        self._writing = Writing(self._helper, self._objects, self._snapshot(None))
        self._committed_at = time.monotonic()

    def _finish_writing(self) -> None:
        if self._writing is not None:
            writing, self._writing = self._writing, None
            self._write(writing.written)

    def _snapshot(self, outcome: Outcome | None) -> Snapshot:
        notes, self._notes = self._notes, Notes()
        cursor, self._cursor = self._cursor, None
        part = self._cut_part()
        return Snapshot(commit=notes.commit(cursor=cursor, outcome=outcome, opened=self._opened), part=part)

    def _write(self, written: Callable[[], Commit]) -> Signals:
        lease = self._claim.lease
        if self._broken:
            raise Fenced(lease.step_id, lease.epoch)  # after an error nothing is written again under this epoch
        self._broken = True
        self._signals = self._store.commits.commit(lease, written())
        self._broken = False
        if self._opened is not None and self._signals.reserved:
            self._opened.purse.topped_up(self._signals.reserved)
        return self._signals

    def _cut_part(self) -> Unwritten | None:
        if not self._buffer.rows:
            return None
        seq = self._next_part
        self._next_part += 1
        return self._buffer.cut(
            stream=self._stream,
            job_id=self.job.id,
            step_id=self.step.id,
            seq=seq,
            partition=self.step.partition,
            epoch=self._claim.lease.epoch,
            restart=self.job.restarts,
        )
