"""Schedules fire once, whatever number of beats there is."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.job.errors import Conflict, Missing
from orchestrator.job.status import Direction
from orchestrator.store.connections import Connection
from orchestrator.store.jobs import Jobs
from orchestrator.store.schedules import NewSchedule, Schedule, Schedules
from tests.store.given import PEOPLE, a_connection, a_new_job, a_tenant

HOUR = timedelta(hours=1)


@pytest.fixture
def schedules(database) -> Schedules:
    return Schedules(database)


@pytest.fixture
def connection(database) -> Connection:
    return a_connection(database, a_tenant(database))


@pytest.fixture
def wish(connection, time_told) -> NewSchedule:
    return NewSchedule(
        name="nightly",
        connection_id=connection.id,
        cron="0 3 * * *",
        timezone="Europe/Berlin",
        direction=Direction.DOWNLOAD,
        request={"objectName": "person"},
        criteria=PEOPLE,
        next_fire_at=time_told.now() + HOUR,
    )


@pytest.fixture
def schedule(schedules, connection, wish) -> Schedule:
    return schedules.add(connection.tenant_id, wish)


def test_a_schedule_keeps_what_it_was_asked_for(schedules, connection, wish, schedule):
    kept = schedules.get(connection.tenant_id, "nightly")

    assert kept == schedule
    assert {name: getattr(kept, name) for name in wish.__dataclass_fields__} == vars(wish)
    assert schedules.list(connection.tenant_id) == [schedule]


def test_a_schedule_is_due_when_its_time_has_come(schedules, schedule, time_told):
    before = schedules.due()

    time_told.passes(HOUR)

    assert before == []
    assert schedules.due() == [schedule]


def test_a_schedule_that_is_switched_off_is_never_due(schedules, connection, schedule, time_told):
    schedules.enable(connection.tenant_id, "nightly", enabled=False)

    time_told.passes(2 * HOUR)

    assert schedules.due() == []


def test_a_fire_submits_its_job_and_sets_the_next_time(database, schedules, connection, schedule):
    jobs, next_time = Jobs(database), schedule.next_fire_at + 24 * HOUR

    fired = schedules.fire(
        schedule.id, schedule.next_fire_at, lambda open_: jobs.insert(open_, a_new_job(connection)), next_time
    )

    fires = schedules.fires(schedule.id)
    assert fired
    assert [each.fire_at for each in fires] == [schedule.next_fire_at]
    assert jobs.get(connection.tenant_id, fires[0].job_id).object_name == "Person"
    assert schedules.get(connection.tenant_id, "nightly").next_fire_at == next_time


def test_eight_beats_fire_a_schedule_once(database, schedules, connection, schedule):
    jobs, next_time = Jobs(database), schedule.next_fire_at + 24 * HOUR

    def fire(_: int) -> bool:
        return schedules.fire(
            schedule.id, schedule.next_fire_at, lambda open_: jobs.insert(open_, a_new_job(connection)), next_time
        )

    with ThreadPoolExecutor(8) as pool:
        fired = list(pool.map(fire, range(8)))

    assert sum(fired) == 1
    assert len(jobs.list(connection.tenant_id)) == 1


def test_a_job_that_cannot_be_submitted_leaves_the_schedule_due(schedules, connection, schedule, time_told):
    def refuse(_: object) -> int:
        raise Conflict("no")

    with pytest.raises(Conflict):
        schedules.fire(schedule.id, schedule.next_fire_at, refuse, schedule.next_fire_at + HOUR)

    time_told.passes(HOUR)
    assert schedules.due() == [schedule]
    assert schedules.fires(schedule.id) == []


def test_a_skipped_fire_is_noted_without_a_job(schedules, schedule):
    fired = schedules.fire(schedule.id, schedule.next_fire_at, lambda _: None, schedule.next_fire_at + HOUR)

    assert fired
    assert schedules.fires(schedule.id)[0].job_id is None


def test_a_time_that_was_fired_before_moves_on_and_fires_nothing(schedules, connection, schedule, time_told):
    schedules.fire(schedule.id, schedule.next_fire_at, lambda _: None, schedule.next_fire_at + HOUR)
    schedules.enable(connection.tenant_id, "nightly", enabled=True, next_fire_at=schedule.next_fire_at)

    again = schedules.fire(schedule.id, schedule.next_fire_at, lambda _: 1, schedule.next_fire_at + HOUR)

    time_told.passes(HOUR)
    assert not again
    assert schedules.due() == []


def test_a_schedule_may_be_replaced_and_keeps_its_fires(schedules, connection, wish, schedule):
    schedules.fire(schedule.id, schedule.next_fire_at, lambda _: None, schedule.next_fire_at + HOUR)

    changed = schedules.replace(connection.tenant_id, "nightly", replace(wish, cron=None, every=HOUR))

    assert (changed.id, changed.cron, changed.every) == (schedule.id, None, HOUR)
    assert len(schedules.fires(schedule.id)) == 1


def test_a_removed_schedule_is_gone_with_its_fires(schedules, connection, schedule):
    schedules.fire(schedule.id, schedule.next_fire_at, lambda _: None, schedule.next_fire_at + HOUR)

    schedules.remove(connection.tenant_id, "nightly")

    assert schedules.fires(schedule.id) == []
    with pytest.raises(Missing):
        schedules.get(connection.tenant_id, "nightly")


def test_a_schedule_of_another_tenant_is_missing(database, schedules, schedule):
    other = a_tenant(database, "other")

    with pytest.raises(Missing):
        schedules.get(other, "nightly")
    with pytest.raises(Missing):
        schedules.remove(other, "nightly")


def test_a_name_is_taken_once_per_tenant(schedules, connection, wish, schedule):
    with pytest.raises(Conflict):
        schedules.add(connection.tenant_id, wish)
