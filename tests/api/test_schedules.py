"""Schedules: when they start what, and what is refused."""

from datetime import timedelta
from typing import Any

import pytest

from tests.api.kit import Served

CRITERIA = {"connection": "rest", "objectName": "items"}


def test_a_schedule_starts_its_first_job_at_its_first_time(everywhere: Served) -> None:
    everywhere.connect()
    now = everywhere.workshop.time_told.now()

    added = everywhere.client.add_schedule({"name": "often", "everySeconds": 90, "criteria": CRITERIA})

    first = now + timedelta(seconds=90)
    assert abs(added["nextFire"] - first.timestamp() * 1000) < 5_000
    assert added["criteria"] == CRITERIA
    assert everywhere.client.schedules().items == [added]
    assert everywhere.jobs() == 0


def test_cron_is_read_in_its_time_zone(api: Served) -> None:
    api.connect()

    added = api.client.add_schedule(
        {"name": "nightly", "cron": "30 3 * * *", "timezone": "Asia/Kolkata", "criteria": CRITERIA}
    )

    assert added["nextFire"] % 86_400_000 == (22 * 60) * 60_000  # 03:30 there is 22:00 UTC


def test_a_removed_schedule_is_gone(api: Served) -> None:
    api.connect()
    api.client.add_schedule({"name": "often", "everySeconds": 90, "criteria": CRITERIA})

    api.client.remove_schedule("often")

    assert api.client.schedules().items == []
    assert api.http.delete("/schedules/often").status_code == 404


def test_a_connection_with_a_schedule_stays(api: Served) -> None:
    api.connect()
    api.client.add_schedule({"name": "often", "everySeconds": 90, "criteria": CRITERIA})

    assert api.http.delete("/connections/rest").status_code == 409


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"everySeconds": None}, "invalid", "cron"),
    ({"cron": "* * * * *"}, "invalid", "cron"),
    ({"everySeconds": 0}, "invalid", "everySeconds"),
    ({"everySeconds": None, "cron": "0 0 12 * * ?"}, "invalid_cron", "cron"),
    ({"everySeconds": None, "cron": "61 * * * *"}, "invalid_cron", "cron"),
    ({"everySeconds": None, "cron": "0 0 31 2 *"}, "invalid_cron", "cron"),
    ({"timezone": "Mars/Olympus"}, "invalid", "timezone"),
    ({"direction": "UPLOAD"}, "not_available_yet", "direction"),
    ({"overlap": "skip"}, "not_available_yet", "overlap"),
    ({"criteria": CRITERIA | {"objectName": "unicorns"}}, "unknown_object", "objectName"),
    ({"criteria": CRITERIA | {"connection": "nope"}}, "unknown_connection", "connection"),
    ({"criteria": CRITERIA | {"lmit": 5}}, "unknown_field", "lmit"),
    ({"criteria": None}, "invalid", "criteria"),
    ({"nmae": "x"}, "unknown_field", "nmae"),
]


@pytest.mark.parametrize(("wrong", "code", "field"), WRONG, ids=[str(each[0])[:60] for each in WRONG])
def test_a_wrong_schedule_is_refused_by_field(steady: Served, wrong: dict[str, Any], code: str, field: str) -> None:
    steady.connected("rest")

    answer = steady.http.post("/schedules", json={"name": "often", "everySeconds": 90, "criteria": CRITERIA} | wrong)

    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, code, field), answer.text
    assert steady.client.schedules().items == []
