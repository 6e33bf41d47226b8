"""The imitated Bulk API 1.0: jobs, who may do what with them, and how calls are answered."""

import gzip

import pytest

from .bulk1 import Async, info, read, refusal
from .salesforce import BASE as REST

ONE = "LastName\nAmber\n"
ORDER = [
    "id", "operation", "object", "createdById", "createdDate", "systemModstamp", "state", "concurrencyMode",
    "contentType", "numberBatchesQueued", "numberBatchesInProgress", "numberBatchesCompleted", "numberBatchesFailed",
    "numberBatchesTotal", "numberRecordsProcessed", "numberRetries", "apiVersion", "numberRecordsFailed",
    "totalProcessingTime", "apiActiveProcessingTime", "apexProcessingTime",
]  # fmt: skip


def test_a_job_is_created_in_xml_and_shown_in_the_order_strict_readers_want(batches):
    answer = batches.create(operation="insert", object="contact")

    made = read(answer)
    assert (answer.status_code, answer.headers["content-type"]) == (201, "application/xml")
    assert list(made) == ORDER
    assert (made["state"], made["object"], made["concurrencyMode"]) == ("Open", "Contact", "Parallel")
    assert made["createdDate"].endswith("Z")


def test_a_job_created_in_json_is_answered_in_json(batches):
    body = '{"operation":"insert","object":"Contact","contentType":"JSON","concurrencyMode":1}'

    made = batches.good(batches.post("/job", body, "application/json"))

    assert (made["concurrencyMode"], made["apiVersion"], made["numberBatchesTotal"]) == ("Serial", 61.0, 0)
    assert made["createdDate"].endswith("+0000")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"operation": "INSERT"}, "InvalidJob"),
        ({"operation": "upsert"}, "InvalidJob"),
        ({"operation": "upsert", "externalIdFieldName": "Phone"}, "InvalidJob"),
        ({"operation": "insert", "externalIdFieldName": "Languages__c"}, "InvalidJob"),
        ({"object": ""}, "InvalidJob"),
        ({"object": "Nothing__c"}, "InvalidEntity"),
        ({"object": "TaskStatus"}, "InvalidEntity"),
        ({"contentType": "PDF"}, "InvalidJob"),
        ({"concurrencyMode": "Sideways"}, "InvalidJob"),
        ({"operation": "query", "contentType": "ZIP_CSV"}, "InvalidJob"),
    ],
)
def test_a_job_that_cannot_be_is_refused(batches, fields, code):
    assert refusal(batches.create(**fields)) == (400, code)


def test_an_empty_external_id_is_none(batches):
    assert batches.create(externalIdFieldName="").status_code == 201


def test_a_job_is_closed_once_and_then_takes_no_batch_which_still_counts(batches, org):
    job = batches.open()
    before = org.good(org.api.get(f"{REST}/limits"))["DailyBulkApiBatches"]["Remaining"]

    closed, again = batches.to(job, "Closed"), batches.to(job, "Closed")
    late = batches.post(f"{job}/batch", ONE, "text/csv")

    assert read(closed)["state"] == "Closed"
    assert refusal(again) == refusal(late) == (400, "InvalidJobState")
    assert org.good(org.api.get(f"{REST}/limits"))["DailyBulkApiBatches"]["Remaining"] == before - 1


def test_nothing_but_the_state_of_a_job_can_be_changed(batches):
    job = batches.open()

    assert refusal(batches.post(job, info(state="Closed", object="Lead"), "application/xml")) == (400, "InvalidJob")
    assert refusal(batches.post(job, info(state="Finished"), "application/xml")) == (400, "InvalidJob")


def test_an_abort_stops_what_waits_and_lets_run_what_runs(batches, sandbox):
    sandbox.switch(sf_start_after=0.0)
    job = batches.open()
    runs = batches.add(job, ONE)
    batches.look(runs)
    sandbox.switch(sf_start_after=60.0)
    waits = batches.add(job, ONE)

    batches.good(batches.to(job, "Aborted"))
    states = {batch["id"]: batch["state"] for batch in batches.ended(job)}

    assert states == {runs.rpartition("/")[2]: "Completed", waits.rpartition("/")[2]: "NotProcessed"}
    assert batches.look(job)["state"] == "Aborted"


def test_only_its_creator_adds_to_a_job_and_closes_it(batches, sandbox):
    job = batches.open()
    sandbox.control("tokens", vendor="salesforce", add="other", user="colleague")
    other = Async(sandbox, token="other")

    assert refusal(other.to(job, "Closed")) == (400, "InvalidUser")
    assert refusal(other.post(f"{job}/batch", ONE, "text/csv")) == (400, "InvalidUser")
    assert other.to(job, "Aborted").is_success
    other.api.close()


def test_an_ended_session_is_a_400_in_the_format_of_the_call(batches):
    bad = {"x-sfdc-session": "gone"}

    in_xml = batches.get("/job/750000000000001", **bad)
    in_json = batches.get("/job/750000000000001", **bad, **{"content-type": "application/json"})

    assert in_xml.headers["content-type"] == "application/xml"
    assert in_json.headers["content-type"] == "application/json"
    assert refusal(in_xml) == refusal(in_json) == (400, "InvalidSessionId")


def test_a_bearer_token_opens_nothing_here(batches):
    answer = batches.get("/job/750000000000001", **{"x-sfdc-session": "", "authorization": "Bearer sandbox-token"})

    assert refusal(answer) == (400, "InvalidSessionId")


def test_unknown_jobs_paths_and_versions_are_told_apart(batches):
    job = batches.open()

    assert refusal(batches.get("/job/7509Q00000Kt7xAQAR")) == (400, "InvalidJob")
    assert refusal(batches.get(f"{job}/nothing")) == (404, "InvalidUrl")
    assert refusal(batches.api.get(f"/services/async/30.0{job}")) == (410, "Gone")
    assert refusal(batches.api.get(f"/services/async/99.0{job}")) == (400, "InvalidVersion")
    assert refusal(batches.api.get(f"/services/async/60.0{job}/batch")) == (400, "InvalidVersion")


def test_a_job_shows_in_the_list_of_2_0_as_classic(batches, org):
    job = batches.open()

    [record] = [each for each in org.good(org.api.get(f"{REST}/jobs/ingest"))["records"] if each["id"] in job]

    assert (record["jobType"], record["state"], record["contentType"]) == ("Classic", "Open", "CSV")


def test_a_job_takes_batches_for_a_day_and_is_gone_after_a_week(batches, sandbox):
    job = batches.open()
    batches.add(job, ONE)
    batches.ended(job)

    sandbox.control("clock", advance=24 * 3600)
    late = batches.post(f"{job}/batch", ONE, "text/csv")
    sandbox.control("clock", advance=7 * 24 * 3600)
    batches.get(job)

    assert refusal(late) == (400, "InvalidJobState")
    assert refusal(batches.get(job)) == (400, "InvalidJob")


def test_bodies_come_and_go_packed(batches, sandbox):
    sandbox.switch(sf_gzip=True)
    job = batches.open()

    batch = batches.add(job, gzip.compress(ONE.encode()), **{"content-encoding": "gzip"})
    request = batches.get(f"{batch}/request")
    broken = batches.post(f"{job}/batch", b"no gzip", "text/csv", {"content-encoding": "gzip"})

    assert (request.text, request.headers["content-encoding"]) == (ONE, "gzip")
    assert refusal(broken) == (400, "ClientInputError")


def test_the_days_calls_and_batches_are_used_up(batches, sandbox):
    job = batches.open()
    sandbox.switch(sf_batches=1)
    batches.add(job, ONE)

    assert refusal(batches.post(f"{job}/batch", ONE, "text/csv")) == (400, "ExceededQuota")
    sandbox.switch(sf_api_requests=1)
    assert batches.get(job).status_code == 403


def test_a_document_with_entities_is_refused(batches):
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><jobInfo><state>&b;</state></jobInfo>'

    assert refusal(batches.post("/job", bomb, "application/xml")) == (400, "InvalidXml")
