"""A hundred jobs submitted at once: nobody waits for all of them, and none of them is forgotten."""

from collections import Counter
from datetime import timedelta

import pytest

from orchestrator.job.commit import Commit, Fixes, Wait
from orchestrator.job.record import Counts
from orchestrator.job.status import WaitReason
from orchestrator.job.step import StepKind, Successor
from orchestrator.store.budgets import NewBudget
from orchestrator.store.claims import Claim
from orchestrator.store.connections import Connection
from orchestrator.store.engine import Database
from orchestrator.store.store import Store
from tests.store.given import a_connection, a_job, a_tenant

FLOOD = 30


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


@pytest.fixture
def connection(store: Store) -> Connection:
    budget = NewBudget(name="sl", provider="salesloft", cap=4)
    return a_connection(store.database, a_tenant(store.database), budget=budget)


def submit(store: Store, connection: Connection) -> int:
    return a_job(store.database, connection, first_steps=(Successor(kind=StepKind.FETCH),))


def claimed(store: Store, connection: Connection) -> Claim:
    """Claim the step that comes next in the fair order."""
    (hint,) = store.hints.take(connection.budget_id, room=1)
    claim = store.claims.claim(hint.step_id, "worker")
    assert claim is not None
    return claim


def turn(store: Store, connection: Connection) -> int:
    """Let the next step have its turn: one page if it is brief, else ten. Return its job."""
    claim = claimed(store, connection)
    pages = 1 if claim.is_brief else 10
    store.commits.commit(claim.lease, Commit(calls=pages, counts=Counts(read=pages), outcome=Wait.nothing()))
    return claim.job.id


def test_a_job_right_behind_a_flood_of_its_own_tenant_is_served_first(store: Store, connection: Connection) -> None:
    for _ in range(FLOOD):
        submit(store, connection)
    small = submit(store, connection)

    served = turn(store, connection)

    assert served == small


def test_every_job_of_a_flood_has_its_first_turn_before_any_has_its_second(
    store: Store, connection: Connection
) -> None:
    flood = {submit(store, connection) for _ in range(FLOOD)}

    served = [turn(store, connection) for _ in flood]

    assert set(served) == flood


def test_a_job_behind_a_flood_has_had_two_turns_before_any_of_them_has_had_four(
    store: Store, connection: Connection
) -> None:
    for _ in range(FLOOD):
        submit(store, connection)
    small = submit(store, connection)

    served = Counter(turn(store, connection) for _ in range(2 * FLOOD + 2))

    assert served[small] >= 2
    assert max(served.values()) <= 3


def test_jobs_that_keep_coming_do_not_keep_the_older_ones_from_their_first_turn(
    store: Store, connection: Connection
) -> None:
    flood = {submit(store, connection) for _ in range(FLOOD)}

    served = set[int]()
    for _ in range(FLOOD):
        submit(store, connection)
        served |= {turn(store, connection), turn(store, connection), turn(store, connection)}

    assert served >= flood


def test_a_flood_has_no_larger_share_than_another_tenants_only_job(store: Store, connection: Connection) -> None:
    for _ in range(FLOOD):
        submit(store, connection)
    tenant = a_tenant(store.database, "other")
    other = a_connection(store.database, tenant, name="theirs", budget=connection.budget_id)
    theirs = submit(store, other)

    calls = Counter[bool]()
    for _ in range(FLOOD):
        claim = claimed(store, connection)
        store.commits.commit(claim.lease, Commit(calls=1, counts=Counts(read=1), outcome=Wait.nothing()))
        calls[claim.job.id == theirs] += 1

    assert abs(calls[True] - calls[False]) <= 4


def test_a_first_turn_is_brief_only_while_others_wait_and_the_job_has_nothing(
    store: Store, connection: Connection
) -> None:
    submit(store, connection)
    alone = claimed(store, connection)
    submit(store, connection)
    submit(store, connection)
    first = claimed(store, connection)
    store.commits.commit(first.lease, Commit(calls=1, counts=Counts(read=1), outcome=Wait.nothing()))

    again = store.claims.claim(first.step.id, "worker")

    assert again is not None
    assert (alone.is_brief, first.is_brief, again.is_brief) == (False, True, False)


def test_a_flood_behind_a_closed_gate_delays_no_other_budget(store: Store, connection: Connection) -> None:
    for _ in range(FLOOD):
        submit(store, connection)
    gate = Fixes(gate_for=timedelta(hours=1), blocked_for=timedelta(hours=1), blocked_by="gate")
    waits = Wait(pause=timedelta(hours=1), reason=WaitReason.GATE)
    store.commits.commit(claimed(store, connection).lease, Commit(outcome=waits, fixes=gate))
    free = a_connection(store.database, connection.tenant_id, name="free", budget=NewBudget(name="b", provider="rest"))
    job = submit(store, free)

    behind_the_gate = store.hints.take(connection.budget_id, room=FLOOD)
    due = store.hints.budgets_due()

    assert behind_the_gate == []
    assert free.budget_id in due
    assert claimed(store, free).job.id == job
