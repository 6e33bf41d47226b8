"""Whatever is sent, the answer is never a mistake of ours."""

import json
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from orchestrator.api.wire import ConnectionBody, DownloadBody, ScheduleBody, UploadBody
from tests.api.kit import Served

CALM = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

anything = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text() | some.just("rest"),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=8,
)


def bodies(model: Any, likely: dict[str, Any]) -> some.SearchStrategy[dict[str, Any]]:
    """Return bodies that are nearly right: some known fields hold anything."""
    wrong = some.dictionaries(some.sampled_from(sorted(model.known())) | some.text(), anything, max_size=4)
    return wrong.map(lambda fields: likely | fields)


DOWNLOADS = bodies(DownloadBody, {"connection": "rest", "objectName": "items"})
UPLOADS = bodies(UploadBody, {"connection": "salesloft", "objectName": "person", "operation": "upsert"})
CONNECTIONS = bodies(ConnectionBody, {"name": "x", "provider": "rest", "credentials": {"type": "none"}})
SCHEDULES = bodies(ScheduleBody, {"name": "x", "everySeconds": 5, "criteria": {"connection": "rest"}})


def post(api: Served, path: str, body: object) -> int:
    """Send a body as JSON in ASCII, which can say what UTF-8 cannot."""
    return api.http.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"}).status_code


@CALM
@given(body=DOWNLOADS)
def test_any_download_is_taken_or_refused(steady: Served, body: dict[str, Any]) -> None:
    assert post(steady.connected("rest"), "/bulk/download", body) in {202, 422}


@CALM
@given(body=CONNECTIONS)
def test_any_connection_is_taken_or_refused(steady: Served, body: dict[str, Any]) -> None:
    assert post(steady, "/connections", body) in {201, 409, 422}


@CALM
@given(body=SCHEDULES)
def test_any_schedule_is_taken_or_refused(steady: Served, body: dict[str, Any]) -> None:
    assert post(steady.connected("rest"), "/schedules", body) in {201, 409, 422}


@CALM
@given(meta=UPLOADS, data=some.lists(anything, max_size=3) | anything)
def test_any_json_upload_is_taken_or_refused(steady: Served, meta: dict[str, Any], data: Any) -> None:
    assert post(steady.connected("salesloft"), "/bulk/upload", {"metaData": meta, "data": data}) in {202, 422}


@CALM
@given(
    file=some.binary(max_size=300), meta=some.binary(max_size=50) | UPLOADS.map(lambda body: json.dumps(body).encode())
)
def test_any_form_is_taken_or_refused(steady: Served, file: bytes, meta: bytes) -> None:
    parts = {"metaData": (None, meta), "file": ("people", file)}

    answer = steady.connected("salesloft").http.post("/bulk/upload", files=parts)

    assert answer.status_code in {202, 422}, answer.text


@CALM
@given(body=some.binary(max_size=400))
def test_any_bytes_as_a_form_are_refused(steady: Served, body: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=xyz"}

    answer = steady.http.post("/bulk/upload", content=b"--xyz\r\n" + body, headers=headers)

    assert answer.status_code == 422


@CALM
@given(text=some.text(max_size=40), value=some.text(max_size=40))
def test_any_path_and_parameter_is_answered(steady: Served, text: str, value: str) -> None:
    for path in ("/bulk/jobs", "/connections", "/bulk/1/data"):
        assert steady.http.get(path, params={text: value, "pageSize": value}).status_code in {200, 404, 422}
    for name in ("/connections/", "/schedules/", "/errors/"):
        assert steady.http.get(name + quote(text, safe="")).status_code < 500
