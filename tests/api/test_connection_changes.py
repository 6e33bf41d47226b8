"""What may be changed of a connection."""

from typing import Any

import pytest

from tests.api.kit import Served

OAUTH = {"type": "oauth2_client", "clientId": "sandbox-client", "clientSecret": "sandbox-secret"}
SECRET = "s3cr3t-of-the-orchard"


def patch(api: Served, /, **body: Any) -> Any:
    return api.http.patch("/connections/salesforce", json=body)


def test_new_credentials_are_sealed_and_used_from_then_on(everywhere: Served) -> None:
    everywhere.connect("salesforce", credentials={"type": "bearer", "token": "old"})
    before = everywhere.client.check_connection("salesforce")["ok"]

    changed = everywhere.client.change_connection(
        "salesforce", credentials={"type": "bearer", "token": "sandbox-token"}
    )

    assert (before, everywhere.client.check_connection("salesforce")["ok"]) == (False, True)
    assert (changed["credentials"], changed["authState"]) == ({"type": "bearer"}, "ok")
    stored = everywhere.workshop.store.connections.get(everywhere.workshop.tenant.id, "salesforce")
    assert (stored.credentials_version, "sandbox-token" in stored.credentials) == (2, False)


def test_the_type_of_the_credentials_may_change_too(api: Served) -> None:
    api.connect("salesforce", settings={"tokenEndpointHostname": api.workshop.sandbox.url})

    changed = patch(api, credentials=OAUTH).json()

    assert changed["credentials"] == {"type": "oauth2_client"}
    assert api.client.check_connection("salesforce")["ok"] is True


@pytest.mark.parametrize("name", ["baseUrl", "apiUrl"])
def test_the_address_may_change_under_either_name(api: Served, name: str) -> None:
    added = api.connect("salesforce")

    changed = patch(api, **{name: "https://cedar.my.salesforce.com/"}).json()

    assert changed == added | {"baseUrl": "https://cedar.my.salesforce.com"}


def test_settings_change_by_name_and_null_takes_one_back(api: Served) -> None:
    api.connect("salesforce", settings={"apiVersion": "58.0", "registryPath": "sf/main", "intervalTime": 1_000_000})

    changed = patch(api, settings={"registryPath": None, "intervalTime": 90_000}).json()

    assert changed["settings"] == {
        "apiVersion": "58.0", "intervalTime": 90_000, "tokenEndpointHostname": "https://login.salesforce.com",
    }  # fmt: skip


def test_an_org_needs_no_address_where_a_token_tells_it(api: Served) -> None:
    settings = {"tokenEndpointHostname": "https://cedar.my.salesforce.com"}

    added = api.connect("salesforce", baseUrl=None, credentials=OAUTH, settings=settings)

    assert added["baseUrl"] == "https://cedar.my.salesforce.com"


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"credentials": {"type": "bearer"}}, "credentials.token"),
    ({"credentials": {"type": "basic", "username": "u", "password": SECRET}}, "credentials.type"),
    ({"baseUrl": "ftp://x"}, "baseUrl"),
    ({"settings": {"apiVersion": "1"}}, "settings.apiVersion"),
    ({"settings": {"intervalTime": 5}}, "settings.intervalTime"),
    ({"settings": {"colour": "red"}}, "settings.colour"),
    ({"settings": {"tokenEndpointHostname": "https://test.salesforce.com"}}, "credentials"),
    ({"name": "other"}, "name"),
    ({"limits": [{"kind": "rate", "amount": 0, "seconds": 60}]}, "limits.0.amount"),
    ({"limits": {}}, "limits"),
    ({"reserve": 1}, "reserve"),
    ({"reserve": 0.1, "baseUrl": "ftp://x"}, "baseUrl"),
]


@pytest.mark.parametrize(("wrong", "field"), WRONG, ids=[str(each[0])[:50] for each in WRONG])
def test_a_wrong_change_is_refused_by_field_and_changes_nothing(api: Served, wrong: dict[str, Any], field: str) -> None:
    added = api.connect("salesforce", credentials=OAUTH)

    answer = patch(api, **wrong)

    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
    assert SECRET not in answer.text
    assert api.client.connection("salesforce") == added


def test_only_an_admin_of_the_tenant_changes_a_connection(api: Served) -> None:
    api.connect("salesforce")
    weak = {"Authorization": f"Bearer {api.key_with('read', 'submit')}"}
    other = {"Authorization": f"Bearer {api.key_with('admin', tenant='other')}"}

    answers = [api.http.patch("/connections/salesforce", json={}, headers=each).status_code for each in (weak, other)]

    assert answers == [403, 404]


TEN = {"kind": "rate", "amount": 10, "seconds": 60}


def test_limits_change_for_every_connection_of_the_budget(everywhere: Served) -> None:
    everywhere.connect("salesforce")
    everywhere.connect("salesforce", name="second", budget="salesforce", limits=None)

    changed = patch(everywhere, limits=[TEN], reserve=0.5).json()

    second = everywhere.client.connection("second")
    assert (changed["limits"], changed["reserve"]) == ([TEN], 0.5)
    assert (second["limits"], second["reserve"]) == ([TEN], 0.5)
    shown = everywhere.http.get("/connections/second/limits").json()
    assert [(each["kind"], each["amount"]) for each in shown["limits"]] == [("rate", 5.0)]


def test_a_lower_limit_holds_for_what_a_job_does_next_and_what_was_spent_stays_spent(api: Served) -> None:
    api.connect(limits=[{"kind": "quota", "amount": 1000}])
    first = api.client.download({"connection": "rest", "objectName": "items", "pageSize": 100})
    api.run(first.id)
    spent = api.client.status(first.id)["apiCalls"]["total"]

    api.client.change_connection("rest", limits=[{"kind": "quota", "amount": spent + 2}])

    second = api.client.download({"connection": "rest", "objectName": "items", "pageSize": 100})
    stopped = api.workshop.run(api.workshop.store.jobs.by_id(second.id), until=lambda: held(api, second.id))
    assert stopped.api_calls_total <= 2


def held(api: Served, job_id: int) -> bool:
    """Whether the job waits for its quota."""
    waiting = api.client.status(job_id)["waiting"]
    return waiting is not None and waiting["reason"] == "quota"


def test_no_limits_are_the_providers_own_again(api: Served) -> None:
    api.connect("salesforce", limits=[TEN])

    changed = patch(api, limits=[]).json()

    assert changed["limits"] == []
    assert {each["name"] for each in api.http.get("/connections/salesforce/limits").json()["limits"]} >= {
        "api_requests"
    }
