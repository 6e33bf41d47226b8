"""Uploads stream in, in any packing, and become a job only when the file can be read."""

import gzip
import json
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import zstandard

from orchestrator.results.objects import ObjectStore
from tests.api.kit import Served, listening, runtime_of

META = {"connection": "salesloft", "objectName": "person", "operation": "upsert", "externalIdField": "email_address"}
CSV = b"email_address,first_name\n" + b"".join(b"s%d@orchard.test,Sam\n" % n for n in range(50))


def send(api: Served, *parts: tuple[str, tuple[str | None, bytes | str]]) -> httpx.Response:
    return api.http.post("/bulk/upload", files=list(parts))


def meta(**more: object) -> tuple[str, tuple[None, str]]:
    return "metaData", (None, json.dumps(META | more))


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("people.csv", CSV),
        ("people.csv.gz", gzip.compress(CSV)),
        ("people.csv.zst", zstandard.compress(CSV)),
        ("people.json", json.dumps([{"email_address": "s1@orchard.test"}, {"email_address": "s2@orchard.test"}])),
        ("people.jsonl", '{"email_address": "s3@orchard.test"}\n'),
        ("people", CSV.decode().encode("utf-16")),
    ],
    ids=["csv", "gzip", "zstd", "json", "jsonl", "utf-16"],
)
def test_a_file_is_understood_however_it_is_packed(api: Served, name: str, body: bytes | str) -> None:
    api.connected("salesloft")
    answer = send(api, meta(), ("file", (name, body)))

    assert answer.status_code == 202, answer.text
    assert api.run(int(answer.json()["id"])).outcome == "SUCCEEDED"


def test_a_file_from_excel_is_read_as_it_comes_and_the_status_says_how(api: Served) -> None:
    api.connected("salesloft")
    excel = "email_address;first_name;title\r\nx1@orchard.test;Zoë;a, b\r\n".encode("cp1252")

    job_id = int(send(api, meta(), ("file", ("people.csv", excel))).json()["id"])
    api.run(job_id)

    [row] = api.client.data(job_id).items
    assert (row["record"]["first_name"], row["record"]["title"]) == ("Zoë", "a, b")
    assert api.client.status(job_id)["metaData"]["understood"] == {
        "format": "csv",
        "encoding": "Windows-1252",
        "byteOrderMark": False,
        "columnDelimiter": "SEMICOLON",
        "lineEnding": "CRLF",
        "columns": ["email_address", "first_name", "title"],
    }


def test_a_few_records_come_as_json(api: Served) -> None:
    api.connected("salesloft")
    body = {"metaData": META, "data": [{"email_address": "j1@orchard.test", "first_name": "two\nlines"}]}

    answer = api.http.post(
        "/bulk/upload", content=json.dumps(body, indent=2), headers={"Content-Type": "application/json"}
    )

    job_id = int(answer.json()["id"])
    api.run(job_id)
    [row] = api.client.data(job_id).items
    assert row["record"]["first_name"] == "two\nlines"


def test_the_status_of_an_upload_shows_its_metadata(api: Served) -> None:
    api.connected("salesloft")
    answer = send(api, meta(**{"callback-payload": {"ours": 1}, "name": "spring"}), ("file", ("people.csv", CSV)))

    status = api.client.status(int(answer.json()["id"]))

    assert (status["jobDirection"], status["fileFormat"]) == ("UPLOAD", "CSV")
    assert status["metaData"]["callback-payload"] == {"ours": 1}


Parts = list[tuple[str, tuple[str | None, bytes | str]]]

REFUSED: list[tuple[Parts, str]] = [
    ([("file", ("a.csv", CSV)), meta()], "metadata_first"),
    ([("file", ("a.csv", CSV))], "metadata_first"),
    ([meta()], "file_missing"),
    ([meta(), ("data", ("a.csv", CSV))], "file_missing"),
    ([meta(), ("file", ("a.csv", CSV)), ("file", ("b.csv", CSV))], "unknown_field"),
    ([("metaData", (None, "{")), ("file", ("a.csv", CSV))], "malformed_body"),
    ([("metaData", (None, "[" * 100_000)), ("file", ("a.csv", CSV))], "malformed_body"),
    ([meta(), ("file", ("a.csv.gz", gzip.compress(CSV)[:-9]))], "broken_compression"),
    ([meta(), ("file", ("a.csv", CSV.replace(b"s9@", b'"s9@')))], "broken_csv"),
]


@pytest.mark.parametrize(("parts", "code"), REFUSED, ids=[f"{each[1]} {len(each[0])} parts" for each in REFUSED])
def test_a_form_in_the_wrong_shape_leaves_nothing_behind(steady: Served, parts: Parts, code: str) -> None:
    steady.connected("salesloft")

    answer = send(steady, *parts)

    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert (steady.jobs(), steady.inputs()) == (0, [])


JSON_BODIES = [
    ({"metaData": META}, "malformed_body"),
    ({"metaData": META, "data": []}, "empty_file"),
    ({"metaData": META, "data": [1]}, "bad_json"),
    ({"metaData": META | {"format": "csv"}, "data": [{}]}, "wrong_format"),
    ({"metaData": {}, "data": [{}]}, "missing_field"),
]


@pytest.mark.parametrize(("body", "code"), JSON_BODIES, ids=[str(each[1]) for each in JSON_BODIES])
def test_a_json_upload_in_the_wrong_shape_leaves_nothing_behind(steady: Served, body: object, code: str) -> None:
    steady.connected("salesloft")

    answer = steady.http.post("/bulk/upload", json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert (steady.jobs(), steady.inputs()) == (0, [])


def test_another_media_type_is_refused(steady: Served) -> None:
    steady.connected("salesloft")

    answer = steady.http.post("/bulk/upload", content=CSV, headers={"Content-Type": "text/csv"})

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_a_client_that_goes_away_in_the_middle_leaves_nothing_behind(steady: Served) -> None:
    steady.connected("salesloft")

    def cut() -> Iterator[bytes]:
        yield from form_head()
        yield CSV
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        steady.http.post("/bulk/upload", content=cut(), headers={"Content-Type": "multipart/form-data; boundary=xyz"})

    assert (steady.jobs(), steady.inputs()) == (0, [])


def form_head() -> Iterator[bytes]:
    yield b'--xyz\r\nContent-Disposition: form-data; name="metaData"\r\n\r\n' + json.dumps(META).encode()
    yield b'\r\n--xyz\r\nContent-Disposition: form-data; name="file"; filename="people.csv"\r\n\r\n'


def test_memory_stays_flat_while_a_large_file_arrives(api: Served, tmp_path: Path) -> None:
    api.connected("salesloft")
    block = b"".join(b"m%d@orchard.test,Mel\n" % n for n in range(4_000))
    runtime = runtime_of(api.workshop)
    runtime.objects = ObjectStore.open(f"file://{tmp_path}/store")

    def large() -> Iterator[bytes]:
        yield from form_head()
        yield b"email_address,first_name\n"
        for _ in range(400):
            yield block
        yield b"\r\n--xyz--\r\n"

    with listening(runtime) as url:
        tracemalloc.start()
        answer = httpx.post(
            f"{url}/bulk/upload",
            content=large(),
            headers={**api.http.headers, "Content-Type": "multipart/form-data; boundary=xyz"},
            trust_env=False,
        )
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert answer.status_code == 202, answer.text
    [stored] = runtime.objects.list("inputs/")
    assert stored.size == 400 * len(block) + len(b"email_address,first_name\n")
    assert peak < 16 << 20


def test_slow_uploads_do_not_keep_others_waiting(api: Served) -> None:
    api.connected("salesloft")
    go_on = threading.Event()

    def slow() -> Iterator[bytes]:
        yield from form_head()
        go_on.wait(20)
        yield CSV + b"\r\n--xyz--\r\n"

    def upload() -> None:
        with httpx.Client(base_url=api.url, headers=api.http.headers, timeout=30, trust_env=False) as client:
            client.post("/bulk/upload", content=slow(), headers={"Content-Type": "multipart/form-data; boundary=xyz"})

    uploads = [threading.Thread(target=upload) for _ in range(45)]
    for each in uploads:
        each.start()
    answer = api.http.get("/bulk/jobs", timeout=5)
    go_on.set()
    for each in uploads:
        each.join()

    assert answer.status_code == 200
    assert api.jobs() == 45
