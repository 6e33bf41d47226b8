"""Ingest jobs of the imitated Salesforce, by the fact sheet: the calls, what they refuse, how a job ends."""

import gzip

import pytest

from .salesforce import INGEST, refusal, rows

TWO = "LastName,External_Id__c\nAmber,N-1\nBirch,N-2\n"
THREE = "LastName,External_Id__c\nAmber,N-1\n,N-2\nCedar,N-3\n"


def test_a_new_job_is_open_and_tells_where_its_data_go(org):
    made = org.api.post(INGEST, json={"object": "contact", "operation": "insert", "externalIdFieldName": ""})

    job = made.json()
    assert made.status_code == 200
    assert (job["state"], job["object"], job["apiVersion"], job["concurrencyMode"]) == (
        "Open",
        "Contact",
        61,
        "Parallel",
    )
    assert job["contentUrl"] == f"services/data/v61.0/jobs/ingest/{job['id']}/batches"
    assert (job["lineEnding"], job["columnDelimiter"], job["contentType"]) == ("LF", "COMMA", "CSV")
    assert '"apiVersion":61.0' in made.text
    assert job["createdDate"].endswith("+0000")
    assert not {"jobType", "numberRecordsProcessed", "externalIdFieldName"} & set(job)


def test_each_answer_carries_the_fields_that_it_should(org):
    job = org.open(operation="upsert", externalIdFieldName="External_Id__c", assignmentRuleId="01Q9Q0000000001AAA")

    open_ = org.look(job)
    org.fill(job, TWO)
    closed = org.good(org.close(job))
    ended = org.ended(job)

    assert {"contentUrl", "lineEnding", "jobType", "retries"} <= set(open_)
    assert not {"contentUrl", "lineEnding", "columnDelimiter", "jobType"} & set(closed)
    assert "contentUrl" not in ended
    assert (ended["jobType"], ended["numberRecordsProcessed"], ended["numberRecordsFailed"]) == ("V2Ingest", 2, 0)
    assert (ended["externalIdFieldName"], ended["assignmentRuleId"]) == ("External_Id__c", "01Q9Q0000000001AAA")


def test_a_job_goes_through_its_states_with_the_clock(sandbox, org):
    sandbox.switch(sf_speed=1, sf_start_after=5)
    job = org.sent(TWO)

    seen = [org.look(job)]
    for step in (5, 1, 1, 0):
        sandbox.control("clock", advance=step)
        seen.append(org.look(job))

    assert [each["state"] for each in seen] == [
        "UploadComplete",
        "InProgress",
        "InProgress",
        "JobComplete",
        "JobComplete",
    ]
    assert [each["numberRecordsProcessed"] for each in seen] == [0, 0, 1, 2, 2]


def test_both_lengths_of_an_id_name_the_same_job(org):
    job = org.open()

    assert org.look(job[:-3])["id"] == org.look(job)["id"] == job.rpartition("/")[2]
    assert refusal(org.api.get(job[:-1] + "9")) == (404, "NOT_FOUND")


def test_the_last_word_of_a_path_may_be_written_in_any_case(org):
    job = org.loaded(TWO)

    answers = [org.api.get(f"{job}/{name}") for name in ("successfulResults/", "unprocessedRecords", "failedresults")]

    assert [answer.status_code for answer in answers] == [200, 200, 200]


def test_the_three_files_part_the_upload(org):
    job = org.loaded(THREE)

    good, bad = org.api.get(f"{job}/successfulResults"), org.api.get(f"{job}/failedResults")

    assert good.text.startswith('"sf__Id","sf__Created",LastName,External_Id__c\n"003')
    assert {row["External_Id__c"] for row in rows(good)} == {"N-1", "N-3"}
    assert bad.text == (
        '"sf__Id","sf__Error",LastName,External_Id__c\n'
        '"","REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --","","N-2"\n'
    )
    assert org.api.get(f"{job}/unprocessedrecords").text == "LastName,External_Id__c\n"


def test_results_are_not_in_the_order_of_the_upload(sandbox, org):
    upload = "LastName,External_Id__c\n" + "".join(f"Row,N-{n}\n" for n in range(50))

    shuffled = [row["External_Id__c"] for row in org.file(org.loaded(upload), "successfulResults")]
    sandbox.switch(sf_shuffle=0)
    ordered = org.file(org.loaded(upload.replace("N-", "M-")), "successfulResults")

    assert shuffled != sorted(shuffled, key=lambda key: int(key[2:]))
    assert sorted(shuffled) == sorted(f"N-{n}" for n in range(50))
    assert [row["External_Id__c"] for row in ordered] == [f"M-{n}" for n in range(50)]


def test_an_upload_without_rows_completes_with_headers_only(sandbox, org):
    job = org.loaded("LastName\n")

    bare = org.api.get(f"{job}/successfulResults")
    sandbox.switch(sf_empty_204=True)

    assert (bare.status_code, bare.text) == (200, '"sf__Id","sf__Created",LastName\n')
    assert org.api.get(f"{job}/successfulResults").status_code == 204


def test_a_second_upload_poisons_the_job(org):
    job = org.open()

    codes = [org.fill(job, TWO).status_code for _ in range(2)]
    refused = org.close(job)

    assert codes == [201, 201]
    assert refusal(refused) == (400, "INVALIDJOB")
    assert "Found multipe contents for job: <750" in refused.json()[0]["message"]
    assert org.good(org.abort(job))["state"] == "Aborted"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"operation": "merge"}, "INVALIDJOB"),
        ({"operation": "Insert"}, "INVALIDJOB"),
        ({"operation": "upsert"}, "INVALIDJOB"),
        ({"operation": "upsert", "externalIdFieldName": "Colour__c"}, "INVALIDJOB"),
        ({"contentType": "XML"}, "INVALIDJOB"),
        ({"columnDelimiter": "SPACE"}, "INVALIDJOB"),
        ({"lineEnding": "CR"}, "INVALIDJOB"),
        ({"object": "Nothing__c"}, "INVALIDENTITY"),
        ({"object": "TaskStatus"}, "INVALIDENTITY"),
    ],
)
def test_a_job_that_could_not_run_is_not_made(org, fields, code):
    body = {"object": "Contact", "operation": "insert", **fields}

    assert refusal(org.api.post(INGEST, json=body)) == (400, code)


def test_hard_delete_needs_a_permission(sandbox, org):
    sandbox.switch(sf_hard_delete=False)

    refused = org.api.post(INGEST, json={"object": "Contact", "operation": "hardDelete"})

    assert refusal(refused) == (400, "FEATURENOTENABLED")


def test_what_a_state_does_not_allow_is_refused(org):
    open_, done = org.open(), org.loaded(TWO)

    refused = [
        org.api.get(f"{open_}/successfulResults"),
        org.api.delete(open_),
        org.fill(done, TWO),
        org.close(done),
        org.abort(done),
        org.api.patch(open_, json={"state": "JobComplete"}),
    ]

    assert [refusal(answer) for answer in refused] == [(400, "INVALIDJOBSTATE")] * 6
    assert refused[3].json()[0]["message"] == "Closing already Completed Job not allowed"
    assert refused[4].json()[0]["message"] == "Aborting already Completed Job not allowed"


def test_a_deleted_job_is_gone(org):
    job = org.loaded(TWO)

    deleted = org.api.delete(job)

    assert (deleted.status_code, deleted.content) == (204, b"")
    assert refusal(org.api.get(job)) == (404, "NOT_FOUND")


def test_an_aborted_job_keeps_what_it_did_and_shows_the_rest(sandbox, org):
    sandbox.switch(sf_speed=1)
    job = org.sent(THREE)
    org.look(job)
    sandbox.control("clock", advance=2)
    org.look(job)

    org.good(org.abort(job))

    assert (len(org.file(job, "successfulResults")), len(org.file(job, "failedResults"))) == (1, 1)
    assert org.api.get(f"{job}/unprocessedrecords").text == "LastName,External_Id__c\nCedar,N-3\n"
    assert org.counted("SELECT COUNT() FROM Contact WHERE LastName = 'Amber'") == 1


def test_a_job_can_fail_after_some_rows(sandbox, org):
    sandbox.switch(sf_fail_after=2)

    job = org.sent(THREE)
    ended = org.ended(job)

    assert (ended["state"], ended["numberRecordsProcessed"]) == ("Failed", 2)
    assert ended["errorMessage"].startswith("TooManyLockFailure")
    assert [row["External_Id__c"] for row in org.file(job, "unprocessedRecords")] == ["N-3"]


def test_ended_jobs_vanish_after_a_week_and_open_ones_are_closed_after_a_day(sandbox, org):
    done, open_ = org.loaded(TWO), org.open()

    sandbox.control("clock", advance=86_400)
    closed = org.look(open_)["state"]
    sandbox.control("clock", advance=6 * 86_400)

    assert closed == "Aborted"
    assert org.api.get(done).status_code == 404
    assert org.api.get(open_).status_code == 200


def test_a_small_job_may_come_in_one_form(org):
    form = {"job": (None, '{"object":"Contact","operation":"insert"}', "application/json")}
    form["content"] = ("content", TWO, "text/csv")

    made = org.api.post(INGEST, files=form)
    ended = org.ended(f"{INGEST}/{made.json()['id']}")

    assert made.json()["state"] == "UploadComplete"
    assert (ended["state"], ended["numberRecordsProcessed"]) == ("JobComplete", 2)


def test_a_form_is_small(org):
    form = {"job": (None, '{"object":"Contact","operation":"insert"}', "application/json")}
    form["content"] = ("content", "LastName\n" + "A\n" * 50_000, "text/csv")

    assert refusal(org.api.post(INGEST, files=form)) == (400, "CLIENTINPUTERROR")


def test_an_upload_has_a_size_and_may_be_packed(sandbox, org):
    job, large = org.open(), org.open()
    sandbox.switch(sf_upload_bytes=60)

    packed = org.api.put(f"{job}/batches", content=gzip.compress(TWO.encode()), headers={"content-encoding": "gzip"})
    refused = org.fill(large, TWO + "Dogwood,N-4\n")
    org.good(org.close(job))

    assert packed.status_code == 201
    assert refusal(refused) == (400, "CLIENTINPUTERROR")
    assert org.ended(job)["numberRecordsProcessed"] == 2


def test_the_daily_allowance_of_rows_stops_a_job(sandbox, org):
    sandbox.switch(sf_records=2)

    job = org.sent(THREE)
    ended = org.ended(job)

    assert (ended["state"], ended["numberRecordsProcessed"]) == ("Failed", 2)
    assert ended["errorMessage"].startswith("ExceededQuota")
    assert [row["External_Id__c"] for row in org.file(job, "unprocessedrecords")] == ["N-3"]


def test_the_daily_allowance_of_batches_is_counted_by_ten_thousand_rows(sandbox, org):
    sandbox.switch(sf_batches=2, sf_batch_rows=2)
    org.loaded(THREE)

    refused = org.api.post(INGEST, json={"object": "Contact", "operation": "insert"})
    sandbox.control("clock", advance=86_400)

    assert refusal(refused) == (400, "EXCEEDEDQUOTA")
    assert org.open()


def test_a_job_belongs_to_its_user(sandbox, org):
    job = org.open()
    sandbox.control("tokens", vendor="salesforce", add="theirs", user="nightly")
    theirs = {"authorization": "Bearer theirs"}

    filled = org.api.put(f"{job}/batches", content=TWO, headers=theirs)
    seen = org.api.get(job, headers=theirs)
    sandbox.switch(sf_sees_all=False)

    assert refusal(filled) == (400, "INVALIDUSER")
    assert seen.status_code == 200
    assert refusal(org.api.get(job, headers=theirs)) == (404, "NOT_FOUND")


def test_the_stats_count_what_was_released_twice(sandbox, org):
    for _ in range(2):
        org.loaded(TWO)

    counted = sandbox.stats()["salesforce"]["ingest"]

    assert (counted["released"], counted["released_twice"], counted["processed"]) == (2, 1, 4)
    assert [(job["puts"], job["bytes"]) for job in counted["jobs"]] == [(1, len(TWO))] * 2
