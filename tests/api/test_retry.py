"""Rows that did not go through, sent again."""

import csv
import io
import json

import pytest

from orchestrator.api.wire import RetryBody
from orchestrator.job.errors import Conflict
from orchestrator.lifecycle.retry import Only
from orchestrator.store.retries import note_retry
from tests.api.kit import Served
from tests.api.test_jobs import start, upload

TWO_REFUSED = "email_address,first_name\np1@orchard.test,Pat\n,Nobody\np2@orchard.test,Pia\n,Niemand\np3@orchard.test\n"


def partial(api: Served) -> int:
    """Run an upload whose rows 2 and 4 the vendor refuses, and whose row 5 is too short."""
    job_id = upload(api, TWO_REFUSED)
    api.run(job_id)
    return job_id


def retry(api: Served, job_id: int, only: str = "failed", **headers: str) -> tuple[int, dict[str, object]]:
    answer = api.http.post(f"/bulk/{job_id}/retry", json={"only": only}, headers=headers)
    return answer.status_code, answer.json()


def test_only_the_refused_rows_are_sent_again_under_their_own_numbers(everywhere: Served) -> None:
    job_id = partial(everywhere)
    before = everywhere.workshop.bulk

    new = everywhere.client.retry_rows(job_id)
    everywhere.run(new.id)

    status = everywhere.client.status(new.id)
    errors = everywhere.client.errors(new.id).items
    rows = everywhere.http.get(f"/bulk/{new.id}/data").json()
    assert status["reconciliation"]["sent"] == 2
    assert [row["id"] for row in rows] == [2, 4]
    assert [error["recordIndex"] for error in errors] == [2, 4]
    assert status["metaData"]["retryOf"] == job_id
    assert status["jobCriteria"] == everywhere.client.status(job_id)["jobCriteria"]
    assert everywhere.workshop.bulk["rows_released"] - before["rows_released"] == 2


def test_a_row_that_a_retry_has_taken_is_retried_through_that_job(api: Served) -> None:
    job_id = partial(api)
    first = api.client.retry_rows(job_id)
    api.run(first.id)

    again, through = retry(api, job_id), retry(api, first.id)

    assert (again[0], again[1]["code"], again[1]["field"]) == (422, "nothing_to_retry", "only")
    assert through[0] == 202
    assert api.run(int(str(through[1]["id"]))).counts.sent == 2


def test_without_a_row_of_that_kind_nothing_is_started(api: Served) -> None:
    job_id = partial(api)
    inputs = api.inputs()

    answers = [retry(api, job_id, only) for only in ("transient", "unprocessed")]

    assert [(status, body["code"]) for status, body in answers] == [(422, "nothing_to_retry")] * 2
    assert (api.jobs(), api.inputs()) == (1, inputs)


def test_a_job_that_runs_or_reads_is_not_retried(api: Served) -> None:
    running = upload(api)
    download = start(api, limit=1)
    api.run(download)

    answers = [retry(api, running), retry(api, download)]

    assert [(status, body["code"]) for status, body in answers] == [(409, "job_not_ended"), (409, "not_an_upload")]


def test_the_same_key_starts_one_retry(api: Served) -> None:
    job_id = partial(api)

    first = retry(api, job_id, **{"Idempotency-Key": "k"})
    second = retry(api, job_id, **{"Idempotency-Key": "k"})
    other = retry(api, job_id, "transient", **{"Idempotency-Key": "k"})

    assert first == second
    assert (other[0], other[1]["code"]) == (422, "idempotency_mismatch")
    assert api.jobs() == 2


@pytest.mark.parametrize("rounds", [0, 1, 2])
def test_rows_of_a_canceled_job_that_were_never_released_are_sent_later(api: Served, rounds: int) -> None:
    job_id = upload(api)
    for _ in range(rounds):
        api.workshop.round()
    api.client.cancel(job_id)
    assert api.run(job_id).status == "CANCELED"

    new = api.client.retry_rows(job_id, only="unprocessed")

    ended = api.run(new.id)
    rows = api.http.get(f"/bulk/{new.id}/data").json()
    assert (ended.counts.accepted, ended.counts.refused) == (30, 1)
    assert [row["id"] for row in rows] == list(range(1, 32))


def test_rows_that_a_canceled_job_may_have_written_are_never_sent_again(api: Served) -> None:
    job_id = upload(api)
    api.workshop.run_until_due(api.workshop.store.jobs.by_id(job_id), "poll")
    api.client.cancel(job_id)
    assert api.run(job_id).status == "CANCELED"

    status, body = retry(api, job_id, "unprocessed")

    assert (status, body["code"]) == (422, "nothing_to_retry")


def test_what_a_restart_sends_is_not_sent_by_a_retry_too(api: Served) -> None:
    job_id = upload(api, TWO_REFUSED, maxErrors=0)
    api.workshop.run(api.workshop.store.jobs.by_id(job_id))

    left, refused = retry(api, job_id, "unprocessed"), retry(api, job_id, "failed")

    assert (left[0], left[1]["code"]) == (409, "restart_instead")
    assert (refused[0], refused[1]["code"]) == (422, "nothing_to_retry")


def test_of_two_retries_at_once_one_is_told_to_look_again(api: Served) -> None:
    job_id = partial(api)
    seen = api.workshop.store.retries.count(job_id)

    api.client.retry_rows(job_id)

    with pytest.raises(Conflict), api.workshop.database.write() as transaction:
        note_retry(transaction, job_id, seen, "COMPLETED")


def test_the_file_lives_as_long_as_a_job_names_it(api: Served) -> None:
    job_id = partial(api)
    new = api.client.retry_rows(job_id)
    job = api.workshop.store.jobs.by_id(new.id)

    unnamed = api.workshop.store.garbage.unnamed([job.input_key or "", job.input_rows_key or "", "inputs/nobody"])

    assert unnamed == ["inputs/nobody"]


def test_the_words_of_the_body_are_those_of_the_desk() -> None:
    words = RetryBody.model_fields["only"].annotation

    assert set(getattr(words, "__args__", ())) == set(Only)


def test_rows_that_salesforce_refused_are_mended_and_sent_again(api: Served) -> None:
    api.connect("salesforce")
    meta = {"connection": "salesforce", "objectName": "Contact", "operation": "insert"}
    text = "LastName,Email\nAda,a@orchard.test\n,b@orchard.test\nCas,c@orchard.test\n"
    sent = api.http.post("/bulk/upload", files={"metaData": (None, json.dumps(meta)), "file": ("people.csv", text)})
    job = api.run(sent.json()["id"])

    told = api.client.errors(job.id).items
    table = api.http.get(f"/bulk/{job.id}/errors", headers={"Accept": "text/csv"}).text
    again = api.run(api.client.retry_rows(job.id).id)

    assert (job.outcome, job.counts.accepted, job.counts.refused) == ("PARTIAL", 2, 1)
    assert [(each["recordIndex"], each["vendorCode"]) for each in told] == [(2, "REQUIRED_FIELD_MISSING")]
    assert next(iter(csv.DictReader(io.StringIO(table))))["Email"] == "b@orchard.test"
    assert (again.counts.sent, again.counts.refused) == (1, 1)
