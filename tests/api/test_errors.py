"""Why rows, or the job itself, did not go through."""

import csv
import io
import json

from sqlalchemy import delete

from orchestrator.store.tables import row_errors
from tests.api.kit import Served
from tests.api.test_jobs import start, upload

MIXED = "email_address;first_name\np1@orchard.test;Pat\n;Nobody\np2@orchard.test;Pia\n;Niemand\np3@orchard.test\n"
CSV = {"Accept": "text/csv"}


def refused(api: Served) -> int:
    """Run an upload whose rows 2 and 4 the vendor refuses, and whose row 5 is too short."""
    job_id = upload(api, MIXED, columnDelimiter="SEMICOLON", encoding="cp1252")
    api.run(job_id)
    return job_id


def test_errors_are_listed_by_row_number_and_paged(everywhere: Served) -> None:
    job_id = refused(everywhere)

    first = everywhere.http.get(f"/bulk/{job_id}/errors", params={"pageSize": 2})
    second = everywhere.http.get(
        f"/bulk/{job_id}/errors", params={"nextPage": first.headers["elements-next-page-token"]}
    )

    assert [error["recordIndex"] for error in first.json()] == [2, 4]
    assert first.json()[0].keys() >= {"id", "identifier", "code", "message", "retryable", "at", "phase"}
    assert [(error["id"], error["code"], error["phase"]) for error in second.json()] == [(5, "too_few_cells", "split")]
    assert "elements-next-page-token" not in second.headers


def test_errors_are_told_of_all_rows_however_few_are_kept_one_by_one(api: Served) -> None:
    job_id = refused(api)
    with api.workshop.database.write() as connection:
        connection.execute(delete(row_errors))

    found = api.client.errors(job_id).items

    assert [error["recordIndex"] for error in found] == [2, 4, 5]
    assert found[0]["message"]


def test_errors_as_csv_are_the_users_own_rows(everywhere: Served) -> None:
    job_id = refused(everywhere)

    answer = everywhere.http.get(f"/bulk/{job_id}/errors", headers=CSV)

    rows = list(csv.reader(io.StringIO(answer.content.decode("cp1252")), delimiter=";"))
    assert answer.headers["content-type"] == "text/csv; charset=cp1252"
    assert rows[0] == ["bulkhead_row", "bulkhead_code", "bulkhead_error", "email_address", "first_name"]
    assert [(row[0], row[1], row[3:]) for row in rows[1:]] == [
        ("2", "vendor_refused_row", ["", "Nobody"]),
        ("4", "vendor_refused_row", ["", "Niemand"]),
        ("5", "too_few_cells", ["p3@orchard.test"]),
    ]


def test_a_mended_file_is_uploaded_as_it_is(api: Served) -> None:
    job_id = refused(api)
    mended = api.http.get(f"/bulk/{job_id}/errors", headers=CSV).content.decode("cp1252")
    mended = mended.replace(";;Nobody", ";n1@orchard.test;Nobody").replace(";;Niemand", ";n2@orchard.test;Niemand")
    body = api.client.status(job_id)["jobCriteria"]

    second = upload_again(api, mended.replace("p3@orchard.test", "p3@orchard.test;Pim"), body)

    status = api.client.status(second)
    sent = api.http.get(f"/bulk/{second}/data").json()
    assert (status["outcome"], status["recordCount"]) == ("SUCCEEDED", 3)
    assert set(sent[0]["record"]) == {"email_address", "first_name", "upsert_key"}


def upload_again(api: Served, text: str, meta: dict[str, object]) -> int:
    receipt = api.http.post("/bulk/upload", files={"metaData": (None, json.dumps(meta)), "file": ("again.csv", text)})
    assert receipt.status_code == 202, receipt.text
    api.run(int(receipt.json()["id"]))
    return int(receipt.json()["id"])


def test_the_rows_of_a_canceled_job_are_put_into_order(api: Served) -> None:
    job_id = upload(api, MIXED, columnDelimiter="SEMICOLON")
    api.workshop.round()
    api.client.cancel(job_id)

    answer = api.http.get(f"/bulk/{job_id}/errors", headers=CSV)

    assert [line.split(";")[0] for line in answer.text.splitlines()] == ["bulkhead_row", "5"]
    assert not list(api.workshop.objects.list(f"jobs/{job_id}/scratch/"))


def test_why_a_job_stopped_is_an_error_of_the_job_itself(api: Served) -> None:
    job_id = upload(api, MIXED, columnDelimiter="SEMICOLON", maxErrors=0)

    ended = api.workshop.run(api.workshop.store.jobs.by_id(job_id))

    rows, job = api.client.errors(job_id).items[:-1], api.client.errors(job_id).items[-1]
    after = api.client.errors(job_id, after=job["id"])
    assert (ended.status, ended.error_count) == ("ABORTED", 2)
    assert [row["recordIndex"] for row in rows] == [5]
    assert (job["recordIndex"], job["code"]) == (None, "error_threshold")
    assert job["message"] == api.client.status(job_id)["statusMessage"]
    assert after.items == []


def test_a_job_that_goes_on_is_no_longer_stopped_by_anything(everywhere: Served) -> None:
    job_id = upload(everywhere, MIXED, columnDelimiter="SEMICOLON", maxErrors=0)
    everywhere.workshop.run(everywhere.workshop.store.jobs.by_id(job_id))

    everywhere.client.restart(job_id)

    assert everywhere.client.status(job_id)["errorCount"] == 1
    assert [error["recordIndex"] for error in everywhere.client.errors(job_id).items] == [5]


def test_a_download_has_no_rows_to_be_mended(api: Served) -> None:
    job_id = start(api, limit=1)
    api.run(job_id)

    answer = api.http.get(f"/bulk/{job_id}/errors", headers=CSV)

    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
    assert api.client.errors(job_id).items == []
