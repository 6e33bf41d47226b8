"""Bulk jobs, by the fact sheet: the seven calls, what they refuse, how a job comes to its end."""

import pytest

from .conftest import person


def test_a_new_job_is_open_and_keeps_the_name_it_was_given(sandbox):
    made = sandbox.api.post("/v2/bulk_jobs", json={"type": "person/upsert", "name": "bulkhead:7"})

    job = made.json()["data"]
    assert made.status_code == 200
    assert (job["state"], job["name"], job["total"], job["ready_to_execute"]) == ("open", "bulkhead:7", 0, False)
    assert made.headers["x-ratelimit-endpoint-cost"] == "1"


def test_a_job_may_be_answered_with_201(sandbox):
    sandbox.switch(create_code=201)

    made = sandbox.api.post("/v2/bulk_jobs", json={"type": "person/upsert"})

    assert made.status_code == 201


def test_an_unknown_type_is_refused_by_field(sandbox):
    refused = sandbox.api.post("/v2/bulk_jobs", json={"type": "lead/insert"})

    assert refused.status_code == 422
    assert refused.json() == {"errors": {"type": ["is not a known bulk job type"]}}


def test_a_form_body_is_understood_like_json(sandbox):
    made = sandbox.api.post("/v2/bulk_jobs", data={"type": "person/upsert", "name": "form"}).json()["data"]
    path = f"/v2/bulk_jobs/{made['id']}"
    form = "data[][email_address]=a@row.test&data[][first_name]=A&data[][email_address]=b@row.test"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    filled = sandbox.api.post(f"{path}/job_data", content=form, headers=headers)
    released = sandbox.api.put(path, data={"ready_to_execute": "true"})

    assert filled.json() == {"data": {"records": 2}}
    assert released.json()["data"]["state"] == "executing"
    assert [row["record"] for row in sandbox.data(f"{path}/job_data")] == [
        {"email_address": "a@row.test", "first_name": "A"},
        {"email_address": "b@row.test"},
    ]


@pytest.mark.parametrize("count", [0, 5001])
def test_a_fill_holds_one_to_five_thousand_records(sandbox, count):
    path = sandbox.job(release=False)

    refused = sandbox.api.post(f"{path}/job_data", json={"data": [person(n) for n in range(count)]})

    assert refused.status_code == 422
    assert "data" in refused.json()["errors"]


@pytest.mark.parametrize("body", ['{"data": {"a": 1}}', '{"data": [1]}', "nonsense", "{}"])
def test_a_fill_that_is_no_array_of_objects_is_refused(sandbox, body):
    path = sandbox.job(release=False)

    refused = sandbox.api.post(f"{path}/job_data", content=body, headers={"content-type": "application/json"})

    assert refused.status_code == 422


def test_nothing_is_written_after_the_release(sandbox):
    path = sandbox.job(person(1))

    fill = sandbox.api.post(f"{path}/job_data", json={"data": [person(2)]})
    release = sandbox.api.put(path, json={"ready_to_execute": True})

    assert (fill.status_code, release.status_code) == (422, 422)
    assert release.json() == {"errors": {"ready_to_execute": ["can only change while the job is open"]}}


def test_the_total_of_an_open_job_may_stay_hidden_until_the_release(sandbox):
    sandbox.switch(total_while_open=False)
    path = sandbox.job(person(1), person(2), release=False)

    while_open = sandbox.data(path)["total"]
    released = sandbox.api.put(path, json={"ready_to_execute": True}).json()["data"]

    assert while_open == 0
    assert (released["state"], released["total"], released["processed"]) == ("executing", 2, 0)


def test_a_released_job_goes_on_with_the_clock_until_it_is_done(sandbox):
    sandbox.switch(speed=10)
    path = sandbox.job(*(person(n) for n in range(25)))

    seen = []
    for _ in range(4):
        job = sandbox.data(path)
        seen.append((job["state"], job["processed"]))
        sandbox.control("clock", advance=1)

    assert seen == [("executing", 0), ("executing", 10), ("executing", 20), ("done", 25)]
    assert sandbox.data(path)["finished_at"] is not None


def test_a_job_that_nobody_releases_stays_open_and_changes_nothing(sandbox):
    path = sandbox.job(person(1), release=False)

    sandbox.control("clock", advance=86_400)

    assert sandbox.data(path)["state"] == "open"
    assert sandbox.data("/v2/people", email_addresses="new-1@row.test") == []


def test_results_stay_empty_until_the_job_is_done(sandbox):
    sandbox.switch(speed=1)
    path = sandbox.job(person(1), person(2))

    sandbox.control("clock", advance=1)
    early = sandbox.data(f"{path}/results"), sandbox.data(f"{path}/job_data")
    sandbox.control("clock", advance=1)

    assert early[0] == []
    assert [row["status"] for row in early[1]] == ["success", "pending"]
    assert [row["status"] for row in sandbox.data(f"{path}/results")] == ["success", "success"]


def test_a_job_whose_every_row_failed_is_done_all_the_same(sandbox):
    path = sandbox.job({"upsert_key": "email_address", "first_name": "Nobody"}, person(1, email_address="no address"))

    sandbox.control("clock", advance=60)

    job, rows = sandbox.data(path), sandbox.data(f"{path}/results")
    assert (job["state"], job["total"], job["errors"]) == ("done", 2, 2)
    assert [row["error"] for row in rows] == ["email_address is missing", "email_address is invalid"]
    assert [row["resource"] for row in rows] == [{}, {}]


def test_the_record_of_a_result_is_the_input_byte_for_byte(sandbox):
    path = sandbox.job(release=False)
    record = '{"upsert_key":"email_address",  "email_address":"z@row.test", "custom_fields":{"n":1.50}}'
    sandbox.api.post(f"{path}/job_data", content=f'{{"data":[{record}]}}', headers={"content-type": "application/json"})

    body = sandbox.api.get(f"{path}/job_data").text

    assert f'"record":{record}' in body


def test_rows_are_walked_by_id_with_ids_that_rise_beyond_32_bits(sandbox):
    path = sandbox.job(*(person(n) for n in range(250)))
    sandbox.control("clock", advance=60)

    cursor, ids, sizes = 0, [], []
    while True:
        page = sandbox.data(f"{path}/results", **{"id[gt]": cursor, "per_page": 100})
        sizes.append(len(page))
        if not page:
            break
        ids += [row["id"] for row in page]
        cursor = ids[-1]

    assert sizes == [100, 100, 50, 0]
    assert ids == sorted(set(ids))
    assert ids[0] > 2**32


@pytest.mark.parametrize(("asked", "given"), [({}, 25), ({"per_page": 0}, 1), ({"per_page": 500}, 100)])
def test_the_page_size_is_corrected_into_1_to_100(sandbox, asked, given):
    path = sandbox.job(*(person(n) for n in range(120)))

    assert len(sandbox.data(f"{path}/job_data", **asked)) == given


@pytest.mark.parametrize(
    "query", ["status=error,pending", "status[]=error&status[]=pending", "status=error&status=pending"]
)
def test_several_statuses_can_be_asked_for_in_three_spellings(sandbox, query):
    sandbox.switch(speed=1)
    path = sandbox.job({"first_name": "Nobody"}, person(1), person(2))
    sandbox.control("clock", advance=2)

    rows = sandbox.api.get(f"{path}/job_data?{query}").json()["data"]

    assert [row["status"] for row in rows] == ["error", "pending"]


def test_a_status_that_does_not_exist_is_refused_and_a_filter_that_does_not_exist_is_ignored(sandbox):
    path = sandbox.job(person(1))

    refused = sandbox.api.get(f"{path}/job_data", params={"status": "finished"})
    ignored = sandbox.data(f"{path}/job_data", **{"id[ge]": 10**12})

    assert refused.status_code == 422
    assert len(ignored) == 1


def test_jobs_are_listed_by_state_and_cursor(sandbox):
    paths = [sandbox.job(person(n), release=n == 2) for n in range(3)]
    ids = [int(path.rpartition("/")[2]) for path in paths]

    open_ones = sandbox.data("/v2/bulk_jobs", state="open")
    both = sandbox.data("/v2/bulk_jobs", state="open,executing", **{"id[gt]": ids[0]})

    assert [job["id"] for job in open_ones] == ids[:2]
    assert [job["id"] for job in both] == ids[1:]


def test_an_upsert_creates_a_person_and_then_updates_it(sandbox):
    first = sandbox.job(person(1, title="Buyer", tags=["a"], account_id=3))
    sandbox.control("clock", advance=60)
    second = sandbox.job(person(1, title="Head of Buying"))
    sandbox.control("clock", advance=60)

    outcomes = [sandbox.data(f"{path}/results")[0]["resource"]["upsert_type"] for path in (first, second)]
    [found] = sandbox.data("/v2/people.json", email_addresses="new-1@row.test")
    assert outcomes == ["create", "update"]
    assert (found["title"], found["tags"], found["account"]["id"]) == ("Head of Buying", ["a"], 3)
    assert found["updated_at"] > found["created_at"]


@pytest.mark.parametrize(
    ("record", "error"),
    [
        ({"upsert_key": "phone", "phone": "1"}, "upsert_key is not included in the list"),
        ({"upsert_key": "id", "id": 10**9}, "id is not found"),
        ({"email_address": "tomas.quill.1@people.test"}, "email_address has already been taken"),
        (person(1, job_seniority="boss"), "job_seniority is not included in the list"),
        (person(1, tags="a;b"), "tags is invalid"),
        (person(1, crm_id="x" * 18), "crm_id_type must be salesforce"),
        (person(1, crm_id="x" * 15, crm_id_type="salesforce"), "crm_id must have 18 characters"),
    ],
)
def test_a_row_against_the_rules_ends_in_error(sandbox, record, error):
    path = sandbox.job(record)
    sandbox.control("clock", advance=60)

    [row] = sandbox.data(f"{path}/results")

    assert (row["status"], row["error"]) == ("error", error)


def test_a_crm_id_needs_the_scope_that_the_job_caught_when_it_was_made(sandbox):
    sandbox.switch(scopes=[])
    path = sandbox.job(person(1, crm_id="x" * 18, crm_id_type="salesforce"))
    sandbox.control("clock", advance=60)

    [row] = sandbox.data(f"{path}/results")

    assert row["error"] == "crm_id needs the scope person:set_crm_id"


def test_accounts_are_upserted_by_domain(sandbox):
    path = sandbox.job(
        {"upsert_key": "domain", "domain": "company-1.test", "name": "Renamed"},
        {"upsert_key": "domain", "domain": "brand.new"},
        type="account/upsert",
    )
    sandbox.control("clock", advance=60)

    rows = sandbox.data(f"{path}/results")

    assert [row["error"] for row in rows] == [None, "name is missing"]
    assert sandbox.data("/v2/accounts/1.json")["name"] == "Renamed"


def test_released_rows_that_equal_each_other_are_counted_as_doubles(sandbox):
    sandbox.job(person(1), person(2))
    sandbox.job(person(2), person(3))
    sandbox.job(person(3), release=False)

    bulk = sandbox.stats()["salesloft"]["bulk"]

    assert (bulk["created"], bulk["released"], bulk["rows_released"], bulk["duplicates"]) == (3, 2, 4, 1)
