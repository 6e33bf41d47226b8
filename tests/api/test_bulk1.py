"""What only Salesforce's Bulk API 1.0 can do, asked for through the API."""

import io
import json
import zipfile
from typing import Any

import httpx
import pytest

from orchestrator.sandbox.faults import Fault, Match, Moment
from tests.api.kit import Served

META = {"connection": "salesforce", "objectName": "Account", "operation": "insert"}
CSV = b"Name,Phone\nQuay,1\nMole,2\n"


@pytest.fixture
def org(api: Served) -> Served:
    """An API with a connection to Salesforce."""
    api.connect("salesforce", name="salesforce")
    return api


def upload(api: Served, body: bytes, name: str = "file.csv", **more: Any) -> httpx.Response:
    return api.http.post("/bulk/upload", files=[("metaData", (None, json.dumps(META | more))), ("file", (name, body))])


def a_zip(table: str, **files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("request.txt", table)
        for name, body in files.items():
            packed.writestr(name, body)
    return out.getvalue()


def test_an_upload_names_content_type_mode_and_policy(org: Served) -> None:
    wish = {"contentType": "XML", "concurrencyMode": "Serial", "onAmbiguous": "at_least_once"}

    answer = upload(org, CSV, **wish)

    assert answer.status_code == 202, answer.text
    assert org.run(int(answer.json()["id"])).counts.accepted == 2


def test_a_zip_of_a_table_and_its_files_is_an_upload(org: Served) -> None:
    table = "Name,ParentId,Body\na.txt,001000000000001AAA,#a\n"

    answer = upload(org, a_zip(table, a=b"bytes"), "files.zip", objectName="Attachment")

    assert answer.status_code == 202, answer.text
    assert org.run(int(answer.json()["id"])).counts.sent == 1


@pytest.mark.parametrize(
    ("more", "body", "field"),
    [
        ({"contentType": "PDF"}, CSV, "contentType"),
        ({"contentType": "ZIP_CSV"}, CSV, "contentType"),
        ({"concurrencyMode": "Serial", "bulkApi": "2.0"}, CSV, "concurrencyMode"),
        ({"groupBy": "Phone", "bulkApi": "2.0"}, CSV, "groupBy"),
        ({"onAmbiguous": "perhaps"}, CSV, "onAmbiguous"),
        ({"assignmentRuleId": "no id"}, CSV, "assignmentRuleId"),
        ({}, a_zip("").replace(b"request.txt", b"elsewhere.x"), "file"),
        ({"bulkApi": "2.0"}, a_zip("Name\nQuay\n"), "contentType"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(org: Served, more: dict[str, Any], body: bytes, field: str) -> None:
    answer = upload(org, body, **more) if body[:2] != b"PK" else upload(org, body, "files.zip", **more)

    assert answer.status_code == 422, answer.text
    assert field in answer.text
    assert org.jobs() == 0


def test_a_download_may_be_split_by_primary_key(org: Served) -> None:
    wish = {"connection": "salesforce", "objectName": "Account", "selectFields": "Id", "pkChunking": {"chunkSize": 20}}

    answer = org.http.post("/bulk/download", json=wish)

    assert answer.status_code == 202, answer.text
    job = org.run(int(answer.json()["id"]))
    assert (job.status, job.counts.stored > 0) == ("COMPLETED", True)


def test_rows_that_may_have_arrived_are_told_and_no_retry_sends_them_again(org: Served) -> None:
    gone = '{"exceptionCode":"InvalidBatch","exceptionMessage":"Unable to find batch"}'
    world = org.workshop.sandbox.world
    world.order(Fault(cut=Moment.AFTER), Match(method="POST", path="/batch$"))
    world.order(Fault(status=400, body=gone), Match(method="GET", path="/batch$"))
    job_id = int(upload(org, CSV, bulkApi="1.0").json()["id"])
    org.run(job_id)

    errors = org.client.errors(job_id).items
    answers = [org.http.post(f"/bulk/{job_id}/retry", json={"only": only}) for only in ("failed", "unprocessed")]

    assert [(each["code"], each["phase"]) for each in errors] == [("ambiguous", "upload")] * 2
    assert [(each.status_code, each.json()["code"]) for each in answers] == [(422, "nothing_to_retry")] * 2
