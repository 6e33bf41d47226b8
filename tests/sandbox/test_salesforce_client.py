"""simple-salesforce, unmodified: a client that knows nothing of us finds the vendor it was written for."""

import csv
import io

import pytest
import requests
from simple_salesforce.bulk2 import ColumnDelimiter, LineEnding, SFBulk2Handler
from simple_salesforce.exceptions import SalesforceExpiredSession, SalesforceMalformedRequest, SalesforceOperationError

NASTY = ['a "quoted" word', "two\nlines", "comma, semicolon; tab\t", "𝔘nicode 🚢", " blanks ", "'single'"]


@pytest.fixture
def client(org):
    with requests.Session() as session:
        address = str(org.api.base_url.join("/services/data/v59.0/jobs/"))
        yield SFBulk2Handler("sandbox-token", address, session=session)


def pages(client, soql, **options):
    return [
        list(csv.DictReader(io.StringIO(page, newline=""))) for page in client.Contact.query(soql, wait=0, **options)
    ]


def contacts(count):
    return [
        {"LastName": f"Row {n}", "Description": NASTY[n % len(NASTY)], "External_Id__c": f"NEW-{n}"}
        for n in range(count)
    ]


def test_what_it_inserts_it_reads_back(client):
    sent = contacts(60)

    [result] = client.Contact.insert(records=sent, wait=0)
    read = pages(client, "SELECT LastName, Description, External_Id__c FROM Contact WHERE External_Id__c LIKE 'NEW-%'")

    assert (result["numberRecordsProcessed"], result["numberRecordsFailed"], result["numberRecordsTotal"]) == (
        60,
        0,
        60,
    )
    assert sorted(read[0], key=str) == sorted(sent, key=str)


def test_its_upsert_matches_what_was_there(client, org):
    client.Contact.insert(records=contacts(10), wait=0)
    changed = [{"External_Id__c": f"NEW-{n}", "LastName": f"Changed {n}"} for n in range(5, 15)]

    [result] = client.Contact.upsert(records=changed, external_id_field="External_Id__c", wait=0)
    successes = csv.DictReader(io.StringIO(client.Contact.get_successful_records(result["job_id"])))

    assert sum(row["sf__Created"] == "true" for row in successes) == 5
    assert org.counted("SELECT COUNT() FROM Contact WHERE External_Id__c LIKE 'NEW-%'") == 15
    assert org.counted("SELECT COUNT() FROM Contact WHERE LastName LIKE 'Changed%'") == 10


def test_its_updates_and_deletes_act_by_id(client, org):
    ids = [record["Id"] for record in org.records("SELECT Id FROM Contact LIMIT 6")]

    client.Contact.update(records=[{"Id": id_, "Title": "Moved"} for id_ in ids], wait=0)
    client.Contact.delete(records=[{"Id": id_} for id_ in ids[:4]], wait=0)
    client.Contact.hard_delete(records=[{"Id": ids[4]}], wait=0)

    assert org.counted("SELECT COUNT() FROM Contact WHERE Title = 'Moved'") == 1
    assert len(org.records("SELECT Id FROM Contact WHERE Title = 'Moved'", "queryAll")) == 5


def test_it_finds_refused_rows_in_the_file_of_failures(client):
    mixed = [*contacts(3), {"LastName": "", "Description": "x", "External_Id__c": "NEW-9"}]

    [result] = client.Contact.insert(records=mixed, wait=0)
    failed = list(csv.DictReader(io.StringIO(client.Contact.get_failed_records(result["job_id"]))))

    assert result["numberRecordsFailed"] == 1
    assert failed[0]["sf__Error"] == "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"
    assert failed[0]["External_Id__c"] == "NEW-9"


def test_it_reads_results_set_by_set_to_the_end(client):
    read = pages(client, "SELECT Id, Email FROM Contact", max_records=100)

    assert [len(page) for page in read] == [100, 100, 50]
    assert len({record["Id"] for page in read for record in page}) == 250


def test_it_understands_that_nothing_was_found(client):
    read = list(client.Contact.query("SELECT Id FROM Contact WHERE LastName = 'Nobody'", wait=0))

    assert read == ['"Id"\n']


def test_it_downloads_into_files(client, tmp_path):
    results = client.Contact.download("SELECT Id FROM Contact", path=str(tmp_path), max_records=200, wait=0)

    assert [result["number_of_records"] for result in results] == [200, 50]
    assert len(list(tmp_path.iterdir())) == 2


def test_it_may_use_another_delimiter_and_line_ending(client):
    style = {"column_delimiter": ColumnDelimiter.PIPE, "line_ending": LineEnding.CRLF}

    [result] = client.Contact.insert(records=[{"LastName": "Pipe", "Title": "a|b"}], wait=0, **style)
    [page] = client.Contact.query("SELECT LastName, Title FROM Contact WHERE LastName = 'Pipe'", wait=0, **style)

    assert result["numberRecordsFailed"] == 0
    assert page == '"LastName"|"Title"\r\n"Pipe"|"a|b"\r\n'


def test_it_hears_of_a_job_that_failed(client):
    with pytest.raises(SalesforceOperationError, match="Field name not found : Colour__c"):
        client.Contact.insert(records=[{"LastName": "A", "Colour__c": "red"}], wait=0)


def test_it_hears_of_an_unsupported_query_and_of_a_session_that_ended(client, org):
    with pytest.raises(SalesforceMalformedRequest, match="aggregate functions not supported"):
        list(client.Contact.query("SELECT COUNT(Id) FROM Contact", wait=0))
    org.caller.control("tokens", vendor="salesforce", revoke="*")
    with pytest.raises(SalesforceExpiredSession):
        list(client.Contact.query("SELECT Id FROM Contact", wait=0))
