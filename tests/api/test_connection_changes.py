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
    ({"limits": []}, "limits"),
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
