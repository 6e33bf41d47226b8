"""Times of schedules are told by pure functions: cron in its zone, Quartz's cron, rhythms, and what was missed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from orchestrator.job.errors import Invalid
from orchestrator.job.schedule import CatchUp
from orchestrator.lifecycle.timetable import LATE, MOST_CAUGHT_UP, NEVER, Timing, checked_cron, due

HOUR = timedelta(hours=1)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOURLY = Timing(cron="0 * * * *", every=None, timezone="UTC")


def times(cron: str, start: str, count: int, zone: str = "UTC") -> list[str]:
    """Return the next times after a local moment, as a wall clock in the zone shows them."""
    local, at = ZoneInfo(zone), datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(zone))
    found = []
    for _ in range(count):
        at = Timing(cron=cron, every=None, timezone=zone).after(at)
        found.append(f"{at.astimezone(local):%Y-%m-%d %H:%M:%S}")
    return found


SPRING = ["2026-03-28 02:30:00", "2026-03-29 03:00:00", "2026-03-30 02:30:00"]
AUTUMN = ["2026-10-24 02:30:00", "2026-10-25 02:30:00", "2026-10-26 02:30:00"]


@pytest.mark.parametrize("cron", ["30 2 * * *", "0 30 2 * * ?"])
@pytest.mark.parametrize(("start", "expected"), [("2026-03-28", SPRING), ("2026-10-24", AUTUMN)])
def test_a_change_of_daylight_saving_time_neither_loses_nor_doubles_a_fire(cron, start, expected):
    assert times(cron, start, 3, "Europe/Berlin") == expected


def test_an_hourly_cron_counts_the_hours_that_there_are():
    spring = times("0 * * * *", "2026-03-29T00:30", 3, "Europe/Berlin")
    autumn = times("0 * * * *", "2026-10-25T01:30", 3, "Europe/Berlin")

    assert spring == ["2026-03-29 01:00:00", "2026-03-29 03:00:00", "2026-03-29 04:00:00"]
    assert autumn == ["2026-10-25 02:00:00", "2026-10-25 02:00:00", "2026-10-25 03:00:00"]


QUARTZ = [
    ("0 0 6 ? * MON-FRI", "2026-01-02T07:00", ["2026-01-05 06:00:00", "2026-01-06 06:00:00"]),
    ("0 0 6 ? * 2-6", "2026-01-02T07:00", ["2026-01-05 06:00:00", "2026-01-06 06:00:00"]),
    ("0 0 6 ? * 1", "2026-01-02T07:00", ["2026-01-04 06:00:00", "2026-01-11 06:00:00"]),
    ("0 0 6 ? * 2/2", "2026-01-02T07:00", ["2026-01-05 06:00:00", "2026-01-07 06:00:00"]),
    ("30 15 10 1 * ?", "2026-01-02", ["2026-02-01 10:15:30", "2026-03-01 10:15:30"]),
    ("*/20 * * * * ?", "2026-01-02T00:00:10", ["2026-01-02 00:00:20", "2026-01-02 00:00:40"]),
    ("0 0 12 L * ?", "2026-01-02", ["2026-01-31 12:00:00", "2026-02-28 12:00:00"]),
    ("0 0 12 L-3 * ?", "2026-01-02", ["2026-01-28 12:00:00", "2026-02-25 12:00:00"]),
    ("0 0 12 LW * ?", "2026-01-02", ["2026-01-30 12:00:00", "2026-02-27 12:00:00"]),
    ("0 0 12 15W * ?", "2026-08-01", ["2026-08-14 12:00:00", "2026-09-15 12:00:00"]),
    ("0 0 12 1W * ?", "2026-07-20", ["2026-08-03 12:00:00", "2026-09-01 12:00:00"]),
    ("0 0 12 31W * ?", "2026-05-01", ["2026-05-29 12:00:00", "2026-07-31 12:00:00"]),
    ("0 0 12 ? * 6L", "2026-01-02", ["2026-01-30 12:00:00", "2026-02-27 12:00:00"]),
    ("0 0 12 ? * FRI#3", "2026-01-02", ["2026-01-16 12:00:00", "2026-02-20 12:00:00"]),
    ("0 0 12 ? * L", "2026-01-02", ["2026-01-03 12:00:00", "2026-01-10 12:00:00"]),
    ("0 0 12 1 1 ? 2028-2030/2", "2026-01-02", ["2028-01-01 12:00:00", "2030-01-01 12:00:00"]),
]


@pytest.mark.parametrize(("cron", "start", "expected"), QUARTZ, ids=[each[0] for each in QUARTZ])
def test_quartz_is_understood_in_its_own_way(cron, start, expected):
    assert times(cron, start, 2) == expected


def test_a_schedule_that_has_had_its_last_year_never_fires_again():
    last = Timing(cron="0 0 12 1 1 ? 2027", every=None, timezone="UTC").after(NOON)

    assert last == datetime(2027, 1, 1, 12, tzinfo=UTC)
    assert Timing(cron="0 0 12 1 1 ? 2027", every=None, timezone="UTC").after(last) == NEVER


WRONG = ["", "0 6", "0 0 6 1 * 2", "0 0 6 ? * FOO", "0 0 6 ? * 9", "61 0 6 ? * *", "0 0 0 31W 2 ?", "0 0 0 1 1 ? 2020",
         "0 0 0 1 1 ? MMXX", "0 0 31 2 *", "0 25 * * *"]  # fmt: skip


@pytest.mark.parametrize("cron", WRONG)
def test_what_cannot_be_read_or_never_comes_is_refused(cron):
    with pytest.raises(Invalid) as refused:
        checked_cron(cron, now=NOON, timezone="Europe/Berlin")

    assert (refused.value.field, refused.value.code) == ("cron", "invalid_cron")


ABSENCE = [
    (CatchUp.SKIP, [], [NOON, NOON + HOUR, NOON + 2 * HOUR, NOON + 3 * HOUR]),
    (CatchUp.ONE, [NOON + 3 * HOUR], [NOON, NOON + HOUR, NOON + 2 * HOUR]),
    (CatchUp.ALL, [NOON, NOON + HOUR, NOON + 2 * HOUR, NOON + 3 * HOUR], []),
]


@pytest.mark.parametrize(("catch_up", "fires", "missed"), ABSENCE, ids=["skip", "one", "all"])
def test_an_absence_is_made_up_for_as_the_policy_promises(catch_up, fires, missed):
    come = due(HOURLY, NOON, NOON + 3.5 * HOUR, catch_up)

    assert (list(come.fires), list(come.missed), come.next_at) == (fires, missed, NOON + 4 * HOUR)


@pytest.mark.parametrize("catch_up", CatchUp)
def test_a_fire_that_is_a_little_late_was_not_missed(catch_up):
    come = due(HOURLY, NOON, NOON + LATE, catch_up)

    assert (list(come.fires), list(come.missed)) == ([NOON], [])


def test_a_rhythm_keeps_its_beat_through_an_absence():
    quarter = Timing(cron=None, every=timedelta(minutes=15), timezone="UTC")

    come = due(quarter, NOON, NOON + timedelta(days=1, minutes=7), CatchUp.SKIP)

    assert come.next_at == NOON + timedelta(days=1, minutes=15)


def test_a_long_absence_is_no_flood():
    each_second = Timing(cron=None, every=timedelta(seconds=1), timezone="UTC")

    come = due(each_second, NOON, NOON + timedelta(days=300), CatchUp.ALL)

    assert len(come.fires) == MOST_CAUGHT_UP
    assert come.next_at == NOON + timedelta(days=300, seconds=1)
