"""A download that goes on from another one: what it takes over, and what is refused."""

from typing import Any

import pytest

from tests.api.kit import Served

CRITERIA = {"connection": "rest", "objectName": "items", "limit": 40, "selectFields": "id"}


def ids(api: Served, job_id: int) -> list[int]:
    """Let the job end and return the ids that it read."""
    api.run(job_id)
    return [each["id"] for each in api.client.data(job_id, size=1000).items]


@pytest.mark.parametrize("name", [int, str])
def test_what_is_not_given_is_taken_from_the_earlier_job(everywhere: Served, name: Any) -> None:
    everywhere.connect()
    first = everywhere.client.download(CRITERIA)
    begun = ids(everywhere, first.id)

    second = everywhere.client.download({"continueFromJobId": name(first.id)})

    assert (begun, ids(everywhere, second.id)) == (list(range(1, 41)), list(range(41, 81)))
    shown = everywhere.client.status(second.id)["jobCriteria"]
    assert shown == CRITERIA | {"continueFromJobId": name(first.id)}


def test_what_is_given_wins(api: Served) -> None:
    api.connect()
    first = api.client.download(CRITERIA)
    ids(api, first.id)

    second = api.client.download({"continueFromJobId": first.id, "limit": 5, "format": "csv"})

    assert ids(api, second.id) == [41, 42, 43, 44, 45]
    assert api.client.status(second.id)["fileFormat"] == "CSV"


WRONG = [
    ({"continueFromJobId": 999_999}, "not_continuable", "continueFromJobId"),
    ({"continueFromJobId": "x"}, "invalid", "continueFromJobId"),
    ({"connection": "other"}, "invalid", "connection"),
    ({"objectName": "things"}, "invalid", "objectName"),
    ({"from": "2025-01-01", "filterDateField": "updated_at"}, "invalid", "from"),
    ({"soql": "SELECT Id FROM Account"}, "invalid", "soql"),
    ({"query": {"region": "north"}}, "invalid", "query"),
]


@pytest.mark.parametrize(("wrong", "code", "field"), WRONG, ids=[str(each[0]) for each in WRONG])
def test_what_is_no_chain_is_refused_by_field(api: Served, wrong: dict[str, Any], code: str, field: str) -> None:
    things = {"path": "/rest/items", "records": "data", "paging": {"kind": "id_gt"}}
    api.connect()
    api.connect(name="other", settings={"resources": {"items": things, "things": things}})
    api.connect(name="both", settings={"resources": {"items": things, "things": things}})
    first = api.client.download(CRITERIA | {"connection": "both"})
    api.run(first.id)

    answer = api.http.post("/bulk/download", json={"continueFromJobId": first.id} | wrong)

    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, code, field), answer.text


def test_a_job_of_another_tenant_is_no_job_to_go_on_from(api: Served) -> None:
    api.connect()
    first = api.client.download(CRITERIA)
    api.run(first.id)
    stranger = {"Authorization": f"Bearer {api.key_with('submit', tenant='stranger')}"}

    answer = api.http.post("/bulk/download", json={"continueFromJobId": first.id}, headers=stranger)

    assert (answer.status_code, answer.json()["code"]) == (422, "not_continuable")


def test_a_job_that_has_not_ended_is_no_job_to_go_on_from(api: Served) -> None:
    api.connect()
    first = api.client.download(CRITERIA)

    answer = api.http.post("/bulk/download", json={"continueFromJobId": first.id})

    assert (answer.status_code, answer.json()["code"]) == (422, "not_continuable")


def test_a_download_without_a_connection_is_refused_by_name(steady: Served) -> None:
    answer = steady.http.post("/bulk/download", json={"objectName": "items"})

    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "missing_field", "connection")


def test_a_schedule_that_goes_on_must_have_something_to_go_by(api: Served) -> None:
    api.connect()
    wish = {"name": "often", "everySeconds": 90, "criteria": CRITERIA, "continueFromLast": True}

    without = api.http.post("/schedules", json=wish)
    added = api.client.add_schedule(wish | {"criteria": CRITERIA | {"filterDateField": "updated_at"}})

    assert (without.status_code, without.json()["field"]) == (422, "filterDateField")
    assert added["continueFromLast"] is True
