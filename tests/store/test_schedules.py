"""Schedules fire once, whatever number of beats there is."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from orchestrator.job.errors import Conflict, Missing
from orchestrator.job.schedule import FireState, Overlap
from orchestrator.job.status import Direction
from orchestrator.store import fires
from orchestrator.store.connections import Connection
from orchestrator.store.control import Control
from orchestrator.store.engine import Database
from orchestrator.store.fires import Fires, Times
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


def test_a_schedule_that_is_switched_off_is_never_due(schedules, connection, wish, schedule, time_told):
    schedules.replace(connection.tenant_id, "nightly", replace(wish, enabled=False))

    time_told.passes(2 * HOUR)

    assert schedules.due() == []


def times(schedule: Schedule, **changes: Any) -> Times:
    """Return the schedule's next time alone, fired, and the one a day later as the next."""
    at = schedule.next_fire_at
    return replace(Times(fires=[at], missed=[], next_at=at + 24 * HOUR), **changes)


def settle(database: Database, schedule: Schedule, connection: Connection, **changes: Any) -> Any:
    """Let the schedule's next time fire a job."""
    jobs = Jobs(database)

    def submit(transaction: Any) -> int:
        return jobs.insert(transaction, a_new_job(connection, schedule_id=schedule.id))

    cancel = Control(database).cancel_within
    return Fires(database).settle(schedule, times(schedule, **changes), submit, cancel)


def test_a_fire_submits_its_job_and_sets_the_next_time(database, schedules, connection, schedule):
    states = settle(database, schedule, connection)

    [fire] = Fires(database).of_schedule(schedule.id)
    assert states == [FireState.STARTED]
    assert (fire.fire_at, fire.job_id) == (schedule.next_fire_at, Fires(database).latest_job(schedule.id).id)
    assert schedules.get(connection.tenant_id, "nightly").next_fire_at == schedule.next_fire_at + 24 * HOUR


def test_eight_beats_fire_a_schedule_once(database, connection, schedule):
    with ThreadPoolExecutor(8) as pool:
        settled = list(pool.map(lambda _: settle(database, schedule, connection), range(8)))

    assert [each for each in settled if each is not None] == [[FireState.STARTED]]
    assert len(Jobs(database).list(connection.tenant_id)) == 1


def test_a_job_that_cannot_be_submitted_leaves_the_schedule_due(database, schedules, schedule, time_told):
    def refuse(_: object) -> int:
        raise Conflict("no")

    with pytest.raises(Conflict):
        Fires(database).settle(schedule, times(schedule), refuse, lambda *_: None)

    time_told.passes(HOUR)
    assert schedules.due() == [schedule]
    assert Fires(database).of_schedule(schedule.id) == []


def test_a_refused_fire_is_noted_without_a_job(database, connection, schedule):
    states = settle(database, schedule, connection, refusal="there is no such object")

    [fire] = Fires(database).of_schedule(schedule.id)
    assert states == [FireState.REFUSED]
    assert (fire.job_id, fire.message) == (None, "there is no such object")


def test_a_schedule_that_was_changed_meanwhile_is_settled_by_nobody(database, schedules, connection, wish, schedule):
    later = replace(wish, next_fire_at=schedule.next_fire_at + HOUR)
    schedules.replace(connection.tenant_id, "nightly", later)

    assert settle(database, schedule, connection) is None
    assert Jobs(database).list(connection.tenant_id) == []


def test_a_schedule_that_was_paused_meanwhile_fires_no_more(database, schedules, connection, wish, schedule):
    schedules.replace(connection.tenant_id, "nightly", replace(wish, enabled=False))

    assert settle(database, schedule, connection) is None


@pytest.mark.parametrize("overlap", Overlap)
def test_a_time_that_was_fired_before_moves_on_and_fires_nothing(
    database, schedules, connection, wish, schedule, overlap
):
    settle(database, schedule, connection)
    back = schedules.replace(connection.tenant_id, "nightly", replace(wish, overlap=overlap))

    again = settle(database, back, connection)

    assert again == []
    assert [job.status for job in Jobs(database).list(connection.tenant_id)] == ["CREATED"]
    assert schedules.get(connection.tenant_id, "nightly").next_fire_at == schedule.next_fire_at + 24 * HOUR


def test_a_change_leaves_the_next_time_to_a_beat_that_was_faster(database, schedules, connection, wish, schedule):
    settle(database, schedule, connection)

    changed = schedules.replace(
        connection.tenant_id, "nightly", replace(wish, notification_url="https://hooks.test"), schedule.next_fire_at
    )

    assert changed.notification_url == "https://hooks.test"
    assert changed.next_fire_at == schedule.next_fire_at + 24 * HOUR


def test_a_full_queue_skips(database, schedules, connection, wish, schedule, monkeypatch):
    monkeypatch.setattr(fires, "LONGEST_QUEUE", 1)
    queueing = schedules.replace(connection.tenant_id, "nightly", replace(wish, overlap=Overlap.QUEUE))
    moments = [queueing.next_fire_at + hour * HOUR for hour in range(3)]

    states = settle(database, queueing, connection, fires=moments)

    assert states == [FireState.STARTED, FireState.QUEUED, FireState.SKIPPED]


def test_a_schedule_may_be_replaced_and_keeps_its_fires(database, schedules, connection, wish, schedule):
    settle(database, schedule, connection)

    changed = schedules.replace(connection.tenant_id, "nightly", replace(wish, cron=None, every=HOUR))

    assert (changed.id, changed.cron, changed.every) == (schedule.id, None, HOUR)
    assert len(Fires(database).of_schedule(schedule.id)) == 1


def test_a_removed_schedule_is_gone_with_its_fires(database, schedules, connection, schedule):
    settle(database, schedule, connection)

    schedules.remove(connection.tenant_id, "nightly")

    assert Fires(database).of_schedule(schedule.id) == []
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
