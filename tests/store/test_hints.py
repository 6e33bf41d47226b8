"""Which due step gets a worker next: caps, kept places, lost hints, fair shares, and plans that stay fast."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from orchestrator.job.commit import Commit, Fixes, Moved, Wait
from orchestrator.job.status import WaitReason
from orchestrator.job.step import LOCAL, StepKind, Successor
from orchestrator.store.budgets import NewBudget
from orchestrator.store.connections import Connection
from orchestrator.store.engine import Database
from orchestrator.store.hints import Hint
from orchestrator.store.store import Store
from orchestrator.store.tables import steps
from tests.conftest import TimeTold
from tests.store.given import a_connection, a_job, a_tenant

CAP = 4
SECOND = timedelta(seconds=1)


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


@pytest.fixture
def connection(store: Store) -> Connection:
    """A connection whose budget lets four turns run at once."""
    budget = NewBudget(name="sl", provider="salesloft", cap=CAP)
    return a_connection(store.database, a_tenant(store.database), budget=budget)


def a_job_of(store: Store, connection: Connection, *kinds: StepKind, **changes: Any) -> int:
    """Add a job that begins with these steps."""
    first = tuple(Successor(kind=kind, vendor_seq=n, partition=n) for n, kind in enumerate(kinds))
    return a_job(store.database, connection, first_steps=first, **changes)


def kinds_of(hints: Sequence[Hint]) -> list[StepKind]:
    return sorted(hint.kind for hint in hints)


def take(store: Store, connection: Connection, room: int = 100, **how: Any) -> Sequence[Hint]:
    return store.hints.take(connection.budget_id, room=room, **how)


def claimed(store: Store, step_id: int) -> Any:
    claim = store.claims.claim(step_id, "worker")
    assert claim is not None
    return claim.lease


def test_eight_dispatchers_at_once_never_break_the_cap(store: Store, connection: Connection) -> None:
    a_job_of(store, connection, *[StepKind.FETCH] * 20, *[StepKind.POLL] * 20)

    with ThreadPoolExecutor(8) as pool:
        hints = [hint for taken in pool.map(lambda _: take(store, connection), range(24)) for hint in taken]

    assert len(hints) == len({hint.step_id for hint in hints}) == CAP


def test_a_leased_step_takes_a_place_like_a_hinted_one(store: Store, connection: Connection) -> None:
    a_job_of(store, connection, *[StepKind.POLL] * 10)
    for hint in take(store, connection, room=3):
        claimed(store, hint.step_id)

    hints = take(store, connection)

    assert len(hints) == 1


def test_a_place_is_free_again_when_its_turn_has_ended(store: Store, connection: Connection) -> None:
    a_job_of(store, connection, *[StepKind.POLL] * 10)
    lease = claimed(store, take(store, connection)[0].step_id)

    store.commits.commit(lease, Commit(outcome=Moved()))

    assert len(take(store, connection)) == 1


def test_a_place_is_free_again_when_its_worker_has_died(
    store: Store, connection: Connection, time_told: TimeTold
) -> None:
    a_job_of(store, connection, *[StepKind.POLL] * CAP)
    for hint in take(store, connection):
        claimed(store, hint.step_id)

    time_told.passes(11 * SECOND)

    assert len(take(store, connection)) == CAP


def test_one_place_is_kept_for_the_short_kinds(store: Store, connection: Connection) -> None:
    a_job_of(store, connection, *[StepKind.FETCH] * 10)
    long = take(store, connection)
    a_job_of(store, connection, StepKind.POLL, StepKind.RELEASE)

    short = take(store, connection)

    assert kinds_of(long) == [StepKind.FETCH] * (CAP - 1)
    assert len(short) == 1
    assert short[0].kind in (StepKind.POLL, StepKind.RELEASE)


def test_short_steps_do_not_overtake_long_ones_that_come_first_in_the_fair_order(
    store: Store, connection: Connection
) -> None:
    a_job_of(store, connection, *[StepKind.FETCH] * 2)
    a_job_of(store, connection, *[StepKind.POLL] * 10)
    put(store, steps.c.kind == StepKind.POLL, vtime=500.0)

    hints = take(store, connection)

    assert kinds_of(hints) == [StepKind.FETCH, StepKind.FETCH, StepKind.POLL, StepKind.POLL]


def put(store: Store, where: Any, **values: Any) -> None:
    with store.database.write() as connection:
        connection.execute(steps.update().where(where).values(**values))


def test_a_blocked_budget_takes_only_steps_without_vendor_calls(
    store: Store, connection: Connection, time_told: TimeTold
) -> None:
    a_job_of(store, connection, *StepKind)
    lease = claimed(store, take(store, connection, room=1)[0].step_id)
    waits = Wait(pause=SECOND, reason=WaitReason.RATE)
    blocked = Fixes(blocked_for=60 * SECOND, blocked_by="rate")
    store.commits.commit(lease, Commit(outcome=waits, fixes=blocked))

    while_blocked = take(store, connection)
    time_told.passes(61 * SECOND)
    later = take(store, connection)

    assert set(kinds_of(while_blocked)) <= LOCAL
    assert not set(kinds_of(later)) <= LOCAL


def test_a_hint_is_given_again_when_it_was_lost_and_not_before(
    store: Store, connection: Connection, time_told: TimeTold
) -> None:
    a_job_of(store, connection, StepKind.POLL)
    (hint,) = take(store, connection)

    at_once = take(store, connection, queue_empty=True)
    time_told.passes(3 * SECOND)
    while_others_wait = take(store, connection, queue_empty=False)
    from_an_empty_queue = take(store, connection, queue_empty=True)

    assert (at_once, while_others_wait) == ([], [])
    assert from_an_empty_queue == [hint]


def test_a_hint_that_nobody_takes_up_is_given_again_in_the_end(
    store: Store, connection: Connection, time_told: TimeTold
) -> None:
    a_job_of(store, connection, StepKind.POLL)
    (hint,) = take(store, connection)

    time_told.passes(16 * SECOND)

    assert store.hints.budgets_due() == [connection.budget_id]
    assert take(store, connection) == [hint]


def test_steps_that_are_not_due_done_stopped_or_leased_get_no_hint(store: Store, connection: Connection) -> None:
    a_job_of(store, connection, *[StepKind.POLL] * 4)
    ids = [hint.step_id for hint in take(store, connection)]
    put(store, steps.c.id == ids[0], hinted_until=None, state="done")
    put(store, steps.c.id == ids[1], hinted_until=None, state="stopped")
    put(store, steps.c.id == ids[2], hinted_until=None, due_at=steps.c.due_at + 10**9)
    claimed(store, ids[3])

    hints = take(store, connection)

    assert hints == []
    assert store.hints.budgets_due() == []


def test_a_hint_says_what_it_is_about(store: Store, connection: Connection) -> None:
    job = a_job_of(store, connection, StepKind.CREATE)

    (hint,) = take(store, connection)

    assert (hint.kind, hint.provider, hint.about) == (StepKind.CREATE, "salesloft", f"job {job} · Person")


def test_a_small_job_gets_its_turns_soon_behind_a_huge_one(store: Store, connection: Connection) -> None:
    a_job_of(store, connection, *[StepKind.POLL] * 500)
    small = a_job_of(store, connection, *[StepKind.POLL] * 5)

    served = [job_of(store, step_id) for step_id in one_after_the_other(store, connection, turns=20)]

    assert served.count(small) == 5 + 1  # the last one finishes it


def test_a_job_that_comes_late_does_not_wait_for_what_others_have_had(store: Store, connection: Connection) -> None:
    a_job_of(store, connection, *[StepKind.POLL] * 100)
    one_after_the_other(store, connection, turns=40)
    late = a_job_of(store, connection, StepKind.POLL)

    served = [job_of(store, step_id) for step_id in one_after_the_other(store, connection, turns=3)]

    assert late in served


def test_a_tenant_with_many_jobs_gets_no_more_than_one_with_one(store: Store, connection: Connection) -> None:
    mine = [a_job_of(store, connection, *[StepKind.POLL] * 4) for _ in range(4)]
    shared = connection.budget_id
    other = a_connection(store.database, a_tenant(store.database, "other"), name="theirs", budget=shared)
    theirs = a_job_of(store, other, *[StepKind.POLL] * 4)

    served = Counter(job_of(store, step_id) for step_id in one_after_the_other(store, connection, 160, goes_on=True))

    assert 60 <= served[theirs] <= 100
    assert all(10 <= served[job] <= 30 for job in mine)


def test_a_weight_is_a_share(store: Store, connection: Connection) -> None:
    light = a_job_of(store, connection, *[StepKind.POLL] * 4)
    heavy = a_job_of(store, connection, *[StepKind.POLL] * 4, weight=3.0)

    served = Counter(job_of(store, step_id) for step_id in one_after_the_other(store, connection, 80, goes_on=True))

    assert 2.2 < served[heavy] / served[light] < 3.8


def test_a_turn_is_charged_for_the_calls_of_all_its_checkpoints(store: Store, connection: Connection) -> None:
    greedy = a_job_of(store, connection, *[StepKind.POLL] * 4)
    modest = a_job_of(store, connection, *[StepKind.POLL] * 4)

    served = Counter(
        job_of(store, step_id)
        for step_id in one_after_the_other(store, connection, 60, goes_on=True, greedy=(greedy, 40))
    )

    assert served[modest] > 3 * served[greedy]


def one_after_the_other(
    store: Store, connection: Connection, turns: int, *, goes_on: bool = False, greedy: tuple[int, int] = (0, 0)
) -> list[int]:
    """Serve one step at a time, each turn ten calls; return the steps in the order they were served."""
    served = []
    for _ in range(turns):
        (hint,) = take(store, connection, room=1)
        lease = claimed(store, hint.step_id)
        if lease.job_id == greedy[0]:
            store.commits.commit(lease, Commit(calls=greedy[1]))
        store.commits.commit(lease, Commit(calls=10, outcome=Wait.nothing() if goes_on else Moved()))
        served.append(hint.step_id)
    return served


def job_of(store: Store, step_id: int) -> int:
    with store.database.read() as connection:
        return int(connection.execute(select(steps.c.job_id).where(steps.c.id == step_id)).scalar_one())
