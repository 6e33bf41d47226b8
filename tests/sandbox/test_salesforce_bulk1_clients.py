"""Two clients of Bulk API 1.0, unmodified: they find the vendor they were written for."""

import csv
import io

import pytest
import requests
from salesforce_bulk import SalesforceBulk
from salesforce_bulk.salesforce_bulk import BulkApiError, BulkBatchFailed
from simple_salesforce.bulk import SFBulkHandler

CONTACTS = [{"LastName": f"Row {n}", "External_Id__c": f"NEW-{n}", "Description": 'two\nlines, "q"'} for n in range(30)]


@pytest.fixture
def heroku(batches):
    return SalesforceBulk(sessionId="sandbox-token", host=str(batches.api.base_url).rstrip("/"), API_version="59.0")


@pytest.fixture
def simple(batches, sandbox):
    sandbox.switch(sf_shuffle=0, sf_least_looks=0)
    with requests.Session() as session:
        address = str(batches.api.base_url.join("/services/async/59.0/"))
        yield SFBulkHandler("sandbox-token", address, session=session)


def as_csv(records):
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(records[0]))
    writer.writeheader()
    writer.writerows(records)
    return out.getvalue().encode()


def waited(client, job, batch):
    client.wait_for_batch(job, batch, sleep_interval=0, timeout=1)


def test_salesforce_bulk_inserts_in_batches_and_reads_what_became_of_each_row(heroku, org):
    job = heroku.create_insert_job("Contact", contentType="CSV", concurrency="Parallel")
    batches = [heroku.post_batch(job, iter([as_csv(CONTACTS[at : at + 10])])) for at in (0, 10, 20)]
    heroku.close_job(job)

    for batch in batches:
        waited(heroku, job, batch)
    results = [heroku.get_batch_results(batch, job) for batch in batches]

    assert [len(each) for each in results] == [10, 10, 10]
    assert all(row.success == "true" and row.error == "" for each in results for row in each)
    assert org.counted("SELECT COUNT() FROM Contact WHERE External_Id__c LIKE 'NEW-%'") == 30
    assert heroku.job_status(job)["numberBatchesCompleted"] == "3"


def test_salesforce_bulk_upserts_and_lists_its_batches(heroku, org):
    job = heroku.create_upsert_job("Contact", external_id_name="External_Id__c", contentType="CSV")
    batch = heroku.post_batch(job, as_csv(CONTACTS))
    waited(heroku, job, batch)

    again = heroku.post_batch(job, as_csv(CONTACTS))
    waited(heroku, job, again)

    assert {each["id"]: each["state"] for each in heroku.get_batch_list(job)} == {
        batch: "Completed",
        again: "Completed",
    }
    assert {row.created for row in heroku.get_batch_results(again, job)} == {"false"}


@pytest.mark.parametrize("content", ["CSV", "JSON", "XML"])
def test_salesforce_bulk_reads_a_query(heroku, content):
    job = heroku.create_query_job("Contact", contentType=content)
    batch = heroku.query(job, "SELECT Id, Email FROM Contact")
    heroku.close_job(job)
    waited(heroku, job, batch)

    [result] = heroku.get_query_batch_result_ids(batch, job)
    body = b"".join(heroku.get_query_batch_results(batch, result, job, raw=True))

    assert body.count(b"@people.test") == 250
    assert heroku.get_query_batch_request(batch, job) == "SELECT Id, Email FROM Contact"


def test_salesforce_bulk_splits_a_query_by_primary_key(heroku):
    job = heroku.create_query_job("Contact", contentType="CSV", pk_chunking=100)
    original = heroku.query(job, "SELECT Id FROM Contact")

    seen = []
    for _ in range(20):
        seen = heroku.get_batch_list(job)
    chunks = [batch["id"] for batch in seen if batch["state"] == "Completed"]
    results = [result for chunk in chunks for result in heroku.get_all_results_for_query_batch(chunk, job)]
    lines = [line for result in results for line in result.read().decode().splitlines() if line.startswith('"003')]

    assert heroku.batch_state(original, job, reload=True) == "NotProcessed"
    assert (len(lines), len(set(lines))) == (250, 250)


def test_salesforce_bulk_hears_of_a_batch_that_failed_and_of_a_session_that_ended(heroku, sandbox):
    job = heroku.create_insert_job("Contact", contentType="CSV")
    batch = heroku.post_batch(job, b"LastName,Colour__c\nA,red\n")

    with pytest.raises(BulkBatchFailed, match="Field name not found : Colour__c"):
        heroku.wait_for_batch(job, batch, sleep_interval=0)
    sandbox.control("tokens", vendor="salesforce", revoke="*")
    with pytest.raises(BulkApiError, match="InvalidSessionId"):
        heroku.job_status(job)


def test_simple_salesforce_inserts_and_reads_back(simple, org):
    results = simple.Contact.insert(CONTACTS, batch_size=10, use_serial=True)
    [read] = simple.Contact.query("SELECT LastName, External_Id__c FROM Contact WHERE LastName = 'Row 7'", wait=0)

    assert [result["success"] for result in results] == [True] * 30
    assert (read["LastName"], read["External_Id__c"]) == ("Row 7", "NEW-7")
    assert org.caller.stats()["salesforce"]["bulk1"]["jobs"][0]["mode"] == "Serial"


def test_simple_salesforce_finds_errors_at_the_place_of_their_rows(simple):
    mixed = [*CONTACTS[:2], {"LastName": None, "External_Id__c": "NEW-99"}, CONTACTS[3]]

    results = simple.Contact.insert(mixed)

    assert [result["success"] for result in results] == [True, True, False, True]
    assert results[2]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"


def test_simple_salesforce_upserts_updates_and_deletes(simple, org):
    simple.Contact.upsert(CONTACTS, "External_Id__c")
    ids = [record["Id"] for record in org.records("SELECT Id FROM Contact WHERE External_Id__c LIKE 'NEW-%' LIMIT 6")]

    simple.Contact.update([{"Id": id_, "Title": "Moved"} for id_ in ids])
    simple.Contact.delete([{"Id": id_} for id_ in ids[:4]])
    simple.Contact.hard_delete([{"Id": ids[4]}])

    assert org.counted("SELECT COUNT() FROM Contact WHERE Title = 'Moved'") == 1
