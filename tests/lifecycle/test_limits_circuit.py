"""The circuit breaker and the width of a budget, on whole jobs."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from orchestrator.job.record import Job
from orchestrator.job.status import JobStatus, WaitReason
from orchestrator.sandbox.faults import Fault, Match
from orchestrator.store.tables import budgets
from tests.lifecycle.workshop import Workshop

SECOND = timedelta(seconds=1)
DOWN = Fault(status=503)


def budget_of(workshop: Workshop, job: Job) -> Any:
    """Return the budget's row."""
    (row,) = workshop.rows(select(budgets).where(budgets.c.id == job.budget_id))
    return row


def hinted(workshop: Workshop, job: Job) -> list[int]:
    """Let dispatch choose, and return the steps."""
    hints = workshop.store.hints.take(job.budget_id, room=100, cap_of=workshop.vendors.cap)
    return [hint.step_id for hint in hints]


def turns(workshop: Workshop, job: Job, count: int) -> int:
    """Let dispatch hint and steps take turns, a second apart, until `count` turns were taken; return the seconds."""
    taken = 0
    for second in range(2000):
        for step in hinted(workshop, job):
            taken += workshop.turns.take_turn(step)
        if taken >= count:
            return second
        workshop.passes(SECOND)
    raise AssertionError(f"{taken} turns only")


@pytest.fixture
def down(workshop: Workshop) -> list[Job]:
    """Six downloads from a vendor that gives no usable answer."""
    workshop.sandbox.world.order(DOWN, times=None)
    workshop.connect("rest")
    return [workshop.download("rest", "items") for _ in range(6)]


def test_five_failures_in_a_row_open_the_circuit(workshop: Workshop, down: list[Job]) -> None:
    for step in workshop.due()[:5]:
        workshop.turns.take_turn(step)

    row, waiting = budget_of(workshop, down[0]), workshop.store.jobs.waiting(down[0].id)
    told = [data for job in down for data in workshop.told(job, "budget.circuit_opened")]
    assert (row["failures"], told) == (5, [{"seconds": 10.0}])
    assert waiting is not None
    assert waiting.reason is WaitReason.GATE
    assert hinted(workshop, down[0]) == []


def test_turns_that_fail_together_open_it_once(workshop: Workshop, down: list[Job]) -> None:
    for step in workshop.due():
        workshop.turns.take_turn(step)

    assert budget_of(workshop, down[0])["failures"] == 5


def test_while_it_is_half_open_one_step_at_a_time_tries(workshop: Workshop, down: list[Job]) -> None:
    turns(workshop, down[0], 5)

    workshop.passes(11 * SECOND)
    first, second = hinted(workshop, down[0]), hinted(workshop, down[0])

    assert (len(first), second) == (1, [])


def test_a_probe_that_fails_opens_it_for_longer(workshop: Workshop, down: list[Job]) -> None:
    turns(workshop, down[0], 5)
    workshop.passes(11 * SECOND)

    (probe,) = hinted(workshop, down[0])
    workshop.turns.take_turn(probe)

    told = [data["seconds"] for job in down for data in workshop.told(job, "budget.circuit_opened")]
    assert sorted(told) == [10.0, 20.0]
    assert hinted(workshop, down[0]) == []


def test_a_probe_that_is_answered_lets_everybody_go_on(workshop: Workshop, down: list[Job]) -> None:
    turns(workshop, down[0], 5)
    workshop.sandbox.world.faults.clear()
    workshop.passes(11 * SECOND)

    (probe,) = hinted(workshop, down[0])
    workshop.turns.take_turn(probe)
    row, others = budget_of(workshop, down[0]), hinted(workshop, down[0])

    assert (row["failures"], row["circuit_until"]) == (0, None)
    assert sum(len(workshop.told(job, "budget.circuit_closed")) for job in down) == 1
    assert len({*others} - {probe}) == 5


def test_an_outage_of_an_hour_costs_few_calls_and_no_job(workshop: Workshop, down: list[Job]) -> None:
    for _ in range(720):
        for step in hinted(workshop, down[0]):
            workshop.turns.take_turn(step)
        workshop.passes(5 * SECOND)
    asked = sum(workshop.routes.values())
    workshop.sandbox.world.faults.clear()
    ended = [workshop.run(job).status for job in down]

    assert asked < 40
    assert ended == [JobStatus.COMPLETED] * 6


def test_an_answer_does_not_open_the_gate_that_the_vendor_closed(workshop: Workshop) -> None:
    name = workshop.connect("rest")
    jobs = [workshop.download(name, "items") for _ in range(6)]
    workshop.sandbox.world.order(Fault(status=429, retry_after="600"), Match(), times=1)
    workshop.turns.take_turn(workshop.due()[0])

    workshop.passes(SECOND)

    row = budget_of(workshop, jobs[0])
    assert row["blocked_until"] == row["gate_until"]
    assert row["blocked_by"] == "gate"
    assert hinted(workshop, jobs[0]) == []


def test_a_refusal_narrows_the_budget_and_quiet_turns_widen_it(workshop: Workshop) -> None:
    name = workshop.connect("rest")
    job = workshop.download(name, "items", page_size=100)
    workshop.sandbox.world.order(Fault(status=429, retry_after="1"), times=1)

    workshop.turns.take_turn(workshop.due()[0])
    narrow = budget_of(workshop, job)["width"]
    workshop.passes(120 * SECOND)
    workshop.run(job)

    assert narrow == pytest.approx(16 * 0.7)
    assert budget_of(workshop, job)["width"] > narrow


def test_dispatch_takes_no_more_than_the_width(workshop: Workshop) -> None:
    name = workshop.connect("rest")
    jobs = [workshop.download(name, "items") for _ in range(12)]
    with workshop.database.write() as connection:
        connection.execute(budgets.update().values(width=3.9))

    assert len(hinted(workshop, jobs[0])) == 2  # and one place is kept for short kinds


def test_dispatch_takes_no_more_than_the_limits_bear(workshop: Workshop) -> None:
    name = workshop.connect("rest", limits=[{"kind": "concurrency", "amount": 4}])
    jobs = [workshop.download(name, "items") for _ in range(12)]

    assert len(hinted(workshop, jobs[0])) == 3  # and one place is kept for short kinds
