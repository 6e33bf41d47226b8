"""The imitated Bulk API 1.0: batches of records, in XML, CSV and JSON."""

import base64
import csv
import io
import json

import httpx
import pytest
from defusedxml.ElementTree import fromstring

from .bulk1 import read, refusal, zipped

TWO = "LastName,External_Id__c\nAmber,N-1\nBirch,N-2\n"
BAD = "LastName,External_Id__c\nAmber,N-1\n,N-2\nCedar,N-3\n"
MISSING = "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"
XML = """<?xml version="1.0" encoding="UTF-8"?>
<sObjects xmlns="http://www.force.com/2009/06/asyncapi/dataload" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<sObject><lastname>Amber &amp; Co</lastname><External_Id__c>N-1</External_Id__c><Phone xsi:nil="true"/></sObject>
<sObject><External_Id__c>N-2</External_Id__c></sObject></sObjects>"""
JSON = json.dumps([{"LastName": "Amber", "External_Id__c": "N-1", "Phone": None}, {"External_Id__c": "N-2"}])


def table(answer):
    return list(csv.reader(io.StringIO(answer.text, newline="")))


def states(batches, job):
    return [batch["state"] for batch in batches.ended(job)]


def test_a_batch_waits_runs_and_completes(batches, sandbox):
    job = batches.open()
    answer = batches.post(f"{job}/batch", TWO, "text/csv; charset=UTF-8")
    batch = f"{job}/batch/{read(answer)['id']}"

    seen = [batches.look(batch)["state"] for _ in range(5)]

    assert read(answer)["state"] == "Queued"
    assert answer.headers["location"] == f"/services/async/61.0{batch}"
    assert (seen[0], seen[-1]) == ("InProgress", "Completed")


def test_results_stand_in_the_order_of_the_rows(batches):
    batch = batches.loaded(BAD)

    answer = batches.get(f"{batch}/result")

    header, first, second, third = table(answer)
    assert answer.headers["content-type"] == "text/csv"
    assert header == ["Id", "Success", "Created", "Error"]
    assert (first[1:], second, third[1:]) == (
        ["true", "true", ""],
        ["", "false", "false", MISSING],
        ["true", "true", ""],
    )


def test_xml_records_are_loaded_and_told_in_xml(batches, org):
    batch = batches.loaded(XML, "XML")

    good, bad = fromstring(batches.get(f"{batch}/result").content)

    assert [each.tag.rpartition("}")[2] for each in bad] == ["errors", "id", "success", "created"]
    assert [each.tag.rpartition("}")[2] for each in good] == ["id", "success", "created"]
    assert org.counted("SELECT COUNT() FROM Contact WHERE LastName = 'Amber & Co'") == 1


def test_json_records_are_loaded_and_told_in_json(batches):
    batch = batches.loaded(JSON, "JSON")

    good, bad = batches.get(f"{batch}/result").json()

    assert (good["success"], good["created"], good["errors"]) == (True, True, [])
    assert bad["errors"] == [
        {
            "statusCode": "REQUIRED_FIELD_MISSING",
            "message": "Required fields are missing: [LastName]",
            "fields": ["LastName"],
        }
    ]


def test_parents_are_found_by_their_external_ids(batches, org):
    nested = json.dumps([{"LastName": "Child", "Account": {"External_Id__c": "SEED-1"}}])

    batches.loaded(nested, "JSON")

    [record] = org.records("SELECT Account.External_Id__c FROM Contact WHERE LastName = 'Child'")
    assert record["Account"]["External_Id__c"] == "SEED-1"


def test_blanks_at_the_start_of_a_line_belong_to_the_first_value(batches, org):
    batches.loaded("Name,description\n            Tom Dameon,Created from Bulk API\n          ", object="Account")

    names = {record["Name"] for record in org.records("SELECT Name FROM Account WHERE Name LIKE ' %'")}
    assert names == {"            Tom Dameon", "          "}


@pytest.mark.parametrize(
    ("content", "body", "words"),
    [
        ("CSV", "LastName,Colour__c\nA,red\n", "InvalidBatch : Field name not found : Colour__c"),
        ("CSV", 'LastName\n"broken\n', "InvalidBatch : the CSV could not be read"),
        ("CSV", "LastName\n" + "A\n" * 10_001, "InvalidBatch : Records exceeded limit of 10000"),
        ("XML", "<sObjects><sObject>", "InvalidBatch : the records could not be read"),
        ("XML", '<!DOCTYPE a [<!ENTITY b "c">]><sObjects/>', "InvalidBatch : the records could not be read"),
        ("JSON", '{"LastName":"A"}', "InvalidBatch : the records could not be read"),
    ],
)
def test_a_batch_that_cannot_be_read_fails_as_a_whole(batches, content, body, words):
    batch = batches.loaded(body, content)

    seen = batches.look(batch)
    assert (seen["state"], int(seen["numberRecordsProcessed"])) == ("Failed", 0)
    assert seen["stateMessage"].startswith(words)
    assert refusal(batches.get(f"{batch}/result")) == (400, "InvalidBatch")


def test_one_poisoned_row_fails_its_whole_batch(batches, sandbox):
    sandbox.switch(sf_poison="HEMLOCK")
    job = batches.open()
    batches.add(job, "LastName\nAmber\nHEMLOCK\n")
    batches.add(job, "LastName\nBirch\n")

    assert states(batches, job) == ["Failed", "Completed"]


def test_a_failed_batch_may_have_saved_rows(batches, sandbox):
    sandbox.switch(sf_fail_after=1)

    batch = batches.loaded(TWO)

    assert batches.look(batch)["state"] == "Failed"
    assert len(table(batches.get(f"{batch}/result"))) == 2


@pytest.mark.parametrize(
    ("body", "media"), [("", "text/csv"), (TWO, "application/json"), ("A" * 10_000_001, "text/csv")]
)
def test_a_batch_that_cannot_be_taken_is_refused_at_once(batches, body, media):
    assert refusal(batches.post(f"{batches.open()}/batch", body, media)) == (400, "ClientInputError")


def test_serial_batches_run_one_after_another(batches):
    job = batches.open(concurrencyMode="Serial")
    for _ in range(3):
        batches.add(job, TWO)

    first = [batch["state"] for batch in batches.look(f"{job}/batch")]

    assert first == ["InProgress", "Queued", "Queued"]
    assert states(batches, job) == ["Completed"] * 3


def test_batches_are_tried_again_unless_the_job_says_no(batches, sandbox):
    sandbox.switch(sf_batch_retries=1)
    willing, unwilling = batches.open(), batches.open({"sforce-disable-batch-retry": "TRUE"})
    for job in (willing, unwilling):
        batches.add(job, TWO)

    assert (states(batches, willing), states(batches, unwilling)) == (["Completed"], ["Failed"])
    assert batches.look(willing)["numberRetries"] == "1"


def test_the_request_of_a_batch_comes_back_byte_for_byte(batches):
    body = 'LastName\r\n"two\r\nlines"\r\n'

    batch = batches.add(batches.open(), body)

    assert batches.get(f"{batch}/request").content == body.encode()


def test_refusals_about_batches_come_in_what_the_jobs_content_type_says(batches):
    job = batches.open(contentType="JSON")

    answer = batches.get(f"{job}/batch/7519Q00000Qz1aBQAR")

    assert answer.headers["content-type"] == "application/json"
    assert refusal(answer) == (400, "InvalidBatch")


def test_a_zip_brings_its_files_as_bytes(batches, sandbox, org):
    [account] = org.records("SELECT Id FROM Account LIMIT 1")
    image = bytes(range(256)) * 40
    manifest = f"Name,ParentId,Body\na.png,{account['Id']},#a.png\nb.png,{account['Id']},#b.png\nc,{account['Id']},c\n"

    batch = batches.loaded(zipped(manifest, a_png=image), "ZIP_CSV", object="Attachment")

    good, absent, bare = table(batches.get(f"{batch}/result"))[1:]
    [kept] = sandbox.api.get("/_sandbox/salesforce/Attachment").json()["data"]
    assert (good[1], absent[3][:13], bare[3][:13]) == ("true", "INVALID_FIELD", "INVALID_FIELD")
    assert base64.b64decode(kept["Body"]) == image


@pytest.mark.parametrize("body", [b"no zip", zipped("").replace(b"request.txt", b"elsewhere.x")])
def test_a_zip_that_cannot_be_read_fails_its_batch(batches, body):
    batch = batches.loaded(body, "ZIP_CSV", object="Attachment")

    assert batches.look(batch)["stateMessage"].startswith("InvalidBatch : ")


@pytest.mark.parametrize(("moment", "effect"), [("before", 0), ("after", 1)])
def test_a_lost_answer_hides_whether_the_batch_was_added(batches, sandbox, moment, effect):
    job = batches.open()
    sandbox.order({"cut": moment}, path="/batch$", method="POST")

    with pytest.raises(httpx.RemoteProtocolError):
        batches.add(job, TWO)

    assert len(batches.look(f"{job}/batch")) == effect


def test_batches_and_rows_sent_twice_are_counted(batches, sandbox):
    for _ in range(2):
        batches.loaded("LastName\nAmber\n")

    counted = sandbox.stats()["salesforce"]["bulk1"]
    assert (counted["batches_sent_twice"], counted["rows_sent_twice"]) == (1, 1)


def test_a_state_may_be_told_in_a_word_nobody_knows(batches, sandbox):
    batch = batches.loaded(TWO)
    sandbox.order({"state_word": "Hibernating"}, path="/batch/751")

    assert batches.look(batch)["state"] == "Hibernating"
    assert batches.look(batch)["state"] == "Completed"
