"""I6: calls are reserved before they are made; `apiLimit` is never exceeded, whoever works and whoever dies."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, time, timedelta
from random import Random
from typing import Any

import pytest

from orchestrator.job.criteria import Criteria
from orchestrator.job.record import Job
from orchestrator.job.status import JobStatus, StopReason
from orchestrator.job.step import StepKind, Successor
from orchestrator.providers.rest import REST
from orchestrator.sandbox.server import Running
from orchestrator.store.engine import Database
from orchestrator.upkeep import Upkeep
from tests.conftest import TimeTold
from tests.lifecycle.seams import Died
from tests.lifecycle.workshop import LEASE_RUNS_OUT, Workshop

SIDE_BY_SIDE = 8
LIMIT = 57
DAY = timedelta(days=1)


def eight_walks(criteria: Criteria, settings: Mapping[str, Any]) -> Sequence[Successor]:
    """Let eight steps read the same list side by side; none of them starts at the start, where it would be counted."""
    return [Successor(kind=StepKind.FETCH, partition=n, cursor={"after": n}) for n in range(SIDE_BY_SIDE)]


@pytest.fixture
def workshop(database: Database, time_told: TimeTold, sandbox: Running) -> Iterator[Workshop]:
    """A workshop whose downloads are eight fetch steps."""
    families = {"rest": replace(REST, first_steps=eight_walks)}
    workshop = Workshop(database, time_told, sandbox, families=families)
    yield workshop
    workshop.close()


def a_long_download(workshop: Workshop, api_limit: int | None = LIMIT) -> Job:
    return workshop.download(workshop.connect("rest"), "items", page_size=10, api_limit=api_limit)


def calls(workshop: Workshop) -> int:
    return workshop.routes.get("GET /rest/items", 0)


def side_by_side(workshop: Workshop, job: Job) -> Job:
    """Let eight workers take turns at once until the job has stopped."""

    def work(number: int) -> None:
        turns = workshop.worker(f"worker-{number}").turns
        for _ in range(200):
            due = workshop.due()
            if workshop.job(job).status is JobStatus.THROTTLED:
                return
            with suppress(Died):
                if not sum(turns.take_turn(step) for step in due[number:] + due[:number]):
                    workshop.passes(timedelta(seconds=1))

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        list(pool.map(work, range(SIDE_BY_SIDE)))
    return workshop.job(job)


def next_midnight(workshop: Workshop) -> datetime:
    now = workshop.store.database_time()
    return datetime.combine(now.date() + DAY, time(), now.tzinfo)


def test_eight_steps_side_by_side_use_the_limit_up_exactly(workshop: Workshop) -> None:
    job = a_long_download(workshop)

    throttled = side_by_side(workshop, job)

    assert (throttled.status, throttled.stop_reason) == (JobStatus.THROTTLED, StopReason.API_LIMIT)
    assert calls(workshop) == LIMIT
    assert throttled.api_calls_today == throttled.api_calls_total == LIMIT
    assert throttled.restart_at is not None
    assert abs(throttled.restart_at - next_midnight(workshop)) < timedelta(minutes=1)


@pytest.mark.usefixtures("a_checkpoint_each_page")
def test_the_limit_holds_through_deaths_at_any_moment(workshop: Workshop) -> None:
    job = a_long_download(workshop)
    random = Random(7)

    for _ in range(6):
        workshop.seams.begin(die_after=random.randrange(30))
        with suppress(Died):
            workshop.run(job, until=lambda: workshop.seams.struck)
        workshop.passes(LEASE_RUNS_OUT)
    workshop.seams.begin()
    throttled = side_by_side(workshop, job)

    assert throttled.status is JobStatus.THROTTLED
    assert LIMIT - 6 * 20 <= calls(workshop) <= LIMIT
    assert throttled.api_calls_today == LIMIT


def test_the_job_goes_on_by_itself_when_the_day_turns(workshop: Workshop, upkeep: Upkeep) -> None:
    job = a_long_download(workshop)
    side_by_side(workshop, job)

    too_early = upkeep.day_turn()
    workshop.passes(DAY)
    restarted = [upkeep.day_turn(), upkeep.day_turn()]
    side_by_side(workshop, job)

    assert (too_early, restarted) == (0, [1, 0])
    assert workshop.job(job).status is JobStatus.THROTTLED
    assert calls(workshop) == 2 * LIMIT
    assert workshop.job(job).api_calls_total == 2 * LIMIT


def test_a_restart_with_a_higher_limit_goes_on_at_once_and_no_further(workshop: Workshop) -> None:
    job = a_long_download(workshop)
    side_by_side(workshop, job)

    workshop.lifecycle.restart(workshop.tenant.id, job.id, api_limit=80)
    side_by_side(workshop, job)

    assert workshop.job(job).status is JobStatus.THROTTLED
    assert calls(workshop) == 80


def test_a_restart_while_the_limit_is_used_up_makes_no_call(workshop: Workshop) -> None:
    job = a_long_download(workshop)
    side_by_side(workshop, job)

    workshop.lifecycle.restart(workshop.tenant.id, job.id)
    side_by_side(workshop, job)

    assert workshop.job(job).status is JobStatus.THROTTLED
    assert calls(workshop) == LIMIT


def test_a_pause_gives_unused_calls_back(workshop: Workshop) -> None:
    job = a_long_download(workshop)

    with workshop.asleep(job, freeze_before="GET /rest/items#2"):
        workshop.lifecycle.pause(workshop.tenant.id, job.id)

    paused = workshop.job(job)
    assert paused.api_calls_today == paused.api_calls_total == calls(workshop)


def test_a_job_without_a_limit_counts_its_calls_all_the_same(workshop: Workshop) -> None:
    job = a_long_download(workshop, api_limit=None)

    workshop.run(job)

    done = workshop.job(job)
    assert done.api_calls_today == done.api_calls_total == calls(workshop)
