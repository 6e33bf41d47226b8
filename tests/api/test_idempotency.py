"""A POST with an Idempotency-Key starts one job, however often it is sent, whatever dies in between."""

import json
import threading

import httpx
import pytest

from orchestrator.store.engine import StoreDown
from tests.api.kit import Served

BODY = {"connection": "rest", "objectName": "items"}
KEY = {"Idempotency-Key": "7d9c"}
META = {"connection": "salesloft", "objectName": "person", "operation": "upsert"}


def test_the_same_request_again_gets_the_first_answer(everywhere: Served) -> None:
    everywhere.connect()
    first = everywhere.http.post("/bulk/download", json=BODY, headers=KEY)

    second = everywhere.http.post("/bulk/download", json=dict(reversed(BODY.items())), headers=KEY)

    assert (second.status_code, second.json()) == (202, first.json())
    assert second.headers["location"] == first.headers["location"]
    assert second.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert everywhere.jobs() == 1


def test_the_same_key_for_another_request_is_refused(everywhere: Served) -> None:
    everywhere.connect()
    everywhere.http.post("/bulk/download", json=BODY, headers=KEY)

    answer = everywhere.http.post("/bulk/download", json=BODY | {"limit": 5}, headers=KEY)

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")
    assert everywhere.jobs() == 1


def test_a_refused_request_leaves_its_key_free(api: Served) -> None:
    api.connect()
    api.http.post("/bulk/download", json=BODY | {"objectName": "unicorns"}, headers=KEY)

    answer = api.http.post("/bulk/download", json=BODY, headers=KEY)

    assert answer.status_code == 202


def test_two_tenants_do_not_share_keys(api: Served) -> None:
    api.connect()
    api.http.post("/bulk/download", json=BODY, headers=KEY)
    stranger = {"Authorization": f"Bearer {api.key_with('admin', tenant='globex')}"}

    answer = api.http.post("/bulk/download", json=BODY, headers=KEY | stranger)

    assert answer.json()["code"] == "unknown_connection"


def test_an_upload_sent_twice_is_one_job_and_one_file(api: Served) -> None:
    api.connect("salesloft")

    def send(text: str) -> httpx.Response:
        parts = {"metaData": (None, json.dumps(META)), "file": ("people.csv", text)}
        return api.http.post("/bulk/upload", files=parts, headers=KEY)

    first, second = send("email_address\na@b.test\n"), send("email_address\na@b.test\n")
    other = send("email_address\nc@d.test\n")

    assert second.json() == first.json()
    assert other.json()["code"] == "idempotency_mismatch"
    assert (api.jobs(), len(api.inputs())) == (1, 1)


def test_many_at_once_start_one_job(everywhere: Served) -> None:
    everywhere.connect()
    answers: list[httpx.Response] = []

    def post() -> None:
        answers.append(
            httpx.post(
                f"{everywhere.url}/bulk/download",
                json=BODY,
                headers=KEY | {"Authorization": f"Bearer {everywhere.key}"},
                trust_env=False,
            )
        )

    threads = [threading.Thread(target=post) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert {answer.status_code for answer in answers} <= {202, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 202}) == 1
    assert everywhere.jobs() == 1


def test_a_death_after_the_commit_cannot_start_a_second_job(
    everywhere: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    everywhere.connect()
    submit = everywhere.workshop.lifecycle.submit_download

    def dies_after(*args: object, **more: object) -> None:
        submit(*args, **more)  # type: ignore[arg-type]
        raise StoreDown("killed")

    with monkeypatch.context() as killed:
        killed.setattr(everywhere.workshop.lifecycle, "submit_download", dies_after)
        first = everywhere.http.post("/bulk/download", json=BODY, headers=KEY)
    again = everywhere.http.post("/bulk/download", json=BODY, headers=KEY)

    assert (first.status_code, first.json()["code"]) == (503, "store_down")
    assert (again.status_code, again.headers["idempotency-replayed"]) == (202, "true")
    assert everywhere.jobs() == 1


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_that_cannot_be_kept_is_refused(api: Served, key: str) -> None:
    api.connect()

    answer = api.http.post("/bulk/download", json=BODY, headers={"Idempotency-Key": key})

    assert (answer.status_code, answer.json()["field"]) == (422, "Idempotency-Key")
    assert api.jobs() == 0


def test_a_plan_and_a_check_are_made_once_too(api: Served) -> None:
    api.connect()
    plan = {"connection": "rest", "objectName": "items"}

    plans = [api.http.post("/bulk/plan", json=plan, headers=KEY) for _ in range(2)]
    other = api.http.post("/bulk/plan", json=plan | {"limit": 3}, headers=KEY)
    checks = [api.http.post("/connections/rest/check", headers={"Idempotency-Key": "c"}) for _ in range(2)]

    for first, again in (plans, checks):
        assert (first.status_code, again.status_code, first.json()) == (200, 200, again.json())
        assert ("Idempotency-Replayed" in first.headers, again.headers["Idempotency-Replayed"]) == (False, "true")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


def test_a_plan_of_a_file_is_made_once_too(api: Served) -> None:
    api.connect("salesloft")
    meta = {
        "connection": "salesloft",
        "objectName": "person",
        "operation": "upsert",
        "externalIdField": "email_address",
    }
    body = {"metaData": meta, "data": [{"email_address": "p@orchard.test"}]}

    first, again = (api.http.post("/bulk/plan", json=body, headers=KEY) for _ in range(2))

    assert first.status_code == 200, first.text
    assert (first.json(), again.headers["Idempotency-Replayed"]) == (again.json(), "true")
    assert list(api.workshop.objects.list("inputs/")) == []
