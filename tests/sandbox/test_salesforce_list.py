"""Get All Jobs of the imitated Salesforce: every parameter and field of the vendor's page."""

import pytest

from .salesforce import BASE, INGEST, QUERY, Org, refusal

FIELDS = {
    "apiVersion", "columnDelimiter", "concurrencyMode", "contentType", "createdById", "createdDate", "id", "jobType",
    "lineEnding", "object", "operation", "state", "systemModstamp",
}  # fmt: skip
TWO = "LastName\nAmber\nBirch\n"


@pytest.fixture
def crowded(started):
    """An org with a dozen jobs of other integrations."""
    return Org(started(sf_foreign_jobs=12, sf_speed=0))


def listed(org, path=INGEST, **query):
    """Follow a list to its end; return the records, page by page."""
    pages, address, params = [], path, query
    while address:
        body = org.good(org.api.get(address, params=params))
        assert body["done"] is (body["nextRecordsUrl"] is None)
        pages.append(body["records"])
        address, params = body["nextRecordsUrl"], None
    return pages


def kinds(pages):
    return {record["jobType"] for page in pages for record in page}


def test_a_record_has_every_field_of_the_page(org):
    open_, done = org.open(), org.loaded(TWO)

    [records] = listed(org)
    by_id = {f"{INGEST}/{record['id']}": record for record in records}

    assert set(by_id[done]) == FIELDS | {
        "numberRecordsProcessed", "numberRecordsFailed", "retries", "totalProcessingTime", "apiActiveProcessingTime",
        "apexProcessingTime",
    }  # fmt: skip
    assert by_id[open_]["contentUrl"].endswith("/batches")
    assert "numberRecordsProcessed" not in by_id[open_]
    assert by_id[open_]["retries"] == 0


@pytest.mark.parametrize("field", sorted({*FIELDS, "contentUrl"}))
def test_each_field_of_the_page_is_there_while_a_job_is_open(org, field):
    job = org.open()

    [[record]] = listed(org)

    assert record[field] == org.look(job)[field]
    assert record[field] not in (None, "")


@pytest.mark.parametrize("field", ["done", "records", "nextRecordsUrl"])
def test_each_field_of_the_list_is_there(sandbox, org, field):
    sandbox.switch(sf_list_page=1)
    org.open()
    org.open()

    first = org.good(org.api.get(INGEST))
    last = org.good(org.api.get(first["nextRecordsUrl"]))

    shown = {"done": (False, True), "records": (1, 1), "nextRecordsUrl": (str, type(None))}
    seen = {
        "done": (first["done"], last["done"]),
        "records": (len(first["records"]), len(last["records"])),
        "nextRecordsUrl": (type(first["nextRecordsUrl"]), type(last["nextRecordsUrl"])),
    }
    assert seen[field] == shown[field]


def test_the_list_is_read_page_by_page_to_the_end(sandbox, org):
    sandbox.switch(sf_list_page=3)
    made = {org.open().rpartition("/")[2] for _ in range(8)}

    pages = listed(org)

    assert [len(page) for page in pages] == [3, 3, 2]
    assert {record["id"] for page in pages for record in page} == made


def test_the_next_page_is_named_by_a_locator(sandbox, org):
    sandbox.switch(sf_list_page=1)
    org.open()
    org.open()

    first = org.good(org.api.get(INGEST))
    address, locator = first["nextRecordsUrl"].split("?queryLocator=")
    second = org.good(org.api.get(INGEST, params={"queryLocator": locator}))

    assert address == INGEST
    assert locator.startswith("01g")
    assert locator.endswith("-1")
    assert second["done"] is True
    assert refusal(org.api.get(INGEST, params={"queryLocator": "01g-9"})) == (400, "INVALID_QUERY_LOCATOR")


def test_the_list_keeps_its_jobs_while_it_is_read_but_not_the_deleted(sandbox, org):
    sandbox.switch(sf_list_page=2, sf_shuffle=0)
    jobs = [org.loaded(TWO) for _ in range(4)]

    first = org.good(org.api.get(INGEST))
    org.open()
    org.api.delete(jobs[2])
    second = org.good(org.api.get(first["nextRecordsUrl"]))

    assert [record["id"] for record in second["records"]] == [jobs[3].rpartition("/")[2]]
    assert second["done"] is True


def test_a_list_of_all_mixes_kinds_and_old_ones_lack_fields(crowded):
    pages = listed(crowded)
    classic = [record for record in pages[0] if record["jobType"] == "Classic"]

    assert kinds(pages) == {"V2Ingest", "Classic", "BigObjectIngest"}
    assert not any({"lineEnding", "columnDelimiter", "numberRecordsProcessed"} & set(record) for record in classic)
    assert len({record["createdById"] for record in pages[0]}) == 3


@pytest.mark.parametrize("kind", ["BigObjectIngest", "Classic", "V2Ingest"])
def test_the_list_shows_one_kind_if_told_so(crowded, kind):
    assert kinds(listed(crowded, jobType=kind)) == {kind}


def test_an_unknown_kind_is_refused(org):
    assert refusal(org.api.get(INGEST, params={"jobType": "V3Ingest"})) == (400, "INVALIDJOB")


def test_the_list_shows_jobs_with_pk_chunking_only_if_told_so(crowded):
    [chunked] = listed(crowded, isPkChunkingEnabled="true")
    [all_] = listed(crowded, isPkChunkingEnabled="false")

    assert kinds([chunked]) == {"Classic"}
    assert len(all_) == 9


def test_only_one_concurrency_mode_has_jobs(crowded):
    assert len(listed(crowded, concurrencyMode="Parallel")[0]) == 9
    assert listed(crowded, concurrencyMode="Serial") == [[]]


def test_the_list_of_queries_goes_on_at_the_other_path(sandbox, org):
    sandbox.switch(sf_list_page=1)
    jobs = {org.asked("SELECT Id FROM Contact").rpartition("/")[2] for _ in range(2)}

    first = org.good(org.api.get(QUERY))
    pages = listed(org, QUERY)

    assert first["nextRecordsUrl"].startswith(f"{BASE}/jobs/ingest?queryLocator=")
    assert {record["id"] for page in pages for record in page} == jobs
    assert kinds(pages) == {"V2Query"}


def test_a_look_at_the_list_is_a_look_at_each_job(org):
    job = org.sent(TWO)

    states = [listed(org)[0][0]["state"] for _ in range(3)]

    assert states == ["InProgress", "JobComplete", "JobComplete"]
    assert org.look(job)["numberRecordsProcessed"] == 2


def test_jobs_of_others_can_be_planted_and_each_touch_is_counted(sandbox, org):
    told = {"object": "Contact", "operation": "upsert", "state": "Open", "user": "", "age": 30}
    [id_] = sandbox.control("salesforce", jobs=[{**told, "externalIdFieldName": "External_Id__c"}])["jobs"]

    [[record]] = listed(org)
    touched = org.api.patch(f"{INGEST}/{id_}", json={"state": "Aborted"})

    assert (record["id"], record["state"], record["externalIdFieldName"]) == (id_, "Open", "External_Id__c")
    assert touched.status_code == 404
    assert sandbox.stats()["salesforce"]["jobs"]["foreign_writes"] == 1


def test_without_the_permission_the_list_shows_own_jobs_only(crowded):
    crowded.caller.switch(sf_sees_all=False)

    [records] = listed(crowded)

    assert len({record["createdById"] for record in records}) == 1
