"""The imitated Bulk API 1.0: queries, whole and split by primary key."""

import csv
import io

import pytest
from defusedxml.ElementTree import fromstring

from .bulk1 import refusal


def table(answer):
    return list(csv.reader(io.StringIO(answer.text, newline="")))


def test_a_query_has_its_rows_in_several_results_each_with_its_header(batches, sandbox):
    sandbox.switch(sf_result_files=2)

    batch = batches.asked("SELECT Id FROM Contact")
    results = batches.results(batch)
    tables = [table(batches.get(f"{batch}/result/{result}")) for result in results]

    assert [(result[:3], len(result)) for result in results] == [("752", 15)] * 2
    assert [rows[0] for rows in tables] == [["Id"]] * 2
    assert len({row[0] for rows in tables for row in rows[1:]}) == 250


def test_a_query_without_rows_is_a_sentence(batches):
    batch = batches.asked("SELECT Id FROM Contact WHERE LastName = 'Nobody'")

    [result] = batches.results(batch)
    answer = batches.get(f"{batch}/result/{result}")

    assert (answer.text, answer.headers["content-type"]) == ("Records not found for this query", "text/csv")


def test_json_rows_have_their_times_in_milliseconds(batches):
    batch = batches.asked("SELECT Id, CreatedDate, Score__c FROM Contact LIMIT 1", "JSON")

    [result] = batches.get(f"{batch}/result").json()
    [row] = batches.get(f"{batch}/result/{result}").json()

    assert row["attributes"]["url"].endswith(f"/sobjects/Contact/{row['Id']}")
    assert isinstance(row["CreatedDate"], int)
    assert isinstance(row["Score__c"], int | float)


def test_xml_rows_have_their_id_twice(batches):
    batch = batches.asked("SELECT Id, LastName, Account.Name FROM Contact LIMIT 1", "XML")

    [record] = fromstring(batches.get(f"{batch}/result/{batches.results(batch)[0]}").content)

    assert [each.tag.rpartition("}")[2] for each in record] == ["type", "Id", "Id", "LastName", "Account"]


@pytest.mark.parametrize(
    ("soql", "words"),
    [
        ("SELECT COUNT(Id) FROM Contact", "aggregate functions not supported"),
        ("SELECT Nothing__c FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Lead", "The query reads Lead"),
        ("SELECT MailingAddress FROM Contact", "FUNCTIONALITY_NOT_ENABLED"),
        ("rubbish", "MALFORMED_QUERY"),
    ],
)
def test_a_query_that_cannot_run_fails_its_batch(batches, soql, words):
    seen = batches.look(batches.asked(soql))

    assert seen["state"] == "Failed"
    assert words in seen["stateMessage"]


def test_pk_chunks_replace_the_batch_and_hold_each_row_once(batches):
    header = {"sforce-enable-pkchunking": "chunkSize=60"}
    original = batches.asked("SELECT Id FROM Contact", headers=header)
    job = original.partition("/batch/")[0]

    first, *chunks = batches.look(f"{job}/batch")
    counts = [int(chunk["numberRecordsProcessed"]) for chunk in chunks]
    paths = [f"{job}/batch/{chunk['id']}" for chunk in chunks]
    tables = [table(batches.get(f"{path}/result/{batches.results(path)[0]}"))[1:] for path in paths]

    assert (first["state"], counts) == ("NotProcessed", [60, 60, 60, 60, 10, 0])
    assert len({row[0] for rows in tables for row in rows}) == 250
    assert batches.look(job)["numberBatchesTotal"] == "6"
    assert "Id >= '003" in batches.get(f"{paths[1]}/request").text


def test_pk_chunks_begin_where_the_start_row_says(batches, org):
    ids = sorted(record["Id"] for record in org.records("SELECT Id FROM Contact"))

    header = {"sforce-enable-pkchunking": f"chunkSize=100; startRow={ids[200]}"}
    job = batches.asked("SELECT Id FROM Contact", headers=header).partition("/batch/")[0]

    assert batches.look(job)["numberRecordsProcessed"] == "50"


@pytest.mark.parametrize("soql", ["SELECT Id FROM Contact ORDER BY Id", "SELECT Id FROM Contact WHERE Id != null"])
def test_pk_chunking_is_off_silently_where_the_query_does_not_suit(batches, soql):
    batch = batches.asked(soql, headers={"sforce-enable-pkchunking": "TRUE"})

    assert batches.look(batch)["state"] == "Completed"


def test_pk_chunks_cannot_be_larger_than_the_vendor_allows(batches):
    answer = batches.create({"sforce-enable-pkchunking": "chunkSize=250001"}, operation="query")

    assert refusal(answer) == (400, "InvalidJob")
