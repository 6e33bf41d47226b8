"""Bad input is refused with a code, the field and advice, and nothing of it stays behind."""

import json
from typing import Any

import httpx
import pytest

from orchestrator.api.codes import CODES
from tests.api.kit import Served

GOOD = {"connection": "rest", "objectName": "items"}
META = {"connection": "salesloft", "objectName": "person", "operation": "upsert", "externalIdField": "email_address"}


def refused(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Return what a client can act on, having checked that the whole problem is there."""
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(body) == {"type", "title", "status", "detail", "code", "field", "advice", "requestId"}
    assert body["advice"], body
    assert body["status"] == answer.status_code
    assert body["code"] in CODES or body["code"].startswith(("unknown_setting", "invalid_settings"))
    assert body["requestId"] == answer.headers["x-request-id"]
    return answer.status_code, body["code"], body["field"]


DOWNLOADS: list[tuple[dict[str, Any], str, str]] = [
    ({"connection": "nope"}, "unknown_connection", "connection"),
    ({"connection": None}, "missing_field", "connection"),
    ({"objectName": "unicorns"}, "unknown_object", "objectName"),
    ({"objectName": ""}, "invalid", "objectName"),
    ({"objectname": "items"}, "unknown_field", "objectname"),
    ({"limits": 3}, "unknown_field", "limits"),
    ({"from": "2025-01-01"}, "invalid", "filterDateField"),
    ({"to": "2025-01-01"}, "invalid", "filterDateField"),
    ({"from": "2025-02-01", "to": "2025-01-01", "filterDateField": "updated_at"}, "invalid", "from"),
    ({"from": "yesterday", "filterDateField": "updated_at"}, "invalid", "from"),
    ({"from": 20250101, "filterDateField": "updated_at"}, "invalid", "from"),
    ({"from": "0001-01-01T00:00:00+14:00", "filterDateField": "updated_at"}, "invalid", "from"),
    ({"limit": 0}, "invalid", "limit"),
    ({"limit": True}, "invalid", "limit"),
    ({"limit": "5"}, "invalid", "limit"),
    ({"limit": 10**30}, "invalid", "limit"),
    ({"apiLimit": -1}, "invalid", "apiLimit"),
    ({"weight": 0}, "invalid", "weight"),
    ({"pageSize": 1.5}, "invalid", "pageSize"),
    ({"filterNulls": "yes"}, "invalid", "filterNulls"),
    ({"format": "yaml"}, "unknown_format", "format"),
    ({"format": "parquet"}, "not_available_yet", "format"),
    ({"soql": "SELECT Id FROM Account"}, "invalid", "objectName"),
    ({"includeDeleted": True}, "invalid", "includeDeleted"),
    ({"bulkApi": "3.0"}, "invalid", "bulkApi"),
    ({"selectFields": "id,,name"}, "invalid", "selectFields"),
    ({"query": {"a": {"b": 1}}}, "invalid", "query"),
    ({"query": "a=b"}, "invalid", "query"),
    ({"notificationUrl": "ftp://hooks.orchard.test"}, "invalid", "notificationUrl"),
    ({"notificationUrl": "http://user:secret@hooks.orchard.test"}, "invalid", "notificationUrl"),
    ({"giveUpAfter": 0}, "invalid", "giveUpAfter"),
    ({"expiresAt": "2020-01-01"}, "invalid", "expiresAt"),
    ({"expiresAt": 5}, "invalid", "expiresAt"),
    ({"name": "nul \x00 byte"}, "invalid", "name"),
    ({"query": {"q": "half \ud83d"}}, "invalid", "query.q"),
    ({"where": "status ="}, "invalid_filter", "where"),
    ({"where": 5}, "invalid", "where"),
    ({"soql": "SELECT Id FROM A", "objectName": None, "where": "a = 1"}, "invalid", "where"),
    *(({field: "x"}, "not_available_yet", field) for field in ("docsHubDetails",)),
]


@pytest.mark.parametrize(("wrong", "code", "field"), DOWNLOADS, ids=[str(each[0])[:50] for each in DOWNLOADS])
def test_a_wrong_download_is_refused_by_field(steady: Served, wrong: dict[str, Any], code: str, field: str) -> None:
    steady.connected("rest")

    text = json.dumps(GOOD | wrong)  # in ASCII, which escapes what UTF-8 cannot write
    answer = steady.http.post("/bulk/download", content=text, headers={"Content-Type": "application/json"})

    status, found, where = refused(answer)
    assert (status, found) == (422, code)
    assert where is not None
    assert where.startswith(field)
    assert steady.jobs() == 0


def test_an_unknown_field_is_told_its_nearest_known_name(steady: Served) -> None:
    answer = steady.http.post("/bulk/download", json=GOOD | {"selectField": "id"})

    assert answer.json()["advice"] == "Did you mean selectFields?"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b"[" * 100_000, b'{"a":' * 50_000],
    ids=["empty", "cut", "array", "null", "text", "not UTF-8", "deep arrays", "deep objects"],
)
def test_a_body_that_is_no_json_object_is_refused(steady: Served, body: bytes) -> None:
    answer = steady.http.post("/bulk/download", content=body, headers={"Content-Type": "application/json"})

    assert refused(answer)[0] == 422


def test_a_body_that_is_too_large_is_refused_and_the_answer_arrives(steady: Served) -> None:
    body = json.dumps(GOOD | {"name": "x" * 3_000_000})

    answer = steady.http.post("/bulk/download", content=body, headers={"Content-Type": "application/json"})

    assert refused(answer)[:2] == (413, "too_large")


UPLOADS: list[tuple[dict[str, Any], str, str, str]] = [
    ({"connection": "nope"}, "email_address\na@b.test\n", "unknown_connection", "connection"),
    ({"operation": "explode"}, "email_address\na@b.test\n", "invalid", "operation"),
    ({"objectName": "unicorns"}, "email_address\na@b.test\n", "unknown_object", "objectName"),
    ({"operation": "insert"}, "email_address\na@b.test\n", "invalid", "externalIdField"),
    ({"columnDelimiter": ";"}, "email_address\na@b.test\n", "invalid", "columnDelimiter"),
    ({"format": "xml"}, "<a/>", "not_available_yet", "format"),
    ({"source": {}}, "email_address\na@b.test\n", "not_available_yet", "source"),
    ({"maxErrorRate": 2}, "email_address\na@b.test\n", "invalid", "maxErrorRate"),
    ({"mapping": {"a": 5}}, "email_address\na@b.test\n", "invalid", "mapping"),
    ({}, "", "empty_file", "file"),
    ({}, "email_address,first_name\n", "empty_file", "file"),
    ({}, 'email_address,first_name\n"a@b.test,Pat\n', "broken_csv", "file"),
    ({}, "email_address,email_address\na,b\n", "bad_csv_header", "file"),
    ({"columnDelimiter": "COMMA"}, "email_address;first_name\na;b\n", "bad_csv_header", "file"),
    ({"format": "json"}, '[{"email_address": "a@b.test"}', "broken_json", "file"),
    ({"format": "csv"}, '[{"email_address": "a@b.test"}]', "wrong_format", "format"),
    ({"encoding": "klingon"}, "email_address\na@b.test\n", "unknown_encoding", "encoding"),
]


@pytest.mark.parametrize(
    ("wrong", "text", "code", "field"), UPLOADS, ids=[f"{each[0]} {each[1][:20]!r}" for each in UPLOADS]
)
def test_a_wrong_upload_leaves_neither_job_nor_file(
    steady: Served, wrong: dict[str, Any], text: str, code: str, field: str
) -> None:
    steady.connected("salesloft")

    answer = steady.http.post(
        "/bulk/upload", files={"metaData": (None, json.dumps(META | wrong)), "file": ("people", text)}
    )

    status, found, where = refused(answer)
    assert (status, found) == (422, code), answer.text
    assert where is not None
    assert where.startswith(field)
    assert (steady.jobs(), steady.inputs()) == (0, [])


QUERIES = [
    ("/bulk/jobs?pageSize=0", "invalid", "pageSize"),
    ("/bulk/jobs?pageSize=1001", "invalid", "pageSize"),
    ("/bulk/jobs?pageSize=many", "invalid", "pageSize"),
    ("/bulk/jobs?id[lt]=5", "unknown_parameter", "id[lt]"),
    ("/bulk/jobs?id[gt]=-5", "invalid", "id[gt]"),
    ("/bulk/jobs?id[gt]=99999999999999999999", "invalid", "id[gt]"),
    ("/bulk/jobs?id[gt]=1&nextPage=2", "invalid", "nextPage"),
    ("/bulk/jobs?pagesize=5", "unknown_parameter", "pagesize"),
    ("/bulk/jobs?pageSize=5&pageSize=6", "invalid", "pageSize"),
    ("/bulk/jobs?status=EXPLODED", "unknown_status", "status"),
    ("/bulk/jobs?connection=nope", "unknown_connection", "connection"),
    ("/connections?offset=5", "unknown_parameter", "offset"),
]


@pytest.mark.parametrize(("path", "code", "field"), QUERIES, ids=[each[0] for each in QUERIES])
def test_a_wrong_query_parameter_is_refused_by_name(steady: Served, path: str, code: str, field: str) -> None:
    answer = steady.http.get(path)

    assert refused(answer) == (422, code, field)


@pytest.mark.parametrize("job_id", ["0", "-1", "abc", "1.5", "99999999999999999999", "٣"])
def test_an_id_that_can_be_none_is_not_found(steady: Served, job_id: str) -> None:
    answer = steady.http.get(f"/bulk/{job_id}/status")

    assert refused(answer)[:2] == (404, "not_found")


def test_text_that_no_database_stores_is_refused_wherever_it_stands(everywhere: Served) -> None:
    for path in ("/connections/%00", "/schedules/a%00", "/bulk/jobs?objectName=%00", "/bulk/jobs?%00=1"):
        assert refused(everywhere.http.get(path))[0] == 422


def test_a_wrong_key_is_refused_whatever_is_asked(steady: Served) -> None:
    wrong = [{}, {"Authorization": "Bearer nope"}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer"}]

    for path in ("/bulk/jobs", "/connections", "/schedules", "/bulk/1/status"):
        for headers in wrong:
            answer = httpx.get(f"{steady.url}{path}", headers=headers, trust_env=False)
            assert refused(answer)[:2] == (401, "unauthorized")
            assert answer.headers["www-authenticate"] == "Bearer"


def test_a_wrong_key_leaves_nothing_of_an_upload(steady: Served) -> None:
    parts = {"metaData": (None, json.dumps(META)), "file": ("people.csv", "x" * 2_000_000)}

    answer = httpx.post(
        f"{steady.url}/bulk/upload", files=parts, headers={"Authorization": "Bearer nope"}, trust_env=False
    )

    assert refused(answer)[:2] == (401, "unauthorized")
    assert (steady.jobs(), steady.inputs()) == (0, [])


def test_a_key_does_only_what_its_scopes_say(api: Served) -> None:
    api.connected("rest")
    reader = {"Authorization": f"Bearer {api.key_with('read')}"}
    submitter = {"Authorization": f"Bearer {api.key_with('submit')}"}

    assert api.http.get("/bulk/jobs", headers=reader).status_code == 200
    assert refused(api.http.post("/bulk/download", json=GOOD, headers=reader))[:2] == (403, "scope_missing")
    assert api.http.post("/bulk/download", json=GOOD, headers=submitter).status_code == 202
    assert refused(api.http.get("/bulk/jobs", headers=submitter))[:2] == (403, "scope_missing")
    assert refused(api.http.delete("/connections/rest", headers=submitter))[:2] == (403, "scope_missing")


def test_paths_and_methods_that_do_not_exist_are_problems_too(steady: Served) -> None:
    assert refused(steady.http.get("/nowhere"))[:2] == (404, "not_found")
    assert refused(steady.http.put("/connections"))[:2] == (405, "method_not_allowed")


def test_a_problem_points_to_a_page_that_says_what_to_do(steady: Served) -> None:
    problem = steady.http.post("/bulk/download", json=GOOD | {"conection": "x"}).json()

    page = steady.http.get(problem["type"])

    assert page.status_code == 200
    assert "unknown_field" in page.text
