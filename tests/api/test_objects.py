"""What there is at a provider: its objects and their fields."""

import pytest

from orchestrator.client import ApiError
from tests.api.kit import Served


def test_salesforce_is_asked_what_objects_and_fields_it_has(api: Served) -> None:
    api.connect("salesforce")

    objects = {each["name"]: each for each in api.client.objects("salesforce")}
    fields = {each["name"]: each for each in api.client.fields("salesforce", "contact")}

    assert list(objects) == sorted(objects, key=str.casefold)
    assert objects["Depot__c"]["label"] == "Depot"
    assert objects["Depot__c"]["readable"]
    assert objects["Depot__c"]["writable"]
    assert fields["LastName"] == {
        "name": "LastName",
        "label": "LastName",
        "type": "string",
        "required": True,
        "writable": True,
        "filterable": True,
    }
    assert (fields["Id"]["writable"], fields["Id"]["required"]) == (False, False)
    assert fields["Description"]["filterable"] is False


def test_the_calls_are_paid_for_by_the_connections_budget(api: Served) -> None:
    api.connect("salesforce", limits=[{"kind": "quota", "amount": 1, "window": "day"}])

    api.client.objects("salesforce")
    with pytest.raises(ApiError) as refused:
        api.client.fields("salesforce", "Contact")

    assert (refused.value.status, refused.value.code) == (429, "throttled")


def test_an_object_that_is_not_there_is_answered_with_the_nearest_names(api: Served) -> None:
    api.connect("salesforce")

    with pytest.raises(ApiError) as refused:
        api.client.fields("salesforce", "Depo__c")

    assert (refused.value.status, refused.value.code) == (422, "unknown_object")
    assert "Depot__c" in refused.value.advice


def test_salesloft_shows_its_table_without_a_call(api: Served) -> None:
    api.connect("salesloft", baseUrl="http://127.0.0.1:1")

    names = {each["name"]: each["writable"] for each in api.client.objects("salesloft")}
    fields = {each["name"]: each["type"] for each in api.client.fields("salesloft", "People")}

    assert (names["person"], names["cadence"]) == (True, False)
    assert (fields["email_address"], fields["owner_id"], fields["tags"]) == ("text", "integer", "list")


@pytest.mark.parametrize(("connection", "object_name"), [("rest", "items"), ("salesloft", "cadence")])
def test_where_nobody_describes_the_fields_the_answer_says_what_to_do(
    api: Served, connection: str, object_name: str
) -> None:
    api.connect(connection)

    with pytest.raises(ApiError) as refused:
        api.client.fields(connection, object_name)

    assert (refused.value.status, refused.value.code) == (422, "not_described")
    assert "--limit 1" in refused.value.advice


def test_a_rest_connection_lists_what_its_settings_name(api: Served) -> None:
    api.connect("rest")

    assert [each["name"] for each in api.client.objects("rest")] == ["items"]


def test_the_credentials_are_needed_and_a_refusal_is_told(api: Served) -> None:
    api.connect("salesforce", credentials={"type": "bearer", "token": "wrong"})

    with pytest.raises(ApiError) as refused:
        api.client.objects("salesforce")

    assert (refused.value.status, refused.value.code) == (409, "reauthorize")
