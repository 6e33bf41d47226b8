"""A budget that others spend from: another integration of the account, and many jobs of our own."""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from orchestrator.job.criteria import DownloadCriteria
from orchestrator.job.record import Job
from orchestrator.job.status import JobStatus
from orchestrator.lifecycle.connections import Wish
from orchestrator.sandbox.options import Options
from orchestrator.store.tables import budgets
from tests.lifecycle.workshop import ITEMS, Workshop

PUBLISHED = 600
RESERVE = 0.2
SECONDS = 120
EATEN = 4  # units a second of another integration: 40 % of what is published


@pytest.fixture(autouse=True)
def _no_waiting_in_place(workshop: Workshop) -> None:
    """Let each wait for a token end the turn: time is told here, and nobody waits for it."""
    workshop.vendors.patience = 0.0


@pytest.fixture
def options() -> Options:
    """A vendor with a limit of 600 a minute."""
    return Options(people=0, accounts=0, others=0, rest_records=1_000, rate=0, rest_rate=PUBLISHED, rest_window=60.0)


def turns(workshop: Workshop, job: Job, room: int = 100) -> list[int]:
    """Let dispatch choose steps and let them take turns; return them in their order."""
    hints = workshop.store.hints.take(job.budget_id, room=room, cap_of=workshop.vendors.cap)
    return [hint.step_id for hint in hints if workshop.turns.take_turn(hint.step_id)]


def seconds(workshop: Workshop, count: int) -> Iterator[int]:
    """Let time pass for us and for the vendor."""
    for second in range(count):
        yield second
        workshop.passes(timedelta(seconds=1))
        workshop.sandbox.world.clock.advance(1)


def test_a_reserve_holds_while_others_spend_at_random(workshop: Workshop) -> None:
    dice = random.Random(7)
    rate = {"kind": "rate", "amount": PUBLISHED, "seconds": 60}
    jobs = [workshop.download(workshop.connect("rest", limits=[rate], reserve=RESERVE), "items", page_size=2)]
    jobs += [workshop.download("rest", "items", page_size=2) for _ in range(3)]
    vendor, ours, most = workshop.sandbox.world.rest, 0, 0

    for _ in seconds(workshop, SECONDS):
        vendor.eat(dice.choice((0, 0, 2 * EATEN, 2 * EATEN)))
        before = sum(workshop.routes.values())
        turns(workshop, jobs[0])
        made = sum(workshop.routes.values()) - before
        ours += made
        most = max(most, vendor.limiter._used if made else 0)

    assert vendor.limiter.refusals <= ours / 1000
    assert most <= PUBLISHED * (1 - RESERVE) + 2 * EATEN
    assert ours >= 0.8 * (PUBLISHED * (1 - RESERVE) / 60 - EATEN) * SECONDS


def submitted(workshop: Workshop, connection: str, pages: int) -> Job:
    """Submit a download of so many pages."""
    return workshop.download(connection, "items", page_size=1_000 // pages)


def served(workshop: Workshop, small: Job, most: int) -> tuple[int, int]:
    """Let one step after the other take a turn until the small job is done; return the turns to its first page and end.

    Between two turns some ten tokens come back, which is what the stride order charges for a turn.
    """
    taken, first = 0, 0
    while taken < most:
        taken += len(turns(workshop, small, room=1))
        now = workshop.job(small)
        first = first or (taken if now.counts.stored else 0)
        if now.status is JobStatus.COMPLETED:
            return first, taken
        workshop.passes(timedelta(seconds=0.1))
    raise AssertionError(f"not done after {taken} turns, first page after {first}")


def flood(workshop: Workshop, connections: list[str], jobs: int) -> int:
    """Submit many jobs of 500 pages, over all these connections, and let some of them run; return how many."""
    made = [submitted(workshop, connections[number % len(connections)], 500) for number in range(jobs)]
    for _ in range(10):
        turns(workshop, made[0], room=1)
        workshop.passes(timedelta(seconds=0.1))
    return jobs


@pytest.fixture
def fast(workshop: Workshop) -> dict[str, Any]:
    """A limit under which a turn reads some ten pages."""
    workshop.sandbox.world.change({"rest_rate": 0})
    return {"limits": [{"kind": "rate", "amount": 6_000, "seconds": 60}]}


def test_a_small_job_behind_a_hundred_long_ones_is_done_within_three_rounds(
    workshop: Workshop, fast: dict[str, Any]
) -> None:
    jobs = flood(workshop, [workshop.connect("rest", **fast)], jobs=100)

    small = submitted(workshop, "rest", 5)
    first, done = served(workshop, small, most=4 * jobs)

    assert first <= jobs + jobs // 2
    assert done <= 3 * jobs


@pytest.mark.parametrize("connections", [1, 8])
def test_a_small_job_right_behind_a_hundred_that_have_not_begun_has_its_first_page_at_once(
    workshop: Workshop, fast: dict[str, Any], connections: int
) -> None:
    names = [workshop.connect("rest", f"c{number}", budget="shared", **fast) for number in range(connections)]
    made = [submitted(workshop, names[number % connections], 500) for number in range(100)]

    small = submitted(workshop, names[0], 5)
    first, done = served(workshop, small, most=4 * len(made))

    assert first <= 2
    assert done <= 2 * len(made)


def test_a_first_turn_asks_for_one_page_while_others_wait(workshop: Workshop, fast: dict[str, Any]) -> None:
    connection = workshop.connect("rest", **fast)
    jobs = [submitted(workshop, connection, 500) for _ in range(2)]
    turns(workshop, jobs[0], room=1)
    workshop.passes(timedelta(seconds=1))

    turns(workshop, jobs[0], room=1)

    stored = [workshop.job(job).counts.stored for job in jobs]
    assert sorted(stored) == [0, 2]
    assert sum(workshop.routes.values()) == 1


def test_a_flood_over_many_connections_of_a_shared_budget_has_the_place_of_one_tenant(
    workshop: Workshop, fast: dict[str, Any]
) -> None:
    names = [workshop.connect("rest", f"c{number}", budget="shared", **fast) for number in range(8)]
    flood(workshop, names, jobs=100)
    with workshop.database.write() as connection:
        connection.execute(budgets.update().values(tenant_id=None))

    small = _of_another_tenant(workshop)
    _, done = served(workshop, small, most=100)

    assert done <= 8


def _of_another_tenant(workshop: Workshop) -> Job:
    other = workshop.store.keys.add_tenant("beta")
    credentials = {"type": "bearer", "token": "sandbox-key"}
    wish = Wish(
        name="mine", provider="rest", base_url=workshop.sandbox.url, credentials=credentials, settings=ITEMS,
        budget="shared",
    )  # fmt: skip
    connection = workshop.desk.add(other.id, wish)
    return workshop.lifecycle.submit_download(connection, DownloadCriteria(object_name="items", page_size=200), {})
