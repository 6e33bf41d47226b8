"""What a job would cost, before there is one."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.api.kit import Served
from tests.api.test_jobs import CSV, upload

PERSON = {"connection": "salesloft", "objectName": "person", "operation": "upsert", "externalIdField": "email_address"}


def plan(api: Served, body: dict[str, Any]) -> dict[str, Any]:
    answer = api.http.post("/bulk/plan", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def plan_file(api: Served, text: str, **meta: Any) -> dict[str, Any]:
    parts = {"metaData": (None, json.dumps(PERSON | meta)), "file": ("people.csv", text)}
    answer = api.http.post("/bulk/plan", files=parts)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_list_is_counted_with_one_call_and_nothing_is_started(everywhere: Served) -> None:
    everywhere.connect(limits=[{"kind": "rate", "amount": 600, "seconds": 60}])

    found = plan(everywhere, {"connection": "rest", "objectName": "items", "pageSize": 100})

    assert (found["records"], found["calls"], found["points"], found["callsMade"]) == (1_000, 10, 10, 1)
    assert found["seconds"]["earliest"] == pytest.approx(10 / 9.5, abs=0.1)
    assert found["earliestFinish"] <= found["likelyFinish"]
    assert found["summary"].startswith("by id_gt: 10 calls, 10 points")
    assert (everywhere.jobs(), found["upload"]) == (0, None)


def test_a_plan_costs_what_the_job_then_costs(api: Served) -> None:
    api.connect()
    body = {"connection": "rest", "objectName": "items", "pageSize": 100, "limit": 250}

    found = plan(api, body)

    job = api.run(api.client.download(body).id)
    assert found["records"] == job.counts.stored == 250
    assert found["calls"] == job.api_calls_total


def test_the_cheaper_of_two_ways_is_named(api: Served) -> None:
    people = "email_address\n" + "".join(f"way{n}@orchard.test\n" for n in range(200))
    api.run(upload(api, people))

    found = plan(api, {"connection": "salesloft", "objectName": "people", "pageSize": 1, "limit": 200})

    assert (found["way"], found["calls"], found["points"], found["callsMade"]) == ("updated_at", 200, 200, 1)
    assert (found["alternative"]["way"], found["alternative"]["points"]) == ("page", 100 + 50 * 3 + 50 * 8)
    assert found["cheaper"] == "updated_at"
    assert "; by page: 200 calls, 650 points" in found["summary"]


def test_a_query_is_compared_with_a_plain_one(api: Served) -> None:
    api.connect("salesforce", settings={"apiVersion": "61.0"})

    found = plan(api, {"connection": "salesforce", "objectName": "Account"})

    assert found["records"] is not None, found
    assert (found["way"], found["vendorJobs"], found["callsMade"]) == ("bulk_query", 1, 2)
    assert found["alternative"]["way"] == "rest_query"


def test_a_quota_that_is_too_small_is_waited_for(api: Served) -> None:
    quota = {"kind": "quota", "amount": 4, "window": "rolling24h"}
    api.connect(limits=[{"kind": "rate", "amount": 600_000, "seconds": 60}, quota])

    found = plan(api, {"connection": "rest", "objectName": "items", "pageSize": 100})

    assert [(each["units"], each["amount"], each["share"]) for each in found["quotas"]] == [(10, 4, 2.5)]
    assert found["seconds"]["earliest"] >= timedelta(hours=24).total_seconds()


def test_the_jobs_own_limit_of_calls_a_day_is_waited_for(api: Served) -> None:
    api.connect()

    found = plan(api, {"connection": "rest", "objectName": "items", "pageSize": 100, "apiLimit": 4})

    assert timedelta(days=1).total_seconds() <= found["seconds"]["earliest"] <= timedelta(days=2).total_seconds()


def test_what_a_vendor_does_not_tell_is_null_and_said(api: Served) -> None:
    api.connect("salesforce", settings={"apiVersion": "61.0"})

    found = plan(api, {"connection": "salesforce", "soql": "SELECT Id FROM Account"})

    assert (found["records"], found["calls"], found["earliestFinish"]) == (None, None, None)
    assert found["assumptions"][0] == "A query of your own is not counted before it runs."


def test_an_upload_is_read_as_it_would_be_sent_and_left_alone(everywhere: Served) -> None:
    everywhere.connect("salesloft")
    before = everywhere.workshop.bulk["created"]

    found = plan_file(everywhere, CSV + "p@orchard.test,Pat,too many\n", mapping={"first_name": "first"})

    upload = found["upload"]
    assert (upload["rows"], upload["badRows"], upload["chunks"], found["vendorJobs"]) == (32, 1, 1, 1)
    assert upload["bad"][0] == {
        "row": 32,
        "code": "too_many_cells",
        "message": "3 cells where the header has 2",
    }
    assert len(upload["first"]) == 5
    assert upload["first"][0] == {"email_address": "p0@orchard.test", "first": "Pat 0", "upsert_key": "email_address"}
    assert (upload["unmappedColumns"], upload["columns"]) == (["email_address"], ["email_address", "first_name"])
    assert (everywhere.jobs(), everywhere.inputs(), everywhere.workshop.bulk["created"]) == (0, [], before)


def test_records_and_numbers_of_rows_are_planned_too(api: Served) -> None:
    api.connect("salesloft")

    records = plan(api, {"metaData": PERSON, "data": [{"email_address": "a@b.test"}]})
    rows = plan(api, {"metaData": PERSON, "rows": 120_000})

    assert records["upload"]["first"] == [{"email_address": "a@b.test", "upsert_key": "email_address"}]
    assert (rows["vendorJobs"], rows["records"], rows["upload"]) == (3, 120_000, None)
    assert rows["points"] >= 1_200 + 24
    assert any("by the number of rows" in each for each in rows["assumptions"])


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"connection": "rest", "objectName": "nothing"}, "unknown_object", "objectName"),
        ({"connection": "rest", "objectName": "items", "limt": 3}, "unknown_field", "limt"),
        ({"metaData": PERSON, "rows": 0}, "invalid", "rows"),
        ({"metaData": PERSON}, "missing_field", "rows"),
        ({"metaData": PERSON, "data": []}, "empty_file", "file"),
    ],
)
def test_a_plan_refuses_what_a_job_would(api: Served, body: dict[str, Any], code: str, field: str) -> None:
    api.connected("rest", "salesloft")

    answer = api.http.post("/bulk/plan", json=body)

    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, code, field)
