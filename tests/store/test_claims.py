"""Who may advance a step, until when, and how many calls it may make."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from orchestrator.job.commit import Commit, Stopped, Wait
from orchestrator.job.errors import Fenced
from orchestrator.job.status import JobStatus, StopReason, WaitReason
from orchestrator.job.step import StepKind, Successor
from orchestrator.store.claims import LEASE, Claim
from orchestrator.store.engine import Database
from orchestrator.store.store import Store
from orchestrator.store.tables import jobs, steps
from tests.conftest import TimeTold
from tests.store.given import a_connection, a_job, a_tenant

SECOND = timedelta(seconds=1)


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


def a_step(store: Store, **changes: Any) -> int:
    """Return the first step of a new job."""
    job = a_job(store.database, a_connection(store.database, a_tenant(store.database)), **changes)
    return int(rows(store, select(steps).where(steps.c.job_id == job).order_by(steps.c.id))[0]["id"])


def rows(store: Store, query: Any) -> list[dict[str, Any]]:
    with store.database.read() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def step(store: Store, step_id: int) -> dict[str, Any]:
    return rows(store, select(steps).where(steps.c.id == step_id))[0]


def claimed(store: Store, step_id: int, owner: str = "worker") -> Claim:
    claim = store.claims.claim(step_id, owner)
    assert claim is not None
    return claim


def test_the_first_claim_starts_the_job(store: Store) -> None:
    claim = claimed(store, a_step(store))

    job = store.jobs.by_id(claim.job.id)
    assert claim.job.status is job.status is JobStatus.STARTED
    assert job.started_at is not None
    assert abs(job.started_at - claim.now) < SECOND
    assert (claim.lease.epoch, claim.step.attempt) == (1, 1)


def test_a_step_has_one_holder_however_many_ask_at_once(store: Store) -> None:
    wanted = a_step(store)

    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda n: store.claims.claim(wanted, f"worker-{n}"), range(8)))

    (winner,) = [claim for claim in claims if claim is not None]
    assert step(store, wanted)["lease_owner"] == winner.lease.owner
    assert step(store, wanted)["lease_epoch"] == 1


def test_a_lease_that_ran_out_is_taken_under_the_next_epoch(store: Store, time_told: TimeTold) -> None:
    wanted = a_step(store)
    claimed(store, wanted)

    too_early = store.claims.claim(wanted, "worker-2")
    time_told.passes(LEASE + SECOND)
    claim = claimed(store, wanted, "worker-2")

    assert too_early is None
    assert (claim.lease.epoch, claim.step.attempt) == (2, 2)


@pytest.mark.parametrize("state", ["done", "stopped"])
def test_a_step_that_is_not_ready_is_nobody_s(store: Store, state: str) -> None:
    wanted = a_step(store)
    put(store, state=state)

    assert store.claims.claim(wanted, "worker") is None
    assert rows(store, select(jobs))[0]["status"] == JobStatus.CREATED


def put(store: Store, **values: Any) -> None:
    with store.database.write() as connection:
        connection.execute(steps.update().values(**values))


def test_a_step_that_is_not_due_starts_nothing(store: Store, time_told: TimeTold) -> None:
    wanted = a_step(store, first_steps=(Successor(kind=StepKind.FETCH, due_in=5 * SECOND),))

    too_early = store.claims.claim(wanted, "worker")
    status = rows(store, select(jobs))[0]["status"]
    time_told.passes(6 * SECOND)

    assert (too_early, status) == (None, JobStatus.CREATED)
    assert store.claims.claim(wanted, "worker") is not None


def test_an_unknown_step_is_nobody_s(store: Store) -> None:
    assert store.claims.claim(4711, "worker") is None


def test_a_heartbeat_carries_leases_on(store: Store, time_told: TimeTold) -> None:
    lease = claimed(store, a_step(store)).lease

    for _ in range(5):
        time_told.passes(3 * SECOND)
        renewed = store.claims.renew({(lease.step_id, lease.epoch)})

    assert renewed == {(lease.step_id, lease.epoch)}
    assert store.claims.claim(lease.step_id, "worker-2") is None


def test_a_heartbeat_learns_which_leases_are_gone(store: Store, time_told: TimeTold) -> None:
    taken, stopped, kept = (claimed(store, a_step_of(store, name)).lease for name in ("a", "b", "c"))
    time_told.passes(LEASE + SECOND)
    claimed(store, taken.step_id, "worker-2")
    store.control.cancel(store.jobs.by_id(stopped.job_id).tenant_id, stopped.job_id)

    renewed = store.claims.renew({(lease.step_id, lease.epoch) for lease in (taken, stopped, kept)})

    assert renewed == {(kept.step_id, kept.epoch)}


def a_step_of(store: Store, name: str) -> int:
    job = a_job(store.database, a_connection(store.database, a_tenant(store.database), name))
    return int(rows(store, select(steps).where(steps.c.job_id == job))[0]["id"])


def test_a_paused_turn_keeps_its_lease_until_it_ends(store: Store) -> None:
    lease = claimed(store, a_step(store)).lease
    store.control.pause(store.jobs.by_id(lease.job_id).tenant_id, lease.job_id)

    renewed = store.claims.renew({(lease.step_id, lease.epoch)})

    assert renewed == {(lease.step_id, lease.epoch)}


def test_a_heartbeat_of_nobody_asks_nothing(store: Store) -> None:
    assert store.claims.renew(set()) == set()


def test_calls_are_reserved_up_to_the_limit_by_any_number_of_steps(store: Store) -> None:
    first = tuple(Successor(kind=StepKind.FETCH, partition=n) for n in range(8))
    last = a_step(store, api_limit=25, first_steps=first)
    leases = [claimed(store, last + n).lease for n in range(8)]

    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(lambda lease: store.claims.reserve_calls(lease, 10), leases))

    assert sorted(given) == [0, 0, 0, 0, 0, 5, 10, 10]
    assert store.jobs.by_id(leases[0].job_id).api_calls_today == 25


def test_a_lease_that_is_gone_reserves_nothing(store: Store, time_told: TimeTold) -> None:
    lease = claimed(store, a_step(store, api_limit=25)).lease
    time_told.passes(LEASE + SECOND)
    claimed(store, lease.step_id)

    with pytest.raises(Fenced):
        store.claims.reserve_calls(lease, 10)

    assert store.jobs.by_id(lease.job_id).api_calls_today == 0


def test_calls_that_a_dead_worker_held_stay_spent(store: Store, time_told: TimeTold) -> None:
    lease = claimed(store, a_step(store, api_limit=25)).lease
    store.claims.reserve_calls(lease, 10)
    time_told.passes(LEASE + SECOND)

    claim = claimed(store, lease.step_id)
    store.commits.commit(claim.lease, Commit(outcome=Wait.nothing()))

    assert step(store, lease.step_id)["api_held"] == 0
    assert store.jobs.by_id(lease.job_id).api_calls_today == 10


def test_unused_calls_are_given_back_at_the_end_of_a_turn(store: Store) -> None:
    lease = claimed(store, a_step(store, api_limit=25)).lease
    store.claims.reserve_calls(lease, 10)

    store.commits.commit(lease, Commit(calls=4, outcome=Wait.nothing()))

    job = store.jobs.by_id(lease.job_id)
    assert (job.api_calls_today, job.api_calls_total) == (4, 4)


def test_calls_that_were_held_over_midnight_are_not_given_back_to_the_new_day(
    store: Store, time_told: TimeTold
) -> None:
    lease = claimed(store, a_step(store, api_limit=25)).lease
    store.claims.reserve_calls(lease, 10)
    time_told.passes(to_midnight(store) + SECOND)

    store.claims.reserve_calls(lease, 10)
    store.commits.commit(lease, Commit(calls=4, outcome=Wait.nothing()))

    assert store.jobs.by_id(lease.job_id).api_calls_today >= 4
    assert 4 + left_of_today(store, lease.step_id, 25) <= 25


def to_midnight(store: Store) -> timedelta:
    now = store.database_time()
    return datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo) - now


def left_of_today(store: Store, step_id: int, wanted: int) -> int:
    return store.claims.reserve_calls(claimed(store, step_id).lease, wanted)


def test_a_new_day_brings_new_calls(store: Store, time_told: TimeTold) -> None:
    lease = claimed(store, a_step(store, api_limit=25)).lease
    used_up = [store.claims.reserve_calls(lease, 25), store.claims.reserve_calls(lease, 1)]

    time_told.passes(to_midnight(store) + SECOND)

    assert used_up == [25, 0]
    assert store.claims.reserve_calls(lease, 30) == 25


def test_a_job_without_a_limit_may_always_call(store: Store) -> None:
    lease = claimed(store, a_step(store)).lease

    assert store.claims.reserve_calls(lease, 1_000) == 1_000


def test_a_sibling_that_still_holds_calls_is_seen_while_it_lives(store: Store, time_told: TimeTold) -> None:
    both = (Successor(kind=StepKind.FETCH), Successor(kind=StepKind.FETCH, partition=1))
    first = a_step(store, api_limit=25, first_steps=both)
    lease = claimed(store, first).lease
    store.claims.reserve_calls(lease, 25)

    seen = [store.claims.calls_may_come_back(lease.job_id, step_id) for step_id in (first, first + 1)]
    time_told.passes(LEASE + SECOND)

    assert seen == [False, True]
    assert not store.claims.calls_may_come_back(lease.job_id, first + 1)


def test_calls_that_a_sibling_has_given_back_meanwhile_are_seen(store: Store) -> None:
    both = (Successor(kind=StepKind.FETCH), Successor(kind=StepKind.FETCH, partition=1))
    first = a_step(store, api_limit=25, first_steps=both)
    lease = claimed(store, first).lease
    store.claims.reserve_calls(lease, 25)

    store.commits.commit(lease, Commit(calls=18, outcome=Wait.nothing()))

    assert store.claims.calls_may_come_back(lease.job_id, first + 1)
    assert left_of_today(store, first + 1, 25) == 7


def test_leases_are_counted_now_and_as_of_a_while_ago(store: Store, time_told: TimeTold) -> None:
    claim = claimed(store, a_step(store))

    now = store.claims.live_leases(claim.lease.budget_id)
    time_told.passes(LEASE + 5 * SECOND)

    assert now == 1
    assert store.claims.live_leases(claim.lease.budget_id) == 0
    assert store.claims.live_leases(claim.lease.budget_id, within=6 * SECOND) == 1


def test_a_stop_takes_all_steps_of_the_job_from_their_workers(store: Store) -> None:
    both = (Successor(kind=StepKind.FETCH), Successor(kind=StepKind.FETCH, partition=1))
    first = a_step(store, first_steps=both)
    one, other = claimed(store, first).lease, claimed(store, first + 1).lease

    store.commits.commit(one, Commit(outcome=Stopped(reason=StopReason.REJECTED, message="never")))

    with pytest.raises(Fenced):
        store.commits.commit(other, Commit(outcome=Wait(pause=SECOND, reason=WaitReason.RATE)))
    assert store.claims.renew({(other.step_id, other.epoch)}) == set()
    assert {row["state"] for row in rows(store, select(steps))} == {"stopped"}
