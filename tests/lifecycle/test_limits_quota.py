"""A provider's own quota on whole jobs: counted in SQL, never overrun, whatever the limiter forgets."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from orchestrator.job.record import Job
from orchestrator.job.status import JobStatus, StopReason, WaitReason
from orchestrator.job.step import StepKind
from orchestrator.limits.pauses import next_midnight
from orchestrator.limits.redis import RedisLimiter
from orchestrator.sandbox.faults import Fault
from orchestrator.store.tables import api_usage, budgets
from tests.lifecycle.workshop import Workshop
from tests.servers import ValkeyServer

HOUR = timedelta(hours=1)
QUOTA = [{"kind": "quota", "amount": 60}]
BERLIN = [{"kind": "quota", "amount": 60, "window": "day", "timezone": "Europe/Berlin"}]


@pytest.fixture(params=["memory", "valkey"])
def forget(
    request: pytest.FixtureRequest, workshop: Workshop, redis_server: ValkeyServer, redis_url: str
) -> Iterator[Callable[[], None]]:
    """Let the limiter lose everything; once in memory, once a real server."""
    if request.param == "memory":
        yield workshop.limiter.forget
        return
    limiter = RedisLimiter(redis_url, workshop.time_told, prefix=f"{workshop.database.dialect}")
    workshop.vendors._limiter = limiter
    yield redis_server.flush
    limiter.close()


def calls(workshop: Workshop) -> int:
    """Return the calls that the vendor counted."""
    return sum(workshop.routes.values())


def a_download(workshop: Workshop, pages: int, limits: list[dict[str, Any]]) -> Job:
    """Submit a download of so many pages from a budget with these limits."""
    name = workshop.connect("rest", limits=limits)
    return workshop.download(name, "items", page_size=1_000 // pages)


def used(workshop: Workshop) -> int:
    """Return the units in the ledger."""
    (row,) = workshop.rows(select(func.sum(api_usage.c.used).label("used")))
    return int(row["used"] or 0)


def test_a_quota_that_is_used_up_stops_the_job_until_the_window_frees_up(workshop: Workshop) -> None:
    job = a_download(workshop, 100, QUOTA)

    stopped = workshop.run(job)

    waiting = workshop.store.jobs.waiting(job.id)
    assert (stopped.status, stopped.stop_reason) == (JobStatus.THROTTLED, StopReason.VENDOR_QUOTA)
    assert waiting is not None
    assert waiting.reason is WaitReason.QUOTA
    assert waiting.until == stopped.restart_at
    assert calls(workshop) <= 60


def test_it_goes_on_by_itself_to_a_complete_file(workshop: Workshop) -> None:
    job = a_download(workshop, 100, QUOTA)

    for _ in range(4):
        workshop.run(job)
        workshop.passes(26 * HOUR)
        for due in workshop.store.sweeps.throttled_and_due():
            workshop.lifecycle.restart(None, due)

    assert workshop.job(job).status is JobStatus.COMPLETED
    assert len(workshop.lines(job)) == 1_000


def test_each_job_of_the_budget_is_told(workshop: Workshop) -> None:
    first = a_download(workshop, 100, QUOTA)
    second = workshop.download("rest", "items", page_size=10)

    stopped = [workshop.run(job) for job in (first, second)]

    assert [job.stop_reason for job in stopped] == [StopReason.VENDOR_QUOTA] * 2


def test_a_short_wait_for_a_quota_is_a_wait(workshop: Workshop) -> None:
    job = a_download(workshop, 100, BERLIN)
    workshop.passes(_until_midnight(workshop) - timedelta(minutes=4))

    workshop.run(job, until=lambda: workshop.step_of(job, StepKind.FETCH)["wait_reason"] == WaitReason.QUOTA)

    waiting = workshop.store.jobs.waiting(job.id)
    assert workshop.job(job).status is JobStatus.RUNNING
    assert waiting is not None
    assert waiting.reason is WaitReason.QUOTA
    assert workshop.run(job).status is JobStatus.COMPLETED


def _until_midnight(workshop: Workshop) -> timedelta:
    now = workshop.store.database_time()
    return next_midnight(now, "Europe/Berlin") - now


def test_what_was_used_is_counted_by_the_commits(workshop: Workshop) -> None:
    job = a_download(workshop, 20, QUOTA)

    workshop.run(job)

    assert used(workshop) == calls(workshop) == workshop.job(job).api_calls_total


@pytest.mark.parametrize("limits", [QUOTA, BERLIN])
def test_a_limiter_that_forgets_all_the_time_never_overruns_the_quota(
    workshop: Workshop, forget: Callable[[], None], limits: list[dict[str, Any]]
) -> None:
    workshop.passes(_until_midnight(workshop) + HOUR)
    job = a_download(workshop, 100, limits)

    for _ in range(30):
        forget()
        for step in workshop.due():
            workshop.turns.take_turn(step)
        if workshop.job(job).status is JobStatus.THROTTLED:
            workshop.lifecycle.restart(None, job.id)
        workshop.passes(timedelta(seconds=1))

    assert 40 <= calls(workshop) <= 60


def test_a_rolling_quota_holds_in_any_day(workshop: Workshop, forget: Callable[[], None]) -> None:
    job = a_download(workshop, 500, QUOTA)
    counts = [0]

    for hour in range(1, 50):
        workshop.run(job, until=lambda: False)
        counts.append(calls(workshop))
        workshop.passes(HOUR)
        if hour % 7 == 0:
            forget()
        if workshop.job(job).status is JobStatus.THROTTLED:
            workshop.lifecycle.restart(None, job.id)

    assert max(late - early for early, late in zip(counts, counts[24:], strict=False)) <= 60
    assert counts[-1] >= 100


def test_a_gate_of_ten_minutes_survives_the_loss_of_the_limiter(workshop: Workshop, forget: Callable[[], None]) -> None:
    name = workshop.connect("rest")
    jobs = [workshop.download(name, "items") for _ in range(2)]
    workshop.sandbox.world.order(Fault(status=429, retry_after="600"), times=1)
    workshop.turns.take_turn(workshop.step_of(jobs[0], StepKind.FETCH)["id"])

    forget()
    workshop.turns.take_turn(workshop.step_of(jobs[1], StepKind.FETCH)["id"])

    waiting = workshop.step_of(jobs[1], StepKind.FETCH)
    assert calls(workshop) == 1
    assert waiting["wait_reason"] == WaitReason.GATE
    assert waiting["due_at"] > workshop.step_of(jobs[0], StepKind.FETCH)["due_at"] - 10_000_000


def test_what_a_header_claimed_survives_the_loss_of_the_limiter(workshop: Workshop, forget: Callable[[], None]) -> None:
    workshop.sandbox.world.change({"rest_rate": 300, "rest_window": 60.0})
    job = a_download(workshop, 2, [{"kind": "rate", "amount": 600, "seconds": 60}])
    workshop.passes(timedelta(minutes=1))
    workshop.run(job)

    forget()
    limiter, limits = workshop.vendors._limiter, workshop.vendors.limits(workshop.store.budgets.get(job.budget_id))
    limiter.seed(str(job.budget_id), limits, workshop.vendors._seed(job.budget_id, limits, timedelta(seconds=60)))

    (state,) = limiter.look(str(job.budget_id), limits)
    assert state.share == 0.5


def test_learned_claims_name_their_header_and_time(workshop: Workshop) -> None:
    workshop.sandbox.world.change({"rest_rate": 300, "rest_window": 60.0})
    job = a_download(workshop, 2, [{"kind": "rate", "amount": 600, "seconds": 60}])
    workshop.passes(timedelta(minutes=1))

    workshop.run(job)

    (row,) = workshop.rows(select(budgets.c.learned))
    assert row["learned"]["rate"]["header"] == "x-ratelimit-*"
    assert row["learned"]["rate"]["limit"] == 300
    assert row["learned"]["rate"]["at"] > 0
