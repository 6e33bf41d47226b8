"""Bulk v3 as its own introduction describes it: each call, each status, each criterion."""

import json
from typing import Any

import pytest

from tests.api.kit import Served
from tests.api.test_jobs import start, upload

STATUS_FIELDS: dict[str, type | tuple[type, ...]] = {
    "id": int,
    "recordCount": int,
    "objectName": str,
    "metaData": dict,
    "jobDirection": str,
    "jobStatus": str,
    "statusMessage": (str, type(None)),
    "createdDate": int,
    "vendorJobId": (str, type(None)),
    "errorCount": int,
    "notificationUrl": (str, type(None)),
    "defaultSelectFields": (str, type(None)),
    "completionTime": (int, type(None)),
    "fileFormat": str,
    "jobCriteria": dict,
    "native": bool,
}


def records(api: Served, job_id: int) -> list[Any]:
    """Return the records of a finished download."""
    return [json.loads(line) for line in api.http.get(f"/bulk/{job_id}").text.splitlines()]


def downloaded(api: Served, **criteria: object) -> tuple[dict[str, Any], list[Any]]:
    """Run a download to its end; return its status and its records."""
    job_id = start(api, **criteria)
    api.run(job_id)
    return api.client.status(job_id), records(api, job_id)


def test_post_bulk_download_starts_a_job_by_its_criteria(api: Served) -> None:
    api.connect()

    answer = api.http.post("/bulk/download", json={"connection": "rest", "objectName": "items"})

    assert (answer.status_code, answer.json()["status"]) == (202, "CREATED")


def test_get_bulk_id_status_has_every_field_with_its_type(everywhere: Served) -> None:
    status, _ = downloaded(everywhere, limit=5)

    assert [name for name, kind in STATUS_FIELDS.items() if not isinstance(status[name], kind)] == []
    assert status["statusMessage"] == "Successfully downloaded 5 records"
    assert (status["jobDirection"], status["jobStatus"], status["fileFormat"]) == ("DOWNLOAD", "COMPLETED", "JSONL")


def test_get_bulk_id_streams_the_result_as_a_file(api: Served) -> None:
    job_id = start(api, limit=5)
    api.run(job_id)

    answer = api.http.get(f"/bulk/{job_id}")

    assert answer.headers["content-disposition"] == f'attachment; filename="job-{job_id}.jsonl"'
    assert len(answer.text.splitlines()) == 5


def test_get_bulk_id_data_pages_through_the_same_result(api: Served) -> None:
    job_id = start(api, limit=5)
    api.run(job_id)

    first = api.client.data(job_id, size=3)
    second = api.client.data(job_id, size=3, after=str(first.next_token))

    assert first.items + second.items == records(api, job_id)


def test_put_bulk_id_cancel_ends_a_job_unless_it_is_completed_or_aborted(api: Served) -> None:
    running = start(api)
    canceled = api.http.put(f"/bulk/{running}/cancel")
    completed = api.client.download({"connection": "rest", "objectName": "items", "limit": 1}).id
    api.run(completed)
    aborted = upload(api, maxErrors=0, text="email_address,first_name\na@orchard.test,Ada\nb\n")
    api.workshop.run(api.workshop.store.jobs.by_id(aborted))

    answers = [api.http.put(f"/bulk/{job_id}/cancel") for job_id in (completed, aborted)]

    assert [each.status_code for each in (canceled, *answers)] == [200, 409, 409]
    assert canceled.json()["status"] == "CANCELED"


def test_get_bulk_id_errors_yields_what_went_wrong(api: Served) -> None:
    job_id = upload(api)
    api.run(job_id)

    found = api.client.errors(job_id).items

    assert [(each["recordIndex"], bool(each["message"])) for each in found] == [(31, True)]


def test_put_bulk_v3_id_restart_goes_on_where_the_api_limit_stopped_it(api: Served) -> None:
    job_id = start(api, apiLimit=2, pageSize=100)
    api.run(job_id)
    before = api.client.status(job_id)

    api.client.restart(job_id, api_limit=100)
    api.run(job_id)

    assert (before["jobStatus"], before["recordCount"]) == ("THROTTLED", 200)
    assert [record["id"] for record in records(api, job_id)] == list(range(1, 1_001))


def test_a_job_passes_through_the_statuses_of_bulk_v3(api: Served) -> None:
    job_id = upload(api)
    seen = [api.client.status(job_id)["jobStatus"]]

    for kind in ("create", "poll"):
        api.workshop.run_until_due(api.workshop.store.jobs.by_id(job_id), kind)
        seen.append(api.client.status(job_id)["jobStatus"])
    api.run(job_id)

    assert [*seen, api.client.status(job_id)["jobStatus"]] == ["CREATED", "STARTED", "RUNNING", "COMPLETED"]


def test_a_cancel_that_must_reach_the_vendor_is_pending_first(api: Served) -> None:
    job_id = upload(api)
    api.workshop.run_until_due(api.workshop.store.jobs.by_id(job_id), "upload")

    asked = api.client.cancel(job_id)
    api.run(job_id)

    assert asked.status == "CANCELLATION_PENDING"
    assert api.client.status(job_id)["jobStatus"] == "CANCELED"


def test_criterion_object_name_is_found_by_name_label_and_plural(api: Served) -> None:
    api.connect("salesloft")

    names = [
        api.client.status(api.client.download({"connection": "salesloft", "objectName": name}).id)["objectName"]
        for name in ("person", "People", "PERSON")
    ]

    assert len(set(names)) == 1


@pytest.mark.parametrize(
    ("word", "told"), [("application/json", "JSON"), ("text/csv", "CSV"), ("application/jsonl", "JSONL")]
)
def test_criterion_format_decides_the_file(api: Served, word: str, told: str) -> None:
    job_id = start(api, limit=1, format=word)
    api.run(job_id)

    answer = api.http.get(f"/bulk/{job_id}")

    assert answer.headers["content-type"].startswith(word)
    assert api.client.status(job_id)["fileFormat"] == told


def test_criterion_select_fields_keeps_those_fields_alone(api: Served) -> None:
    _, found = downloaded(api, limit=2, selectFields="name, id")

    assert [list(record) for record in found] == [["name", "id"]] * 2


def test_criterion_limit_completes_the_job_at_so_many_records(api: Served) -> None:
    status, found = downloaded(api, limit=7)

    assert (status["jobStatus"], status["recordCount"], len(found)) == ("COMPLETED", 7, 7)


def test_criterion_api_limit_throttles_the_job_at_so_many_calls(api: Served) -> None:
    job_id = start(api, apiLimit=3, pageSize=10)

    api.run(job_id)

    status = api.client.status(job_id)
    assert (status["jobStatus"], status["apiCalls"]["today"]) == ("THROTTLED", 3)


def test_criterion_filter_nulls_leaves_no_null(api: Served) -> None:
    _, kept = downloaded(api, limit=50)
    job_id = api.client.download({"connection": "rest", "objectName": "items", "limit": 50, "filterNulls": True}).id
    api.run(job_id)

    without = records(api, job_id)

    assert [record["id"] for record in without] == [record["id"] for record in kept]
    assert not [record for record in without if None in record.values()]


def test_criteria_from_and_to_need_the_field_to_compare(api: Served) -> None:
    api.connect()
    body = {"connection": "rest", "objectName": "items", "from": "2020-01-01", "to": "2030-01-01"}

    refused = api.http.post("/bulk/download", json=body)
    taken = api.http.post("/bulk/download", json=body | {"filterDateField": "updated_at"})

    assert (refused.status_code, refused.json()["field"]) == (422, "filterDateField")
    assert taken.status_code == 202


def test_criterion_notification_url_is_shown_and_kept(api: Served) -> None:
    status, _ = downloaded(api, limit=1, notificationUrl="https://hooks.orchard.test/b")

    assert status["notificationUrl"] == "https://hooks.orchard.test/b"


def test_criterion_where_filters_the_records(api: Served) -> None:
    _, found = downloaded(api, where="id <= 3")

    assert [record["id"] for record in found] == [1, 2, 3]


def test_criterion_query_is_passed_to_the_vendor(api: Served) -> None:
    status, _ = downloaded(api, limit=1, query={"colour": "red", "many": 3})

    assert status["jobCriteria"]["query"] == {"colour": "red", "many": 3}


def test_criterion_page_size_decides_how_many_calls_are_made(api: Served) -> None:
    status, _ = downloaded(api, pageSize=500)

    assert status["metaData"]["pageSize"] == 500
    assert status["apiCalls"]["total"] <= 3


def test_criterion_docs_hub_details_is_refused_until_there_are_hubs(api: Served) -> None:
    api.connect()
    body = {"connection": "rest", "objectName": "items", "docsHubDetails": {"instanceId": "1", "path": "/a"}}

    answer = api.http.post("/bulk/download", json=body)

    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (
        422,
        "not_available_yet",
        "docsHubDetails",
    )
