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
    ({"everySeconds": None, "cron": "61 * * * *"}, "invalid_cron", "cron"),
    ({"everySeconds": None, "cron": "0 0 31 2 *"}, "invalid_cron", "cron"),
    ({"timezone": "Mars/Olympus"}, "invalid", "timezone"),
    ({"direction": "UPLOAD"}, "not_available_yet", "direction"),
    ({"overlap": "wait"}, "invalid", "overlap"),
    ({"catchUp": "two"}, "invalid", "catchUp"),
    ({"notificationUrl": "ftp://x.test"}, "invalid", "notificationUrl"),
    ({"everySeconds": None, "cron": "0 0 6 1 * 2"}, "invalid_cron", "cron"),
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


def test_a_schedule_is_paused_and_resumed_without_catching_up(everywhere: Served) -> None:
    everywhere.connect()
    everywhere.client.add_schedule({"name": "often", "everySeconds": 90, "criteria": CRITERIA})

    paused = everywhere.client.change_schedule("often", {"enabled": False})
    everywhere.workshop.passes(timedelta(hours=2))
    resumed = everywhere.client.change_schedule("often", {"enabled": True})

    now = everywhere.workshop.time_told.now().timestamp() * 1000
    assert (paused["enabled"], resumed["enabled"]) == (False, True)
    assert 0 < resumed["nextFire"] - now <= 90_000


def test_what_is_changed_is_different_and_the_rest_stays(api: Served) -> None:
    api.connect()
    before = api.client.add_schedule(
        {"name": "often", "cron": "0 3 * * *", "criteria": CRITERIA, "notificationUrl": "https://hooks.orchard.test/b"}
    )

    quartz = api.client.change_schedule("often", {"cron": "0 30 4 ? * MON-FRI", "timezone": "Asia/Kolkata"})
    after = api.client.change_schedule(
        "often", {"overlap": "queue", "catchUp": "all", "notificationUrl": None, "criteria": CRITERIA | {"limit": 7}}
    )

    assert quartz["nextFire"] != before["nextFire"]
    assert (after["overlap"], after["catchUp"], after["notificationUrl"]) == ("queue", "all", None)
    assert after == quartz | {
        "overlap": "queue", "catchUp": "all", "notificationUrl": None, "criteria": CRITERIA | {"limit": 7}
    }  # fmt: skip


def test_a_schedule_may_run_now_and_shows_its_latest_job(everywhere: Served) -> None:
    everywhere.connect()
    everywhere.client.add_schedule({"name": "often", "everySeconds": 90, "criteria": CRITERIA})
    nothing_yet = everywhere.http.get("/schedules/often/latest").status_code

    receipt = everywhere.client.run_schedule("often", idempotency_key="once")
    again = everywhere.client.run_schedule("often", idempotency_key="once")

    [fire] = everywhere.client.schedule_fires("often")
    assert (nothing_yet, receipt.id, again.replayed) == (404, again.id, True)
    assert (fire["jobId"], fire["state"], fire["byHand"]) == (receipt.id, "started", True)
    assert everywhere.client.latest_of_schedule("often")["id"] == receipt.id


def test_a_repeated_schedule_is_added_once(api: Served) -> None:
    api.connect()
    wish = {"name": "often", "everySeconds": 90, "criteria": CRITERIA}

    first = api.client.add_schedule(wish, idempotency_key="once")
    again = api.client.add_schedule(wish, idempotency_key="once")

    assert first == again
    assert len(api.client.schedules().items) == 1


CHANGES = [
    ({"cron": "0 3 * * *", "everySeconds": 60}, "invalid", "cron"),
    ({"timezone": "Mars/Olympus"}, "invalid", "timezone"),
    ({"name": "other"}, "unknown_field", "name"),
    ({"metaData": {}}, "not_available_yet", "metaData"),
    ({"criteria": CRITERIA | {"objectName": "unicorns"}}, "unknown_object", "objectName"),
]


@pytest.mark.parametrize(("wrong", "code", "field"), CHANGES, ids=[str(each[0])[:60] for each in CHANGES])
def test_a_wrong_change_is_refused_by_field(api: Served, wrong: dict[str, Any], code: str, field: str) -> None:
    api.connect()
    before = api.client.add_schedule({"name": "often", "everySeconds": 90, "criteria": CRITERIA})

    answer = api.http.patch("/schedules/often", json=wrong)

    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, code, field), answer.text
    assert api.client.schedule("often") == before
