"""Jobs through the API, from the first request to the last row."""

import json

import pytest

from orchestrator.store.status_body import Sight, status_body
from tests.api.kit import Served

CSV = "email_address,first_name\n" + "".join(f"p{n}@orchard.test,Pat {n}\n" for n in range(30)) + ",Nobody\n"


def start(api: Served, **criteria: object) -> int:
    api.connect()
    return api.client.download({"connection": "rest", "objectName": "items", **criteria}).id


def upload(api: Served, text: str = CSV, **meta: object) -> int:
    api.connect("salesloft")
    body: dict[str, object] = {"connection": "salesloft", "objectName": "person", "operation": "upsert", **meta}
    body.setdefault("externalIdField", "email_address")
    parts = {"metaData": (None, json.dumps(body)), "file": ("people.csv", text)}
    answer = api.http.post("/bulk/upload", files=parts)
    assert answer.status_code == 202, answer.text
    return int(answer.json()["id"])


def test_a_download_is_accepted_with_the_receipt_of_bulk_v3(everywhere: Served) -> None:
    connection = everywhere.connect()

    answer = everywhere.http.post("/bulk/download", json={"connection": "rest", "objectName": "items"})

    assert answer.status_code == 202
    job_id = answer.json()["id"]
    assert answer.json() == {"instanceId": connection["instanceId"], "id": job_id, "status": "CREATED"}
    assert isinstance(job_id, str)
    assert answer.headers["location"] == f"/bulk/{job_id}/status"


def test_a_finished_download_streams_every_record_in_each_format(everywhere: Served) -> None:
    job_id = start(everywhere)

    everywhere.run(job_id)

    jsonl = everywhere.http.get(f"/bulk/{job_id}")
    array = everywhere.http.get(f"/bulk/{job_id}", headers={"Accept": "application/json"})
    table = everywhere.http.get(f"/bulk/{job_id}", headers={"Accept": "text/csv"})
    assert jsonl.status_code == 200, jsonl.text
    assert [json.loads(line)["id"] for line in jsonl.text.splitlines()] == list(range(1, 1_001))
    assert [record["id"] for record in array.json()] == list(range(1, 1_001))
    assert len(table.text.splitlines()) == 1_001
    assert [each.headers["content-type"] for each in (jsonl, array, table)] == [
        "application/jsonl",
        "application/json",
        "text/csv; charset=utf-8",
    ]


def test_without_accept_the_result_has_the_format_of_the_criteria(api: Served) -> None:
    job_id = start(api, format="txt/csv", selectFields="id,name", limit=3)

    api.run(job_id)

    answer = api.http.get(f"/bulk/{job_id}")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.splitlines()[0] == "id,name"
    assert len(answer.text.splitlines()) == 4


def test_a_result_that_did_not_change_is_not_sent_again(api: Served) -> None:
    job_id = start(api, limit=10)
    api.run(job_id)
    first = api.http.get(f"/bulk/{job_id}")

    second = api.http.get(f"/bulk/{job_id}", headers={"If-None-Match": first.headers["etag"]})
    other = api.http.get(f"/bulk/{job_id}", headers={"Accept": "text/csv"})

    assert (second.status_code, second.content) == (304, b"")
    assert other.headers["etag"] != first.headers["etag"]
    assert int(first.headers["content-length"]) == len(first.content)


def test_a_job_that_runs_has_no_result_yet_but_what_is_settled(api: Served) -> None:
    job_id = start(api)

    early = api.http.get(f"/bulk/{job_id}")
    part = api.http.get(f"/bulk/{job_id}", params={"partial": "true"})

    assert (early.status_code, early.json()["code"]) == (409, "not_completed")
    assert (part.status_code, part.content, part.headers["elements-complete"]) == (200, b"", "false")


def test_formats_that_cannot_be_given_are_refused(api: Served) -> None:
    job_id = start(api, limit=1)
    api.run(job_id)

    answer = api.http.get(f"/bulk/{job_id}", headers={"Accept": "application/vnd.apache.parquet"})
    either = api.http.get(f"/bulk/{job_id}", headers={"Accept": "image/png, text/csv;q=0.5, application/json;q=0.1"})

    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
    assert either.headers["content-type"].startswith("text/csv")


def test_data_pages_through_the_result_by_row_number(api: Served) -> None:
    job_id = start(api)
    api.run(job_id)

    first = api.http.get(f"/bulk/{job_id}/data")
    second = api.http.get(f"/bulk/{job_id}/data", params={"nextPage": first.headers["elements-next-page-token"]})
    last = api.http.get(f"/bulk/{job_id}/data", params={"id[gt]": 990, "pageSize": 1000})

    assert [record["id"] for record in first.json()] == list(range(1, 201))
    assert [record["id"] for record in second.json()] == list(range(201, 401))
    assert (len(last.json()), last.headers["elements-returned-count"]) == (10, "10")
    assert "elements-next-page-token" not in last.headers
    assert last.headers["elements-complete"] == "true"


def test_data_of_a_job_that_has_not_begun_is_empty_and_says_that_more_will_come(api: Served) -> None:
    job_id = start(api)

    answer = api.http.get(f"/bulk/{job_id}/data")

    assert (answer.json(), answer.headers["elements-complete"]) == ([], "false")
    assert answer.headers["elements-next-page-token"] == "0"


def test_an_upload_tells_the_fate_of_every_row(everywhere: Served) -> None:
    job_id = upload(everywhere)

    everywhere.run(job_id)

    status = everywhere.client.status(job_id)
    refused = everywhere.http.get(f"/bulk/{job_id}/data", params={"status": "error"}).json()
    errors = everywhere.client.errors(job_id).items
    assert (status["jobStatus"], status["outcome"], status["recordCount"]) == ("COMPLETED", "PARTIAL", 31)
    assert [row["id"] for row in refused] == [31]
    assert [error["recordIndex"] for error in errors] == [31]
    assert len(everywhere.http.get(f"/bulk/{job_id}").text.splitlines()) == 31


def test_rows_without_a_known_fate_are_pending(api: Served) -> None:
    job_id = upload(api)
    api.workshop.round()

    rows = api.http.get(f"/bulk/{job_id}/data", params={"pageSize": 10, "id[gt]": 5})
    pending = api.http.get(f"/bulk/{job_id}/data", params={"status": "pending"}).json()
    refused = api.http.get(f"/bulk/{job_id}/data", params={"status": "error"}).json()

    assert [row["id"] for row in rows.json()] == list(range(6, 16))
    assert rows.headers["elements-complete"] == "false"
    assert rows.headers["elements-next-page-token"] == "15"
    assert [row["id"] for row in pending] == list(range(1, 32))
    assert pending[0]["record"]["email_address"] == "p0@orchard.test"
    assert refused == []


def test_the_status_has_every_field_from_the_start(api: Served) -> None:
    job_id = start(api, name="nightly", apiLimit=50)

    body = api.client.status(job_id)

    assert set(body) >= {
        *("id", "recordCount", "objectName", "metaData", "jobDirection", "jobStatus", "statusMessage", "createdDate"),
        *("vendorJobId", "errorCount", "notificationUrl", "defaultSelectFields", "completionTime", "fileFormat"),
        *("jobCriteria", "native", "vendorJobIds", "outcome", "stopReason", "waiting", "progress", "apiCalls"),
        *("reconciliation", "delivery", "restarts", "links"),
    }
    assert (body["id"], body["jobStatus"], body["fileFormat"]) == (job_id, "CREATED", "JSONL")
    assert body["jobCriteria"] == {"connection": "rest", "objectName": "items", "name": "nightly", "apiLimit": 50}
    assert body["apiCalls"] == {"today": 0, "total": 0, "limit": 50}
    assert body["completionTime"] is None


def test_the_status_shows_unknown_numbers_as_null(api: Served) -> None:
    job = api.workshop.store.jobs.by_id(start(api))

    body = status_body(job, Sight(request={}, now=job.created_at))

    assert body["progress"] == {
        "fraction": None,
        "recordsPerSecond": None,
        "etaSeconds": None,
        "phase": None,
        "steps": {"done": 0, "total": 0},
    }
    assert body["waiting"] is None


def test_a_job_is_canceled_once_however_often_it_is_asked(api: Served) -> None:
    job_id = start(api)

    first, second = api.http.put(f"/bulk/{job_id}/cancel"), api.http.put(f"/bulk/{job_id}/cancel")

    assert (first.status_code, first.json()["status"]) == (200, "CANCELED")
    assert (second.status_code, second.json()["status"]) == (200, "CANCELED")


def test_a_finished_job_cannot_be_canceled(api: Served) -> None:
    job_id = start(api, limit=1)
    api.run(job_id)

    answer = api.http.put(f"/bulk/{job_id}/cancel")

    assert (answer.status_code, answer.json()["code"]) == (409, "job_ended")


def test_a_paused_job_waits_until_it_is_resumed(api: Served) -> None:
    job_id = start(api)

    api.client.pause(job_id)

    assert api.client.status(job_id)["waiting"] == {"reason": "paused", "until": None}
    api.client.resume(job_id)
    assert api.run(job_id).status == "COMPLETED"


@pytest.mark.parametrize("path", ["/bulk/v3/{}/restart", "/bulk/{}/restart"])
def test_a_throttled_job_goes_on_when_its_limit_is_raised(api: Served, path: str) -> None:
    job_id = start(api, apiLimit=2, pageSize=100)
    assert api.run(job_id).status == "THROTTLED"

    answer = api.http.put(path.format(job_id), json={"apiLimit": 500})

    assert (answer.status_code, answer.json()["status"]) == (200, "STARTED")
    assert api.run(job_id).status == "COMPLETED"
    assert len(api.http.get(f"/bulk/{job_id}").text.splitlines()) == 1_000


def test_a_restart_needs_no_body_and_a_stopped_job(api: Served) -> None:
    job_id = start(api)

    answer = api.http.put(f"/bulk/{job_id}/restart")

    assert answer.status_code == 409


def test_the_list_of_jobs_filters_and_pages(everywhere: Served) -> None:
    first = start(everywhere)
    everywhere.client.cancel(first)
    second = everywhere.client.download({"connection": "rest", "objectName": "items", "limit": 1}).id
    everywhere.run(second)

    page = everywhere.http.get("/bulk/jobs", params={"pageSize": 1})
    rest = everywhere.http.get("/bulk/jobs", params={"nextPage": page.headers["elements-next-page-token"]})

    def listed(**filters: str) -> list[int]:
        return [job["id"] for job in everywhere.http.get("/bulk/jobs", params=filters).json()]

    assert [job["id"] for job in page.json()] == [first]
    assert [job["id"] for job in rest.json()] == [second]
    assert listed(status="completed") == [second]
    assert listed(direction="UPLOAD") == []
    assert listed(connection="rest", objectName="items") == [first, second]


def test_events_tell_the_story_of_a_job(api: Served) -> None:
    job_id = start(api, limit=1)
    api.run(job_id)

    events = api.client.events(job_id).items

    assert events[0]["name"] == "job.created"
    assert [event["id"] for event in events] == sorted(event["id"] for event in events)


def test_chunks_show_what_an_upload_sent(api: Served) -> None:
    job_id = upload(api)
    api.run(job_id)

    [chunk] = api.client.chunks(job_id).items

    assert (chunk["id"], chunk["state"], chunk["rows"], chunk["firstRow"]) == (1, "acked", 31, 1)
    assert chunk["vendorJob"]["id"] == api.client.status(job_id)["vendorJobId"]


def test_what_belongs_to_another_tenant_does_not_exist(api: Served) -> None:
    job_id = start(api)
    stranger = {"Authorization": f"Bearer {api.key_with('admin', tenant='globex')}"}

    answers = [
        api.http.get(path, headers=stranger).status_code
        for path in (f"/bulk/{job_id}/status", f"/bulk/{job_id}", f"/bulk/{job_id}/data", "/connections/rest")
    ]

    assert answers == [404] * 4
    assert api.http.put(f"/bulk/{job_id}/cancel", headers=stranger).status_code == 404
    assert api.http.get("/bulk/jobs", headers=stranger).json() == []
