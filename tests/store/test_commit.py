"""Commits of turns: whole or not at all (I2, I11), under their epoch alone (I1)."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from orchestrator.job.chunk import Chunk, ChunkState, Part, RowError, Stream, VendorJobState
from orchestrator.job.commit import (
    Commit,
    Event,
    Finished,
    Fixes,
    MoveChunk,
    Moved,
    MoveVendorJob,
    NewVendorJob,
    Outcome,
    Stopped,
    VendorProgress,
    Wait,
)
from orchestrator.job.criteria import DownloadCriteria
from orchestrator.job.errors import Fenced
from orchestrator.job.record import Counts
from orchestrator.job.status import JobOutcome, JobStatus, StopReason, WaitReason
from orchestrator.job.step import Lease, StepKind, Successor
from orchestrator.store.engine import Database
from orchestrator.store.store import Store
from orchestrator.store.tables import metadata, vendor_jobs
from tests.conftest import TimeTold
from tests.store.given import a_connection, a_job, a_tenant

LEASE = timedelta(seconds=10)
LISTENER = DownloadCriteria(object_name="Person", notification_url="https://listener.test/hook")
OUTCOMES: Sequence[Outcome | None] = (
    None,
    Wait(pause=timedelta(seconds=5), reason=WaitReason.RATE, failed=True),
    Moved(),
    Moved(successors=[Successor(kind=StepKind.POLL, vendor_seq=1)]),
    Stopped(reason=StopReason.REJECTED, message="never"),
    Stopped(reason=StopReason.API_LIMIT, message="tomorrow", restart_in=timedelta(hours=1)),
    Finished(outcome=JobOutcome.SUCCEEDED, message="done", sealed={Stream.RECORDS: []}),
)


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


@pytest.fixture
def lease(store: Store) -> Lease:
    """The lease on the only step of a job that somebody wants to hear of."""
    return claimed(store, a_claimable(store))


def a_claimable(store: Store, **changes: Any) -> int:
    """Return the id of the first step of a new job."""
    wish = {"criteria": LISTENER, "api_limit": 100} | changes
    job = a_job(store.database, a_connection(store.database, a_tenant(store.database)), **wish)
    return int(everything(store)["steps"][-1]["id"]) if job else 0


def claimed(store: Store, step_id: int, owner: str = "worker-1") -> Lease:
    claim = store.claims.claim(step_id, owner)
    assert claim is not None
    return claim.lease


def everything(store: Store) -> Mapping[str, list[dict[str, Any]]]:
    """Return every row of every table."""
    with store.database.read() as connection:
        return {
            table.name: [dict(row) for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()]
            for table in metadata.sorted_tables
        }


def a_part(lease: Lease, seq: int = 0) -> Part:
    key = f"jobs/{lease.job_id}/r0/s{lease.step_id}-p{seq}-e{lease.epoch}.jsonl"
    return Part(
        stream=Stream.RECORDS, step_id=lease.step_id, seq=seq, partition=0, epoch=lease.epoch, restart=0,
        object_key=key, rows=3, bytes=30, crc32=1,
    )  # fmt: skip


def a_rich_commit(lease: Lease, outcome: Outcome | None) -> Commit:
    """Return a commit that writes to every table that a commit can write to."""
    chunk = Chunk(seq=1, object_key="c", rows_key="r", rows=3, bytes=30, first_row=1, vendor_seq=0)
    error = RowError(row=7, identifier=None, code="bad_row", message="bad", retryable=False, phase="split")
    return Commit(
        cursor={"after": 3},
        part=a_part(lease),
        counts=Counts(read=3, stored=3, bytes=30),
        effects=[
            chunk,
            NewVendorJob(seq=1, marker="bulkhead:1", rows=3, chunks=[1]),
            MoveVendorJob(seq=1, when=[VendorJobState.PLANNED], to=VendorJobState.INTENT),
            MoveVendorJob(seq=1, when=[VendorJobState.INTENT], to=VendorJobState.OPEN, remote_id="r1"),
            MoveChunk(seq=1, to=ChunkState.SENT),
            VendorProgress(seq=1, processed=1, errors=0, total=3),
        ],
        row_errors=[error],
        events=[Event(name="something", data={"n": 1})],
        calls=3,
        usage={"daily": 3},
        successors=[Successor(kind=StepKind.CREATE, vendor_seq=1)],
        top_up=7,
        meta={"pageSize": 3},
        vendor_counted=3,
        fixes=Fixes(blocked_for=timedelta(seconds=3), blocked_by="rate", gate_for=timedelta(seconds=3), answered=True),
        outcome=outcome,
    )


class Breaks:
    """A database that breaks at its n-th statement from now."""

    def __init__(self, database: Database) -> None:
        self._left = 0
        event.listen(database._writer, "before_cursor_execute", self._count)

    def commits(self, store: Store, lease: Lease, commit: Commit, statement: int) -> bool:
        """Commit, unless there is a statement of that number; return whether it was committed."""
        self._left = statement
        try:
            store.commits.commit(lease, commit)
        except RuntimeError:
            return False
        finally:
            self._left = 0
        return True

    def _count(self, *_: Any) -> None:
        self._left -= 1
        if self._left == 0:
            raise RuntimeError("the connection broke")


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: type(outcome).__name__)
def test_a_commit_that_breaks_at_any_statement_leaves_nothing_behind(
    store: Store, lease: Lease, outcome: Outcome | None
) -> None:
    store.claims.reserve_calls(lease, 10)
    before = everything(store)
    breaks = Breaks(store.database)
    broken = 0

    while not breaks.commits(store, lease, a_rich_commit(lease, outcome), broken + 1):
        broken += 1
        assert everything(store) == before, f"broken at statement {broken}"

    after = everything(store)
    changed = {name for name in before if before[name] != after[name]}
    assert broken > 15
    assert {"jobs", "steps", "vendor_jobs", "chunks", "row_errors", "error_codes", "events", "api_usage"} <= changed
    assert {"budgets"} <= changed


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: type(outcome).__name__)
def test_a_commit_under_an_epoch_that_is_over_writes_nothing(
    store: Store, lease: Lease, outcome: Outcome | None, time_told: TimeTold
) -> None:
    time_told.passes(LEASE * 2)
    claimed(store, lease.step_id, "worker-2")
    before = everything(store)

    with pytest.raises(Fenced):
        store.commits.commit(lease, a_rich_commit(lease, outcome))

    assert everything(store) == before


def test_a_part_is_committed_once_even_under_a_living_lease(store: Store, lease: Lease) -> None:
    store.commits.commit(lease, Commit(part=a_part(lease), counts=Counts(stored=3)))
    before = everything(store)

    with pytest.raises(Fenced):
        store.commits.commit(lease, Commit(part=a_part(lease), counts=Counts(stored=3)))

    assert everything(store) == before


def test_a_late_commit_still_counts_while_nobody_has_taken_the_step(
    store: Store, lease: Lease, time_told: TimeTold
) -> None:
    time_told.passes(LEASE * 2)

    store.commits.commit(lease, Commit(part=a_part(lease), counts=Counts(stored=3)))

    assert store.jobs.by_id(lease.job_id).counts.stored == 3


@pytest.mark.parametrize("state", sorted(set(VendorJobState) - {VendorJobState.OPEN}))
def test_a_chunk_moves_only_while_its_vendor_job_is_open(store: Store, lease: Lease, state: VendorJobState) -> None:
    store.commits.commit(lease, a_rich_commit(lease, None))
    put(store, vendor_jobs, state=state)
    before = everything(store)

    with pytest.raises(Fenced):
        store.commits.commit(lease, Commit(effects=[MoveChunk(seq=1, to=ChunkState.ACKED)]))

    assert everything(store) == before


def put(store: Store, table: Any, **values: Any) -> None:
    """Set columns of all rows of a table."""
    with store.database.write() as connection:
        connection.execute(table.update().values(**values))


@pytest.mark.parametrize("state", sorted(set(VendorJobState) - {VendorJobState.FILLED}))
def test_only_a_filled_vendor_job_can_be_released(store: Store, lease: Lease, state: VendorJobState) -> None:
    store.commits.commit(lease, a_rich_commit(lease, None))
    put(store, vendor_jobs, state=state)
    releasing = MoveVendorJob(seq=1, when=[VendorJobState.FILLED], to=VendorJobState.RELEASING)

    with pytest.raises(Fenced):
        store.commits.commit(lease, Commit(effects=[releasing]))


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (OUTCOMES[4], "job.aborted"),
        (OUTCOMES[5], "job.throttled"),
        (OUTCOMES[6], "job.completed"),
    ],
)
def test_a_status_and_its_webhook_come_together(store: Store, lease: Lease, outcome: Outcome, kind: str) -> None:
    breaks = Breaks(store.database)
    statement = 1

    while not breaks.commits(store, lease, Commit(outcome=outcome), statement):
        statement += 1
        rows = everything(store)
        assert rows["outbox"] == []
        assert rows["jobs"][0]["status"] == JobStatus.STARTED

    rows = everything(store)
    assert [row["kind"] for row in rows["outbox"]] == [kind]
    assert rows["outbox"][0]["body"]["status"] == rows["jobs"][0]["status"]


def test_steps_that_are_born_under_a_paused_job_are_born_stopped_and_a_resume_wakes_them(
    store: Store, lease: Lease
) -> None:
    tenant = store.jobs.by_id(lease.job_id).tenant_id
    store.control.pause(tenant, lease.job_id)

    signals = store.commits.commit(lease, Commit(successors=[Successor(kind=StepKind.POLL, vendor_seq=1)]))

    assert signals.stop
    assert {row["state"] for row in everything(store)["steps"]} == {"stopped"}
    store.control.resume(tenant, lease.job_id)
    assert {row["state"] for row in everything(store)["steps"]} == {"ready"}


def test_the_last_step_to_be_done_brings_the_finish_step_and_no_other_does(store: Store) -> None:
    kinds = (Successor(kind=StepKind.FETCH), Successor(kind=StepKind.FETCH, partition=1))
    last = a_claimable(store, first_steps=kinds)
    first, second = claimed(store, last - 1), claimed(store, last)
    more = Moved(successors=[Successor(kind=StepKind.FETCH, partition=2)])

    signals = [
        store.commits.commit(first, Commit(outcome=more)),
        store.commits.commit(second, Commit(outcome=Moved())),
        store.commits.commit(claimed(store, last + 1), Commit(outcome=Moved())),
    ]

    assert [signal.finish_step for signal in signals[:2]] == [None, None]
    finish = everything(store)["steps"][-1]
    assert (finish["id"], finish["kind"]) == (signals[2].finish_step, "finish")
    assert store.jobs.by_id(first.job_id).open_steps == 0


def test_a_successor_that_is_there_already_is_not_counted_again(store: Store, lease: Lease) -> None:
    successor = Successor(kind=StepKind.POLL, vendor_seq=1)
    store.commits.commit(lease, Commit(successors=[successor]))

    store.commits.commit(lease, Commit(successors=[successor]))

    assert store.jobs.by_id(lease.job_id).open_steps == 2


def test_a_step_that_was_given_back_keeps_its_attempt_only_if_it_may_be_to_blame(store: Store, lease: Lease) -> None:
    store.commits.give_back(lease, timedelta(0), poisonous=True)
    poisoned = claimed(store, lease.step_id)
    blamed = everything(store)["steps"][0]
    store.commits.give_back(poisoned, timedelta(0), poisonous=False)
    spared = everything(store)["steps"][0]

    assert (blamed["attempt"], blamed["failures"]) == (2, 0)
    assert (spared["attempt"], spared["failures"]) == (0, 1)
