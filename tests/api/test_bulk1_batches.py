"""The operations of a connector for Bulk API 1.0 on jobs and batches, as a person asks for them through our API."""

import io
import zipfile
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from orchestrator.job.criteria import Operation
from orchestrator.job.record import Job
from orchestrator.sandbox.options import Options
from orchestrator.sandbox.server import Running, running
from tests.api.kit import Served
from tests.api.vendor_job_kit import LIST, an_upload, problem, remote_id

ROWS = b"Name,Phone\nQuay,1\n,2\n"
NOWHERE = "750000000000000AAA"


@pytest.fixture
def vendor() -> Iterator[Running]:
    """A sandbox of one test."""
    with running(Options(people=0, rate=0, speed=0, sf_speed=0, sf_accounts=3)) as sandbox:
        yield sandbox


@pytest.fixture
def org(api: Served) -> Served:
    """An API with a connection to the org."""
    api.connect("salesforce")
    return api


def sent(org: Served, file: bytes = ROWS, **criteria: Any) -> Job:
    """Run an insert of accounts."""
    asked = {"object_name": "Account", "operation": Operation.INSERT, "external_id_field": None, "bulk_api": "1.0"}
    job = org.workshop.upload("salesforce", file, **(asked | criteria))
    org.workshop.run(job)
    return job


def queried(org: Served, **criteria: Any) -> Job:
    """Run a query of accounts."""
    job = org.workshop.download("salesforce", "Account", bulk_api="1.0", select_fields=("Name",), **criteria)
    org.workshop.run(job)
    return job


def batches_of(org: Served, job: Job) -> tuple[str, list[dict[str, Any]]]:
    """Return the address of a job's batches, and the batches."""
    path = f"{LIST}/{remote_id(org, job)}/batches"
    return path, org.http.get(path).raise_for_status().json()


def foreign(org: Served) -> str:
    """Open a job of Bulk API 1.0 as another tool would; return its id."""
    body = {"operation": "insert", "object": "Account", "contentType": "CSV"}
    headers = {"X-SFDC-Session": "sandbox-token", "content-type": "application/json"}
    made = httpx.post(f"{org.workshop.sandbox.url}/services/async/61.0/job", json=body, headers=headers)
    return str(made.raise_for_status().json()["id"])


def test_get_job(org: Served) -> None:
    job = sent(org, concurrency_mode="Serial")

    told = org.client.vendor_job("salesforce", remote_id(org, job))

    assert (told["jobType"], told["state"], told["concurrencyMode"]) == ("Classic", "Closed", "Serial")
    assert (told["numberBatchesCompleted"], told["numberRecordsFailed"]) == (1, 1)
    assert told["bulkhead"] == {"mark": "ours", "jobId": job.id}


@pytest.mark.parametrize("state", ["Closed", "Aborted"])
def test_update_job(org: Served, state: str) -> None:
    id_ = foreign(org)

    moved = org.client.move_vendor_job("salesforce", id_, state)

    assert (moved["state"], moved["bulkhead"]["mark"]) == (state, "foreign")
    assert org.client.vendor_job("salesforce", id_)["state"] == state


def test_update_job_to_a_state_of_other_jobs(org: Served) -> None:
    answer = org.http.put(f"{LIST}/{foreign(org)}", json={"state": "UploadComplete"})

    assert problem(answer) == (422, "invalid", "state")
    assert "Closed, Aborted" in answer.json()["advice"]


def test_update_job_that_has_ended_already(org: Served) -> None:
    id_ = foreign(org)
    org.client.move_vendor_job("salesforce", id_, "Aborted")

    assert problem(org.http.put(f"{LIST}/{id_}", json={"state": "Closed"}))[:2] == (409, "vendor_job_state")


def test_update_job_of_a_job_that_goes_on(org: Served) -> None:
    asked = {"object_name": "Account", "operation": Operation.INSERT, "external_id_field": None, "bulk_api": "1.0"}
    job = org.workshop.upload("salesforce", ROWS, **asked)
    org.workshop.run_until_due(job, "upload")

    answer = org.http.put(f"{LIST}/{remote_id(org, job)}", json={"state": "Aborted"})

    assert problem(answer)[:2] == (409, "vendor_job_in_use")
    assert org.workshop.run(job).counts.accepted == 1


@pytest.mark.parametrize("kind", ["CSV", "JSON", "XML"])
def test_list_batches_and_get_batch_status(org: Served, kind: str) -> None:
    job = sent(org, content_type=kind)

    path, (batch,) = batches_of(org, job)

    assert (batch["state"], batch["numberRecordsProcessed"], batch["numberRecordsFailed"]) == ("Completed", 2, 1)
    assert (batch["bulkhead"]["jobId"], batch["bulkhead"]["chunk"]) == (job.id, 1)
    assert org.client.batch("salesforce", remote_id(org, job), batch["id"]) == batch
    assert org.client.batches("salesforce", remote_id(org, job)) == [batch]
    assert batch["bulkhead"]["links"]["request"] == f"{path}/{batch['id']}/request"


@pytest.mark.parametrize("kind", ["CSV", "JSON", "XML"])
def test_get_batch_request(org: Served, kind: str) -> None:
    job = sent(org, content_type=kind)
    _, (batch,) = batches_of(org, job)

    answer = org.http.get(batch["bulkhead"]["links"]["request"])

    held = org.workshop.sandbox.world.salesforce.jobs.all[remote_id(org, job)[:15]]
    (stored,) = held.batches.values()  # type: ignore[attr-defined]
    assert answer.content == stored.request
    assert kind.lower() in answer.headers["content-type"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    with org.client.batch_request("salesforce", remote_id(org, job), batch["id"]) as blocks:
        assert b"".join(blocks) == stored.request


def test_get_batch_results(org: Served) -> None:
    _, (batch,) = batches_of(org, sent(org))

    answer = org.http.get(batch["bulkhead"]["links"]["result"])

    assert answer.headers["content-type"].startswith("text/csv")
    assert [line.split(",")[1] for line in answer.text.splitlines()] == ['"Success"', '"true"', '"false"']


def test_get_bulk_query_results(org: Served) -> None:
    job = queried(org)
    path, (batch,) = batches_of(org, job)

    ids = [each.text for each in ElementTree.fromstring(org.http.get(f"{path}/{batch['id']}/result").content)]
    with org.client.batch_result("salesforce", remote_id(org, job), batch["id"], ids[0]) as blocks:
        rows = b"".join(blocks)

    assert len(ids) == 1
    assert [len(rows.splitlines()), rows.splitlines()[0]] == [4, b'"Name"']


def test_upload_batch_file(org: Served) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        out.writestr("request.txt", "Name,ParentId,Body\na,001000000000001AAA,#a\n")
        out.writestr("a", b"bytes")
    _, (batch,) = batches_of(org, sent(org, packed.getvalue(), object_name="Attachment", format="zip"))

    answer = org.http.get(batch["bulkhead"]["links"]["request"])

    assert answer.headers["content-type"] == "application/zip"
    assert zipfile.ZipFile(io.BytesIO(answer.content)).read("a") == b"bytes"


def test_an_answer_that_is_packed_on_the_way_comes_out_as_it_is(org: Served) -> None:
    org.workshop.sandbox.world.change({"sf_gzip": True})
    _, (batch,) = batches_of(org, sent(org))

    assert org.http.get(batch["bulkhead"]["links"]["request"]).text.replace('"', "").splitlines()[0] == "Name,Phone"


def test_a_batch_as_large_as_they_come_passes_through_whole(org: Served) -> None:
    rows = b"\n".join([b"Name,Phone", *(b"%d%s,1" % (n, b"x" * 1500) for n in range(6_000))])
    _, (batch,) = batches_of(org, sent(org, rows))
    path = batch["bulkhead"]["links"]["request"]

    answer = org.http.get(path)

    assert answer.content.replace(b'"', b"") == rows + b"\n"
    assert int(answer.headers["content-length"]) == len(answer.content)


@pytest.mark.parametrize(
    "path",
    [
        f"{NOWHERE}/batches",
        f"{NOWHERE}/batches/751000000000000AAA",
        f"{NOWHERE}/batches/751000000000000AAA/request",
        "..%2Fx/batches",
        "{job}/batches/751000000000000AAA",
        "{job}/batches/751000000000000AAA/request",
        "{job}/batches/751000000000000AAA/result",
        "{job}/batches/..%2F..%2Fx/request",
        "{job}/batches/751000000000000AAA/result/..%2Fx",
    ],
)
def test_what_is_not_there_is_not_found(org: Served, path: str) -> None:
    answer = org.http.get(f"{LIST}/{path.format(job=foreign(org))}")

    assert problem(answer)[:2] == (404, "not_found")


def test_a_job_of_another_api_has_no_batches(org: Served) -> None:
    job = an_upload(org, "salesforce")

    assert problem(org.http.get(f"{LIST}/{remote_id(org, job)}/batches"))[:2] == (404, "not_found")


def test_a_result_that_is_not_there_yet_is_a_conflict(org: Served) -> None:
    job = sent(org)
    org.workshop.sandbox.world.change({"sf_start_after": 600.0})
    later = org.workshop.upload(
        "salesforce", ROWS, object_name="Account", operation=Operation.INSERT, external_id_field=None, bulk_api="1.0"
    )
    org.workshop.run_until_due(later, "poll")
    _, (batch,) = batches_of(org, later)

    answers = [org.http.get(batch["bulkhead"]["links"][each]) for each in ("request", "result")]

    assert job.id != later.id
    assert [answer.status_code for answer in answers] == [200, 409]
    assert problem(answers[1])[1] == "vendor_job_state"


@pytest.mark.parametrize(("provider", "code"), [("salesloft", "no_batches"), ("rest", "no_vendor_jobs")])
def test_a_provider_without_batches_says_so(api: Served, provider: str, code: str) -> None:
    api.connect(provider)

    assert problem(api.http.get(f"/connections/{provider}/vendor-jobs/1/batches"))[:2] == (422, code)


def test_chunks_of_another_tenant_stay_unknown(org: Served) -> None:
    job = sent(org)
    admin = {"Authorization": f"Bearer {org.key_with('read', 'admin', tenant='other')}"}
    token = {"type": "bearer", "token": "sandbox-token"}
    body = {"name": "sf", "provider": "salesforce", "baseUrl": org.workshop.sandbox.url, "credentials": token}
    org.http.post("/connections", json=body, headers=admin).raise_for_status()

    (batch,) = org.http.get(f"/connections/sf/vendor-jobs/{remote_id(org, job)}/batches", headers=admin).json()

    assert (batch["bulkhead"]["jobId"], batch["bulkhead"]["chunk"]) == (None, None)


def test_each_look_at_a_batch_is_one_call_that_is_paid_for(api: Served) -> None:
    api.connect("salesforce", limits=[{"kind": "quota", "amount": 2}])

    answers = [api.http.get(f"{LIST}/{NOWHERE}/batches") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [404, 404, 429]
    assert sum(api.workshop.store.usage.of(1).values()) == 2
