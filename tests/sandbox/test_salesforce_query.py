"""Query jobs of the imitated Salesforce, by the fact sheet: results set by set, and side by side."""

import pytest

from .salesforce import BASE, QUERY, refusal, rows

ALL = "SELECT Id, LastName, Email FROM Contact"


def walked(org, job, **query):
    """Read all sets of a job; return their records, set by set."""
    sets, locator = [], ""
    while locator != "null":
        answer = org.api.get(f"{job}/results", params={**query, **({"locator": locator} if locator else {})})
        sets.append(rows(answer))
        assert int(answer.headers["sforce-numberofrecords"]) == len(sets[-1])
        locator = answer.headers["sforce-locator"]
    return sets


def done(org, soql=ALL, **fields):
    job = org.asked(soql, **fields)
    assert org.ended(job)["state"] == "JobComplete"
    return job


def test_a_query_job_is_released_as_soon_as_it_is_made(org):
    made = org.api.post(QUERY, json={"operation": "query", "query": ALL}, headers={"accept": "text/csv"}).json()

    ended = org.ended(f"{QUERY}/{made['id']}")

    assert (made["state"], made["object"]) == ("UploadComplete", "Contact")
    assert not {"jobType", "contentUrl", "numberRecordsProcessed"} & set(made)
    assert (ended["jobType"], ended["numberRecordsProcessed"]) == ("V2Query", 250)
    assert "numberRecordsFailed" not in ended


def test_sets_together_hold_each_record_once(org):
    sets = walked(org, done(org), maxRecords=100)

    assert [len(each) for each in sets] == [100, 100, 50]
    assert len({record["Id"] for each in sets for record in each}) == 250


def test_a_locator_gives_the_same_rows_again(org):
    job = done(org)
    locator = org.api.get(f"{job}/results", params={"maxRecords": 100}).headers["sforce-locator"]

    again = [org.api.get(f"{job}/results", params={"maxRecords": 100, "locator": locator}).text for _ in range(2)]

    assert again[0] == again[1]


def test_an_empty_result_is_a_header_with_both_numbers(org):
    answer = org.api.get(f"{done(org, ALL + ' WHERE LastName = null')}/results")

    assert (answer.status_code, answer.text) == (200, '"Id","LastName","Email"\n')
    assert (answer.headers["sforce-numberofrecords"], answer.headers["sforce-locator"]) == ("0", "null")


def test_rows_come_in_any_order_unless_one_is_asked_for(sandbox, org):
    free = [record["Id"] for each in walked(org, done(org), maxRecords=100) for record in each]
    ordered = [record["Id"] for each in walked(org, done(org, ALL + " ORDER BY Id")) for record in each]

    assert free != ordered
    assert sorted(free) == ordered


def test_a_result_is_what_was_there_when_the_job_began(org):
    job = done(org, "SELECT Id FROM Contact")

    org.loaded("LastName\nLate\n")

    assert len(walked(org, job)[0]) == 250


def test_columns_came_by_the_alphabet_once(org):
    old = org.api.post("/services/data/v49.0/jobs/query", json={"operation": "query", "query": ALL}).json()
    path = f"/services/data/v49.0/jobs/query/{old['id']}"
    org.ended(path)

    assert org.api.get(f"{path}/results").text.startswith('"Email","Id","LastName"\n')
    assert org.api.get(f"{done(org)}/results").text.startswith('"Id","LastName","Email"\n')


def test_results_are_read_with_the_version_of_the_job(org):
    job = done(org)

    assert org.api.get(f"{job.replace('v61.0', 'v62.0')}/results").status_code == 409
    assert org.api.get(job.replace("v61.0", "v62.0")).status_code == 200


def test_query_all_shows_the_deleted(org):
    id_ = org.records("SELECT Id FROM Contact LIMIT 1")[0]["Id"]
    org.loaded(f"Id\n{id_}\n", operation="delete")

    job = done(org, "SELECT Id FROM Contact WHERE IsDeleted = true", operation="queryAll")

    assert walked(org, job) == [[{"Id": id_}]]
    assert walked(org, done(org, "SELECT Id FROM Contact WHERE IsDeleted = true")) == [[]]


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT Industry, COUNT(Id) FROM Account GROUP BY Industry", "API_ERROR"),
        ("SELECT COUNT() FROM Account", "API_ERROR"),
        ("SELECT Id FROM Account LIMIT 5 OFFSET 5", "API_ERROR"),
        ("SELECT TYPEOF Who WHEN Contact THEN LastName END FROM Task", "API_ERROR"),
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", "API_ERROR"),
        ("SELECT MailingAddress FROM Contact", "FUNCTIONALITY_NOT_ENABLED"),
        ("SELECT Id FROM TaskStatus", "INVALIDENTITY"),
        ("SELECT Id FROM Nothing__c", "INVALID_TYPE"),
        ("SELECT Colour__c FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FRM Contact", "MALFORMED_QUERY"),
    ],
)
def test_what_bulk_can_not_do_is_refused_before_there_is_a_job(org, soql, code):
    assert refusal(org.api.post(QUERY, json={"operation": "query", "query": soql})) == (400, code)


def test_results_are_there_when_the_job_is_done(sandbox, org):
    sandbox.switch(sf_speed=1)
    job = org.asked(ALL)

    early = [org.api.get(f"{job}/results"), org.api.delete(job)]
    org.good(org.abort(job))

    assert [refusal(answer) for answer in early] == [(400, "INVALIDJOBSTATE"), (400, "API_ERROR")]
    assert refusal(org.abort(job)) == (400, "INVALIDJOBSTATE")
    assert org.api.delete(job).status_code == 204
    assert org.api.get(job).status_code == 404


def test_a_query_can_fail(sandbox, org):
    sandbox.switch(sf_query_error="InternalServerError : Query timed out")

    ended = org.ended(org.asked(ALL))

    assert (ended["state"], ended["errorMessage"]) == ("Failed", "InternalServerError : Query timed out")


def test_the_day_has_so_many_query_jobs(sandbox, org):
    sandbox.switch(sf_query_jobs=1)
    org.asked(ALL)

    refused = org.api.post(QUERY, json={"operation": "query", "query": ALL})

    assert refusal(refused) == (400, "LIMIT_EXCEEDED")
    assert refused.json()[0]["message"] == "Max bulk v2 query jobs (1) per 24 hrs has been reached"


def test_a_locator_may_run_out_and_the_walk_starts_again(sandbox, org):
    sandbox.switch(sf_locator_seconds=60)
    job = done(org)
    locator = org.api.get(f"{job}/results", params={"maxRecords": 100}).headers["sforce-locator"]

    sandbox.control("clock", advance=60)
    late = org.api.get(f"{job}/results", params={"maxRecords": 100, "locator": locator})

    assert refusal(late) == (400, "INVALID_QUERY_LOCATOR")
    assert sum(len(each) for each in walked(org, job, maxRecords=100)) == 250


@pytest.mark.parametrize(
    ("shape", "key", "each", "start"),
    [
        ("resultPages", "resultPages", "resultUrl", BASE),
        ("resultChunks", "resultChunks", "resultLink", "/jobs/query/750"),
    ],
)
def test_links_to_all_sets_come_in_both_published_shapes(sandbox, org, shape, key, each, start):
    sandbox.switch(sf_pages=shape, sf_page_rows=20)
    job = done(org)
    links, address = [], f"{job}/resultPages"

    while address:
        body = org.good(org.api.get(address))
        links += [link[each] for link in body[key]]
        assert len(body[key]) <= 5
        assert body["done"] is (body["nextRecordsUrl"] is None)
        address = body["nextRecordsUrl"]

    read = [rows(org.api.get(link if link.startswith(BASE) else BASE + link)) for link in links]
    assert [len(page) for page in read] == [20] * 12 + [10]
    assert len({record["Id"] for page in read for record in page}) == 250
    assert all(link.startswith(start) for link in links)


@pytest.mark.parametrize(("style", "start"), [("absolute", "http://127.0.0.1"), ("path", BASE), ("version", "/jobs/")])
def test_links_start_in_any_way(sandbox, org, style, start):
    sandbox.switch(sf_links=style)

    [page] = org.good(org.api.get(f"{done(org)}/resultPages"))["resultPages"]

    assert page["resultUrl"].startswith(start)


def test_links_appear_while_the_job_runs(sandbox, org):
    sandbox.switch(sf_speed=10, sf_page_rows=50)
    job, seen, link = org.asked(ALL), [], ""

    for _ in range(6):
        body = org.good(org.api.get(f"{job}/resultPages"))
        seen.append((len(body["resultPages"]), body["done"], org.look(job)["state"]))
        link = link or next((page["resultUrl"] for page in body["resultPages"]), "")
        sandbox.control("clock", advance=6)

    assert [count for count, _, _ in seen] == [0, 1, 2, 3, 4, 5]
    assert [is_done for _, is_done, _ in seen] == [False] * 5 + [True]
    assert seen[1][2] == "InProgress"
    assert len(rows(org.api.get(link))) == 50


def test_an_unfinished_page_of_links_may_say_where_to_ask_again_or_not(sandbox, org):
    sandbox.switch(sf_speed=10, sf_page_rows=50)
    job = org.asked(ALL)
    org.look(job)
    sandbox.control("clock", advance=6)

    named = org.good(org.api.get(f"{job}/resultPages"))["nextRecordsUrl"]
    sandbox.switch(sf_next_while_short=False)
    unnamed = org.good(org.api.get(f"{job}/resultPages"))

    assert "resultpages?locator=" in named
    assert (unnamed["nextRecordsUrl"], unnamed["done"]) == (None, False)


@pytest.mark.parametrize("reason", ["an old version", "a preference"])
def test_links_are_not_everywhere(sandbox, org, reason):
    job = done(org)

    if reason == "a preference":
        sandbox.switch(sf_pages="")
    path = job if reason == "a preference" else job.replace("v61.0", "v57.0")

    assert refusal(org.api.get(f"{path}/resultPages")) == (404, "NOT_FOUND")


def test_a_result_of_any_size_is_made_while_it_is_read(sandbox, org):
    sandbox.switch(sf_crates=25_000)

    sets = walked(org, done(org, "SELECT Id, Name, Email__c FROM Crate__c LIMIT 24999"), maxRecords=9_999)

    records = [record for each in sets for record in each]
    assert [len(each) for each in sets] == [9_999, 9_999, 5_001]
    assert [record["Name"] for record in records] == [f"Crate {n:010d}" for n in range(1, 25_000)]
    assert len({record["Id"] for record in records}) == 24_999


def test_results_may_be_packed_or_hold_a_nul(sandbox, org):
    job = done(org, "SELECT Id, LastName FROM Contact ORDER BY Id")
    plain = org.api.get(f"{job}/results")
    sandbox.switch(sf_gzip=True)
    packed = org.api.get(f"{job}/results")
    sandbox.switch(sf_nul=True)
    broken = org.api.get(f"{job}/results")

    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.text == plain.text
    assert broken.text == plain.text[:-2] + '\0"\n'
