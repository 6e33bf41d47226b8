"""Why a job does not move is told: in its status, and in its timeline where it takes long."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from orchestrator.job.record import Job
from orchestrator.job.status import WaitReason
from orchestrator.job.step import StepKind
from orchestrator.limits.limit import LimiterDown
from orchestrator.limits.memory import MemoryLimiter
from orchestrator.sandbox.faults import Fault, Match
from orchestrator.store.tables import budgets
from tests.lifecycle.workshop import Workshop, people

MINUTE = timedelta(minutes=1)


def a_download(workshop: Workshop, **wish: Any) -> Job:
    """Submit a download of 100 pages."""
    return workshop.download(workshop.connect("rest", **wish), "items", page_size=10)


def by_a_rate(workshop: Workshop) -> Job:
    return a_download(workshop, limits=[{"kind": "rate", "amount": 30, "seconds": 60}])


def by_a_quota(workshop: Workshop) -> Job:
    return a_download(workshop, limits=[{"kind": "quota", "amount": 5}])


def by_slots(workshop: Workshop) -> Job:
    job = a_download(workshop, limits=[{"kind": "concurrency", "amount": 1}])
    budget = workshop.store.budgets.get(job.budget_id)
    limits = workshop.vendors.limits(budget)
    workshop.limiter.seed(str(budget.id), limits, workshop.vendors._seed(budget.id, limits, MINUTE))
    assert workshop.limiter.enter(str(budget.id), limits, slot_id="somebody", ttl=MINUTE) is None
    return job


def by_the_gate(workshop: Workshop) -> Job:
    by_the_vendors_word(workshop)
    workshop.round()
    return workshop.download("rest", "items")


def by_the_vendors_word(workshop: Workshop) -> Job:
    workshop.sandbox.world.order(Fault(status=429, retry_after="30"), times=1)
    return a_download(workshop)


def by_its_api_limit(workshop: Workshop) -> Job:
    return workshop.download(workshop.connect("rest"), "items", page_size=10, api_limit=5)


def by_the_vendors_job(workshop: Workshop) -> Job:
    workshop.sandbox.world.change({"speed": 1.0})
    job = workshop.upload(workshop.connect("salesloft"), people(100))
    workshop.run_until_due(job, StepKind.POLL)
    return job


def by_a_failure(workshop: Workshop) -> Job:
    workshop.sandbox.world.order(Fault(status=503), Match(), times=1)
    return a_download(workshop)


def by_a_lost_limiter(workshop: Workshop) -> Job:
    workshop.vendors._limiter = _Down(workshop.time_told)
    return a_download(workshop)


def by_a_person(workshop: Workshop) -> Job:
    job = a_download(workshop)
    return workshop.lifecycle.pause(workshop.tenant.id, job.id)


def by_a_refresh(workshop: Workshop) -> Job:
    sealed = {
        "type": "oauth2_refresh", "tokenUrl": f"{workshop.sandbox.url}/oauth/token", "clientId": "sandbox-client",
        "clientSecret": "sandbox-secret", "refreshToken": "sandbox-refresh",
    }  # fmt: skip
    workshop.sandbox.world.change({"people": 10})
    job = workshop.download(workshop.connect("salesloft", credentials=sealed), "person")
    assert workshop.store.connections.take_refresh(job.connection_id, "somebody", 1)
    return job


class _Down(MemoryLimiter):
    """A limiter that nobody reaches."""

    def acquire(self, *given: Any, **named: Any) -> Any:
        raise LimiterDown


@pytest.mark.parametrize(
    ("hold", "reason"),
    [
        (by_a_rate, WaitReason.RATE),
        (by_a_quota, WaitReason.QUOTA),
        (by_slots, WaitReason.CONCURRENCY),
        (by_the_gate, WaitReason.GATE),
        (by_the_vendors_word, WaitReason.RETRY_AFTER),
        (by_its_api_limit, WaitReason.API_LIMIT),
        (by_the_vendors_job, WaitReason.VENDOR_JOB),
        (by_a_failure, WaitReason.BACK_OFF),
        (by_a_lost_limiter, WaitReason.LIMITER_DOWN),
        (by_a_refresh, WaitReason.TOKEN_REFRESH),
    ],
)
def test_the_status_says_what_a_job_waits_for_and_until_when(
    workshop: Workshop, hold: Callable[[Workshop], Job], reason: WaitReason
) -> None:
    job = hold(workshop)

    for _ in range(3):
        workshop.round()

    waiting = workshop.store.jobs.waiting(job.id)
    assert waiting is not None
    assert waiting.reason is reason
    assert waiting.until is not None
    assert waiting.until > workshop.store.database_time()


def test_a_paused_job_waits_for_a_person(workshop: Workshop) -> None:
    job = by_a_person(workshop)

    waiting = workshop.store.jobs.waiting(job.id)

    assert waiting is not None
    assert (waiting.reason, waiting.until) == (WaitReason.PAUSED, None)


def test_a_wait_of_more_than_five_seconds_is_a_line_of_the_timeline(workshop: Workshop) -> None:
    job = by_the_vendors_word(workshop)

    workshop.round()

    (told,) = workshop.told(job, "wait.long")
    assert told == {"reason": "retry_after", "seconds": 30.0}


def test_a_short_wait_is_none(workshop: Workshop) -> None:
    job = by_a_failure(workshop)

    workshop.round()

    assert workshop.step_of(job, StepKind.FETCH)["wait_reason"] == WaitReason.BACK_OFF
    assert workshop.told(job, "wait.long") == []


def test_a_wait_longer_than_the_blocked_budget_keeps_its_own_reason(workshop: Workshop) -> None:
    job = by_the_vendors_job(workshop)
    workshop.round()
    with workshop.database.write() as connection:
        connection.execute(budgets.update().values(blocked_until=workshop.database.now + 1, blocked_by="rate"))

    waiting = workshop.store.jobs.waiting(job.id)

    assert waiting is not None
    assert waiting.reason is WaitReason.VENDOR_JOB
