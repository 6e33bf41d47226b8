"""Connections: what may be said of one, and that secrets never come back."""

from typing import Any

import pytest

from tests.api.kit import Served
from tests.lifecycle.workshop import ITEMS

SECRET = "s3cr3t-of-the-orchard"


def test_a_connection_is_shown_without_its_secrets(everywhere: Served) -> None:
    added = everywhere.connect("salesloft", credentials={"type": "bearer", "token": SECRET}, reserve=0.2)

    shown = everywhere.http.get("/connections/salesloft")
    by_id = everywhere.http.get(f"/connections/{added['instanceId']}")
    listed = everywhere.http.get("/connections")

    assert shown.json() == by_id.json() == listed.json()[0] == added
    assert shown.json()["credentials"] == {"type": "bearer"}
    assert shown.json()["reserve"] == 0.2
    assert all(SECRET not in answer.text for answer in (shown, by_id, listed))


def test_stored_credentials_are_sealed(api: Served) -> None:
    api.connect("salesloft", credentials={"type": "bearer", "token": SECRET})

    stored = api.workshop.store.connections.get(api.workshop.tenant.id, "salesloft")

    assert SECRET not in stored.credentials
    assert SECRET.encode() in api.workshop.keyring.open(stored.credentials, stored.context())


def test_a_check_makes_a_real_call_and_says_what_works(api: Served) -> None:
    api.connect("salesloft")
    api.connect("rest", name="locked", credentials={"type": "bearer", "token": "wrong"})

    works, fails = api.client.check_connection("salesloft"), api.client.check_connection("locked")

    assert works["ok"] is True
    assert fails["ok"] is False
    assert "wrong" not in fails["message"]


def test_a_check_of_an_address_where_nobody_is_says_so(api: Served) -> None:
    api.connect("rest", baseUrl="http://127.0.0.1:1")

    found = api.client.check_connection("rest")

    assert found["ok"] is False


def test_a_name_is_given_once(api: Served) -> None:
    api.connect("salesloft")

    answer = api.http.post(
        "/connections",
        json={"name": "salesloft", "provider": "salesloft", "credentials": {"type": "bearer", "token": "x"}},
    )

    assert answer.status_code == 409


def test_a_connection_in_use_stays_and_an_unused_one_goes(everywhere: Served) -> None:
    everywhere.connect()
    job = everywhere.client.download({"connection": "rest", "objectName": "items", "limit": 1}).id

    early = everywhere.http.delete("/connections/rest")
    everywhere.run(job)
    late = everywhere.http.delete("/connections/rest")

    assert early.status_code == 409
    assert (late.status_code, late.content) == (204, b"")
    assert everywhere.http.get("/connections/rest").status_code == 404
    assert everywhere.client.status(job)["jobStatus"] == "COMPLETED"


def test_a_removed_name_may_be_used_again(api: Served) -> None:
    api.connect()
    api.client.remove_connection("rest")

    again = api.connect()

    assert again["name"] == "rest"


def test_a_second_connection_joins_a_budget_and_keeps_its_limits(api: Served) -> None:
    limits = [{"kind": "rate", "amount": 600, "seconds": 60}]
    api.connect(name="east", budget="team", limits=limits, reserve=0.1)

    joined = api.connect(name="west", budget="team", limits=limits)
    differs = api.http.post("/connections", json=wish(name="north", budget="team", reserve=0.5))

    assert (joined["budget"], joined["limits"], joined["reserve"]) == ("team", limits, 0.1)
    assert (differs.status_code, differs.json()["code"], differs.json()["field"]) == (422, "budget_differs", "reserve")


def test_the_address_has_two_names_and_a_default(api: Served) -> None:
    bearer = {"type": "bearer", "token": "x"}
    named = api.client.add_connection(
        {"name": "a", "provider": "salesloft", "apiUrl": "https://api.orchard.test/", "credentials": bearer}
    )
    default = api.client.add_connection({"name": "b", "provider": "salesloft", "credentials": bearer})

    assert named["baseUrl"] == "https://api.orchard.test"
    assert default["baseUrl"].startswith("https://")


def wish(**more: Any) -> dict[str, Any]:
    return {
        "name": "new",
        "provider": "rest",
        "baseUrl": "https://api.orchard.test",
        "credentials": {"type": "bearer", "token": SECRET},
        "settings": ITEMS,
    } | more


def limit(**fields: Any) -> dict[str, Any]:
    return {"limits": [fields]}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"provider": "fax"}, "provider"),
    ({"name": ""}, "name"),
    ({"name": "a/b"}, "name"),
    ({"baseUrl": "ftp://x"}, "baseUrl"),
    ({"baseUrl": "https://user:pass@x.test"}, "baseUrl"),
    ({"baseUrl": "https://x.test?key=1"}, "baseUrl"),
    ({"baseUrl": "https://x.test:99999"}, "baseUrl"),
    ({"baseUrl": None}, "baseUrl"),
    ({"baseURL": "https://x.test"}, "baseURL"),
    ({"credentials": {}}, "credentials.type"),
    ({"credentials": {"type": "magic"}}, "credentials.type"),
    ({"credentials": {"type": ["bearer"]}}, "credentials.type"),
    ({"credentials": {"type": "bearer"}}, "credentials.token"),
    ({"credentials": {"type": "bearer", "token": ""}}, "credentials.token"),
    ({"credentials": {"type": "bearer", "token": 5}}, "credentials.token"),
    ({"credentials": {"type": "bearer", "token": f"{SECRET}\r\nX: y"}}, "credentials.token"),
    ({"credentials": {"type": "bearer", "token": SECRET, "tokn": "x"}}, "credentials.tokn"),
    ({"credentials": {"type": "api_key", "in": "cookie", "name": "k", "value": SECRET}}, "credentials.in"),
    ({"settings": {"resources": 5}}, "settings.resources"),
    (limit(kind="rate", amount=0, seconds=60), "limits.0.amount"),
    (limit(kind="rate", amount=True, seconds=60), "limits.0.amount"),
    (limit(kind="rate", amount=600), "limits.0.seconds"),
    (limit(kind="rate", amount=600, seconds=-1), "limits.0.seconds"),
    (limit(kind="rate", amount=600, seconds=60, burst=0), "limits.0.burst"),
    (limit(kind="rate", amount=600, seconds=60, window="day"), "limits.0.window"),
    (limit(kind="rate", amount=-5, seconds=60), "limits.0.amount"),
    (limit(kind="rate", amount=600, seconds=0), "limits.0.seconds"),
    (limit(kind="quota", amount=0), "limits.0.amount"),
    (limit(kind="quota", amount=1.5), "limits.0.amount"),
    (limit(kind="quota", amount=15, window="week"), "limits.0.window"),
    (limit(kind="quota", amount=15, window="day", timezone="Mars/Olympus"), "limits.0.timezone"),
    (limit(kind="quota", amount=15, window="day", timezone="../../etc/passwd"), "limits.0.timezone"),
    (limit(kind="concurrency", amount=0), "limits.0.amount"),
    (limit(kind="speed", amount=5), "limits.0.kind"),
    ({"limits": [5]}, "limits.0"),
    ({"limits": {}}, "limits"),
    ({"reserve": 0.96}, "reserve"),
    ({"reserve": -0.1}, "reserve"),
    ({"reserve": "half"}, "reserve"),
]


@pytest.mark.parametrize(("wrong", "field"), WRONG, ids=[str(each[0])[:60] for each in WRONG])
def test_a_wrong_connection_is_refused_by_field_and_leaves_nothing(
    steady: Served, wrong: dict[str, Any], field: str
) -> None:
    answer = steady.http.post("/connections", json=wish() | wrong)

    body = answer.json()
    assert (answer.status_code, body["field"]) == (422, field), answer.text
    assert body["advice"]
    assert SECRET not in answer.text
    assert steady.client.connections().items == []
    assert steady.workshop.store.budgets.list(steady.workshop.tenant.id) == []


def test_what_is_out_of_range_is_told_its_permitted_range(steady: Served) -> None:
    answer = steady.http.post("/connections", json=wish(reserve=2))

    assert answer.json()["advice"] == "Permitted: numbers from 0 to 0.95."
