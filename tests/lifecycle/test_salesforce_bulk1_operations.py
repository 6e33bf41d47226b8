"""Every operation that a connector for Bulk API 1.0 has, by its name, as a part of whole jobs."""

from collections.abc import Mapping
from typing import Any

import pytest

from orchestrator.job.criteria import Operation
from orchestrator.job.errors import Invalid
from orchestrator.job.record import Job
from orchestrator.job.status import JobStatus
from orchestrator.providers.salesforce.bulk1.sink import AsyncSink
from orchestrator.sandbox.faults import Fault, Match, Moment
from orchestrator.sandbox.options import Options
from tests.lifecycle.bulk1 import an_org, records, told
from tests.lifecycle.test_salesforce_bulk1_attachments import a_table, a_zip, attached, stored
from tests.lifecycle.workshop import Workshop

ACCOUNTS = b"name,description\nAccount 711 (batch 0),Created from Bulk API\nAccount 37811 (batch 5),Created\n"


@pytest.fixture
def options() -> Options:
    """An org with a few accounts."""
    return an_org(sf_accounts=3)


def routes(workshop: Workshop) -> Mapping[str, int]:
    """Return how often each call of Bulk API 1.0 was made."""
    head = "/services/async/XX.X/"
    return {route.replace(head, ""): count for route, count in workshop.routes.items() if head in route}


def made(workshop: Workshop) -> Mapping[str, Any]:
    """Return the vendor's only job."""
    (job,) = told(workshop)["bulk1"]["jobs"]
    return dict(job)


def sent(workshop: Workshop, file: bytes = ACCOUNTS, **criteria: Any) -> Job:
    """Submit an insert of accounts."""
    asked = {"object_name": "Account", "operation": Operation.INSERT, "external_id_field": None, "bulk_api": "1.0"}
    return workshop.upload(workshop.connect("salesforce"), file, **(asked | criteria))


def asked(workshop: Workshop, **criteria: Any) -> Job:
    """Submit a query of accounts."""
    return workshop.download(workshop.connect("salesforce"), "Account", bulk_api="1.0", **criteria)


def test_init(workshop: Workshop) -> None:
    settings = {
        "apiVersion": "58.0",
        "tokenEndpointHostname": workshop.sandbox.url,
        "intervalTime": 1_000_000,
        "registryPath": "connectors/SalesforceBulk",
    }
    credentials = {
        "type": "oauth2_refresh",
        "accessToken": "long-expired",
        "refreshToken": "sandbox-refresh",
        "clientId": "sandbox-client",
        "clientSecret": "sandbox-secret",
    }
    workshop.connect("salesforce", "seeded", settings=settings, credentials=credentials)

    done = workshop.run(workshop.download("seeded", "Account", bulk_api="1.0", select_fields=("Id",)))

    assert (done.status, done.counts.stored) == (JobStatus.COMPLETED, 3)
    with workshop.sandbox.world.lock:
        entries = workshop.sandbox.world.ledger.log(0, 1000)
    assert any(entry.target == "/services/async/58.0/job" for entry in entries)


def test_create_job(workshop: Workshop) -> None:
    workshop.run(sent(workshop, content_type="XML", concurrency_mode="Serial"))

    job = made(workshop)
    assert (job["operation"], job["object"], job["contentType"], job["mode"]) == ("insert", "Account", "XML", "Serial")


def test_create_job_with_an_external_id_on_an_insert(workshop: Workshop) -> None:
    with pytest.raises(Invalid, match="upsert"):
        sent(workshop, external_id_field="Languages__c")


def test_update_job_closed(workshop: Workshop) -> None:
    workshop.run(sent(workshop))

    assert (made(workshop)["state"], routes(workshop)["POST job/{id}"]) == ("Closed", 1)


def test_update_job_aborted(workshop: Workshop) -> None:
    workshop.sandbox.world.change({"sf_start_after": 600.0})
    job = sent(workshop)
    workshop.run_until_due(job, "poll")

    workshop.lifecycle.cancel(workshop.tenant.id, job.id)
    workshop.run(job)

    assert made(workshop)["state"] == "Aborted"


def test_get_job(workshop: Workshop) -> None:
    job = sent(workshop)
    workshop.run_until_due(job, "release")
    workshop.sandbox.world.order(Fault(cut=Moment.AFTER), Match(method="POST", path="/job/750[^/]*$"))

    done = workshop.run(job)

    assert (done.status, made(workshop)["state"], routes(workshop)["GET job/{id}"]) == (
        JobStatus.COMPLETED,
        "Closed",
        1,
    )


@pytest.mark.parametrize("kind", ["XML", "CSV", "JSON"])
def test_add_batch_of_records(workshop: Workshop, kind: str) -> None:
    done = workshop.run(sent(workshop, content_type=kind))

    assert (done.counts.accepted, routes(workshop)["POST job/{id}/batch"]) == (2, 1)
    assert {str(each["Name"]) for each in records(workshop, "Account")} >= {
        "Account 711 (batch 0)",
        "Account 37811 (batch 5)",
    }


def test_add_batch_of_csv_with_blanks_at_the_start_of_a_line(workshop: Workshop) -> None:
    done = workshop.run(sent(workshop, b"Name,description\n            Tom Dameon,Created from Bulk API\n          "))

    assert (done.counts.accepted, done.counts.invalid) == (1, 1)
    assert "            Tom Dameon" in {each["Name"] for each in records(workshop, "Account")}


def test_add_batch_of_a_query(workshop: Workshop) -> None:
    soql = "SELECT Name FROM Account WHERE Name != 'x'"
    job = workshop.download(workshop.connect("salesforce"), "", bulk_api="1.0", soql=soql)

    done = workshop.run(job)

    assert (done.counts.stored, made(workshop)["operation"]) == (3, "query")
    assert set(workshop.lines(job)[0]) == {"Name"}


def test_get_batch_status_and_list_batches(workshop: Workshop) -> None:
    job = sent(workshop)

    workshop.run(job)

    (chunk,) = workshop.store.chunks.of_job(job.id)
    (batch,) = made(workshop)["batches"]
    assert batch["id"].startswith(str(chunk.remote_id))
    assert routes(workshop)["GET job/{id}/batch"] >= 2


def test_get_batch_request(workshop: Workshop) -> None:
    job = sent(workshop)
    workshop.sandbox.world.order(Fault(cut=Moment.AFTER), Match(method="POST", path="/batch$"))

    done = workshop.run(job)

    assert (done.counts.accepted, routes(workshop)["GET job/{id}/batch/{id}/request"]) == (2, 1)
    assert workshop.told(job, "batch.looked") == [{"chunk": 1, "found": True}]


def test_get_batch_results(workshop: Workshop) -> None:
    job = sent(workshop, b"Name,Phone\nQuay,1\n,2\n")

    workshop.run(job)

    assert routes(workshop)["GET job/{id}/batch/{id}/result"] == 1
    assert [(line["id"], line["status"]) for line in workshop.lines(job)] == [(1, "success"), (2, "error")]


def test_get_bulk_query_results(workshop: Workshop) -> None:
    workshop.sandbox.world.change({"sf_result_files": 3})

    done = workshop.run(asked(workshop, select_fields=("Id",)))

    assert (done.counts.stored, routes(workshop)["GET job/{id}/batch/{id}/result/{id}"]) == (3, 3)


def test_create_job_to_upload_batch_file(workshop: Workshop) -> None:
    workshop.run(attached(workshop, a_zip(a_table(workshop, ["a"]), {"a": b"x"})))

    assert (made(workshop)["object"], made(workshop)["contentType"]) == ("Attachment", "ZIP_CSV")


def test_upload_batch_file(workshop: Workshop) -> None:
    image = bytes(range(256))

    done = workshop.run(attached(workshop, a_zip(a_table(workshop, ["img/a.png"]), {"img/a.png": image})))

    assert (done.counts.accepted, stored(workshop)) == (1, {"img/a.png": image})


@pytest.mark.parametrize(
    ("count", "batch"), [(6_000, 500), pytest.param(120_000, AsyncSink.chunk_rows, marks=pytest.mark.journey)]
)
def test_a_large_insert_with_bad_rows_and_poisoned_batches_knows_the_fate_of_every_row(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, count: int, batch: int
) -> None:
    monkeypatch.setattr(AsyncSink, "chunk_rows", batch)
    workshop.sandbox.world.change({"sf_poison": "HEMLOCK"})
    poison = {count // 5 + 17, count * 3 // 4 + 50}
    names = ["HEMLOCK" if n in poison else "" if n % 50 == 0 else f"Depot {n}" for n in range(1, count + 1)]
    rows = "\n".join(["Name,Depot_Code__c", *(f"{name},D-{n}" for n, name in enumerate(names, 1))])
    job = sent(workshop, rows.encode(), object_name="Depot__c")

    done = workshop.run(job)

    refused = {n for n, name in enumerate(names, 1) if name in ("", "HEMLOCK")}
    assert (done.counts.sent, done.counts.accepted) == (count, count - len(refused))
    outcome = {line["id"]: line["status"] for line in workshop.lines(job)}
    assert len(outcome) == count
    assert {row for row, status in outcome.items() if status == "error"} == refused
    assert len(records(workshop)) == count - len(refused)
    assert told(workshop)["bulk1"]["rows_sent_twice"] == 0
