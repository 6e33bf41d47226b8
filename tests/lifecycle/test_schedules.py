"""Schedules at work: any number of beats, an absence, a job that still runs, and who is told."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.job.criteria import DownloadCriteria
from orchestrator.job.record import Job
from orchestrator.job.schedule import CatchUp, FireState, Overlap
from orchestrator.job.status import Direction, JobStatus
from orchestrator.lifecycle.timetable import Timing
from orchestrator.store.schedules import NewSchedule, Schedule
from orchestrator.upkeep import Upkeep
from tests.lifecycle.workshop import Workshop

HOUR = timedelta(hours=1)
A_MOMENT = timedelta(seconds=1)
HOOK = "https://hooks.orchard.test/b"
ITEMS = DownloadCriteria(object_name="items", limit=3)

Schedules = Callable[..., Schedule]


@pytest.fixture
def scheduled(workshop: Workshop) -> Schedules:
    """Adds a schedule, hourly unless it says otherwise, whose first time is the next one."""
    workshop.connect("rest")
    connection = workshop.store.connections.get(workshop.tenant.id, "rest")

    def add(cron: str | None = "0 * * * *", every: timedelta | None = None, **more: Any) -> Schedule:
        zone = more.pop("timezone", "UTC")
        first = Timing(cron=cron, every=every, timezone=zone).after(workshop.store.database_time())
        wish = NewSchedule(
            name="often", connection_id=connection.id, cron=cron, every=every, timezone=zone,
            direction=Direction.DOWNLOAD, request={}, next_fire_at=first, **({"criteria": ITEMS} | more),
        )  # fmt: skip
        return workshop.store.schedules.add(workshop.tenant.id, wish)

    return add


def comes(workshop: Workshop, moment: datetime) -> None:
    """Let time pass until a moment."""
    workshop.passes(moment - workshop.store.database_time())


def fires(workshop: Workshop, schedule: Schedule) -> list[tuple[datetime, FireState]]:
    """Return what came of the schedule's times, oldest first."""
    return [(each.fire_at, each.state) for each in reversed(workshop.store.fires.of_schedule(schedule.id))]


def jobs(workshop: Workshop) -> list[Job]:
    """Return all jobs, oldest first."""
    return list(workshop.store.jobs.list(workshop.tenant.id))


def told(workshop: Workshop) -> list[tuple[str, Any]]:
    """Return the kind and the time of every notification in the outbox."""
    outbox = workshop.store.outbox
    found = [outbox.claim(each) for each in outbox.due()]
    return [(each.kind, each.body.get("fireTime")) for each in found if each is not None]


def millis(moment: datetime) -> int:
    """Return the milliseconds since 1970."""
    return int(moment.timestamp()) * 1000


def test_eight_beats_fire_each_time_once(workshop, upkeep, scheduled):
    schedule = scheduled(catch_up=CatchUp.ALL)
    comes(workshop, schedule.next_fire_at + 2 * HOUR)

    with ThreadPoolExecutor(8) as beats:
        started = sum(beats.map(lambda _: upkeep.fire_schedules(), range(8)))

    first = schedule.next_fire_at
    assert [at for at, _ in fires(workshop, schedule)] == [first, first + HOUR, first + 2 * HOUR]
    assert started == len(jobs(workshop)) == 1


def test_beats_over_a_change_of_daylight_saving_time_fire_once_a_day(workshop, upkeep, scheduled):
    comes(workshop, datetime(2027, 3, 27, 12, tzinfo=UTC))
    schedule = scheduled("30 2 * * *", timezone="Europe/Berlin", overlap=Overlap.QUEUE)
    hours = [datetime(2027, 3, 27, 12, 0, 30, tzinfo=UTC) + hour * HOUR for hour in range(1, 49)]

    for hour in hours:
        comes(workshop, hour)
        upkeep.fire_schedules()
        upkeep.fire_schedules()

    shown = [f"{at:%m-%d %H:%M}" for at, _ in fires(workshop, schedule)]
    assert shown == ["03-28 01:00", "03-29 00:30"]


ABSENCE = [
    (CatchUp.SKIP, [FireState.MISSED], 0),
    (CatchUp.ONE, [FireState.MISSED, FireState.STARTED], 1),
    (CatchUp.ALL, [FireState.STARTED, FireState.QUEUED, FireState.QUEUED], 1),
]


@pytest.mark.parametrize(("catch_up", "states", "started"), ABSENCE, ids=["skip", "one", "all"])
def test_after_three_hours_without_a_beat_the_policy_is_kept(workshop, upkeep, scheduled, catch_up, states, started):
    schedule = scheduled(catch_up=catch_up)
    comes(workshop, schedule.next_fire_at + 2 * HOUR + HOUR / 2)

    upkeep.fire_schedules()
    upkeep.fire_schedules()

    assert [state for _, state in fires(workshop, schedule)] == states
    assert len(jobs(workshop)) == started
    assert workshop.store.schedules.get(workshop.tenant.id, "often").next_fire_at == schedule.next_fire_at + 3 * HOUR


def test_all_missed_times_have_their_jobs_one_after_the_other(workshop, upkeep, scheduled):
    schedule = scheduled(catch_up=CatchUp.ALL)
    comes(workshop, schedule.next_fire_at + 2 * HOUR)

    for _ in range(3):
        upkeep.fire_schedules()
        workshop.run(jobs(workshop)[-1])
    upkeep.fire_schedules()

    assert [state for _, state in fires(workshop, schedule)] == [FireState.STARTED] * 3
    assert [job.status for job in jobs(workshop)] == [JobStatus.COMPLETED] * 3


def test_a_start_is_skipped_while_the_job_before_runs(workshop, upkeep, scheduled):
    schedule = scheduled(overlap=Overlap.SKIP, notification_url=HOOK)
    comes(workshop, schedule.next_fire_at)
    upkeep.fire_schedules()
    comes(workshop, schedule.next_fire_at + HOUR)

    upkeep.fire_schedules()

    assert [state for _, state in fires(workshop, schedule)] == [FireState.STARTED, FireState.SKIPPED]
    assert told(workshop) == [("schedule.skipped", millis(schedule.next_fire_at + HOUR))]


def test_a_queued_start_comes_when_the_job_before_has_ended(workshop, upkeep, scheduled):
    schedule = scheduled(overlap=Overlap.QUEUE)
    comes(workshop, schedule.next_fire_at)
    upkeep.fire_schedules()
    comes(workshop, schedule.next_fire_at + HOUR)
    upkeep.fire_schedules()
    waiting = len(jobs(workshop))

    workshop.run(jobs(workshop)[0])
    upkeep.fire_schedules()

    assert waiting == 1
    assert [job.status for job in jobs(workshop)] == [JobStatus.COMPLETED, JobStatus.CREATED]
    assert [state for _, state in fires(workshop, schedule)] == [FireState.STARTED] * 2


def test_a_start_may_take_the_place_of_the_job_before(workshop, upkeep, scheduled):
    schedule = scheduled(overlap=Overlap.CANCEL)
    comes(workshop, schedule.next_fire_at)
    upkeep.fire_schedules()
    comes(workshop, schedule.next_fire_at + HOUR)

    upkeep.fire_schedules()
    upkeep.fire_schedules()

    assert [job.status for job in jobs(workshop)] == [JobStatus.CANCELED, JobStatus.CREATED]


def test_missed_times_are_told_once(workshop, upkeep, scheduled):
    schedule = scheduled(catch_up=CatchUp.SKIP, notification_url=HOOK)
    comes(workshop, schedule.next_fire_at + 2 * HOUR + HOUR / 2)

    upkeep.fire_schedules()
    upkeep.fire_schedules()

    assert told(workshop) == [("schedule.missed", millis(schedule.next_fire_at + 2 * HOUR))]
    assert workshop.store.fires.of_schedule(schedule.id)[0].missed == 3


def test_a_start_that_is_refused_is_told_and_the_next_one_is_set(workshop, upkeep, scheduled):
    schedule = scheduled(criteria=DownloadCriteria(object_name="unicorns"), notification_url=HOOK)
    comes(workshop, schedule.next_fire_at)

    upkeep.fire_schedules()

    assert fires(workshop, schedule) == [(schedule.next_fire_at, FireState.REFUSED)]
    assert told(workshop) == [("schedule.refused", millis(schedule.next_fire_at))]
    assert workshop.store.schedules.due() == []


def test_the_jobs_of_a_schedule_tell_its_address(workshop, upkeep, scheduled):
    schedule = scheduled(notification_url=HOOK)
    comes(workshop, schedule.next_fire_at)
    upkeep.fire_schedules()

    workshop.run(jobs(workshop)[0])

    assert [kind for kind, _ in told(workshop)] == ["job.completed"]


def test_old_fires_are_forgotten_and_what_is_queued_stays(workshop, upkeep, scheduled):
    schedule = scheduled(overlap=Overlap.QUEUE, notification_url=HOOK)
    for hours in (0, 1):
        comes(workshop, schedule.next_fire_at + hours * HOUR)
        upkeep.fire_schedules()
    workshop.passes(timedelta(days=31))

    upkeep.tidy()

    assert [state for _, state in fires(workshop, schedule)] == [FireState.QUEUED]


def test_a_schedule_with_a_rhythm_fires_in_its_beat(workshop, upkeep: Upkeep, scheduled):
    schedule = scheduled(None, timedelta(minutes=20), overlap=Overlap.QUEUE)

    for minutes in (0, 20, 40):
        comes(workshop, schedule.next_fire_at + timedelta(minutes=minutes) + A_MOMENT)
        upkeep.fire_schedules()

    rest = [at - schedule.next_fire_at for at, _ in fires(workshop, schedule)]
    assert rest == [timedelta(0), timedelta(minutes=20), timedelta(minutes=40)]
