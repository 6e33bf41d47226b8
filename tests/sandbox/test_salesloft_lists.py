"""The page-numbered lists, by the fact sheet."""

import pytest


def test_a_list_shows_25_of_its_newest_records_unless_it_is_told_otherwise(sandbox):
    answer = sandbox.api.get("/v2/people.json").json()

    times = [record["updated_at"] for record in answer["data"]]
    assert len(times) == 25
    assert times == sorted(times, reverse=True)
    assert answer["metadata"] == {
        "filtering": {},
        "paging": {"per_page": 25, "current_page": 1, "next_page": 2, "prev_page": None},
        "sorting": {"sort_by": "updated_at", "sort_direction": "DESC NULLS LAST"},
    }


@pytest.mark.parametrize("path", ["/v2/people", "/v2/people.json"])
def test_the_ending_of_a_list_path_may_be_left_out(sandbox, path):
    assert len(sandbox.data(path, per_page=3)) == 3


def test_pages_together_hold_each_record_once(sandbox):
    pages = [sandbox.data("/v2/people", page=page, per_page=100) for page in (1, 2, 3, 4)]

    ids = [record["id"] for page in pages for record in page]
    assert [len(page) for page in pages] == [100, 100, 50, 0]
    assert sorted(ids) == list(range(1, 251))


def test_counts_come_only_when_asked_for(sandbox):
    counted = sandbox.api.get("/v2/people", params={"include_paging_counts": "true", "per_page": 100}).json()

    assert counted["metadata"]["paging"]["total_count"] == 250
    assert counted["metadata"]["paging"]["total_pages"] == 3


def test_numbers_out_of_range_are_corrected_and_echoed(sandbox):
    paging = sandbox.api.get("/v2/people", params={"page": -3, "per_page": 1000}).json()["metadata"]["paging"]

    assert (paging["current_page"], paging["per_page"]) == (1, 100)


def test_a_walk_by_updated_at_reads_everything_once(started):
    sandbox = started(people=230)
    at, ids = "2000-01-01T00:00:00Z", []

    while page := sandbox.data(
        "/v2/people", per_page=100, sort_by="updated_at", sort_direction="ASC", **{"updated_at[gt]": at}
    ):
        ids += [record["id"] for record in page]
        at = page[-1]["updated_at"]

    assert ids == list(range(1, 231))


def test_updated_at_is_compared_to_the_microsecond(sandbox):
    at = sandbox.data("/v2/people", sort_direction="ASC", per_page=1)[0]["updated_at"]
    before = at.replace("118240Z", "118239Z")

    def count(**query):
        return len(sandbox.data("/v2/people", per_page=100, **query))

    assert count(**{"updated_at[lte]": at}) == 1
    assert count(**{"updated_at[lt]": at}) == 0
    assert count(**{"updated_at[gte]": at, "updated_at[lte]": at}) == 1
    assert count(**{"updated_at[gt]": before, "updated_at[lte]": at}) == 1
    assert count(**{"updated_at[gt]": at, "updated_at[lte]": at}) == 0


def test_many_records_may_share_one_instant(started):
    sandbox = started(people=500, ties=250)

    query = {"sort_direction": "ASC", "per_page": 100, "updated_at[lte]": "2024-01-01T00:00:00.118240Z"}
    pages = [sandbox.data("/v2/people", page=page, **query) for page in (1, 2, 3)]

    assert [record["id"] for page in pages for record in page] == list(range(1, 251))
    assert {record["updated_at"] for page in pages for record in page} == {"2024-01-01T00:00:00.118240Z"}


def test_times_may_come_with_an_offset_and_without_a_fraction(started):
    sandbox = started(people=4, mixed_times=True)

    times = [record["updated_at"] for record in sandbox.data("/v2/people", sort_direction="ASC")]

    assert times[0] == "2024-01-01T00:00:00.118240Z"
    assert times[1].endswith("-05:00")


@pytest.mark.parametrize("spelling", ["ids=3,5", "ids[]=3&ids[]=5", "ids=3&ids=5&ids=900"])
def test_records_are_picked_by_ids_in_three_spellings(sandbox, spelling):
    found = sandbox.api.get(f"/v2/people.json?{spelling}").json()["data"]

    assert sorted(record["id"] for record in found) == [3, 5]


def test_an_unknown_filter_is_ignored_and_an_understood_one_is_echoed(sandbox):
    answer = sandbox.api.get("/v2/people", params={"updatedat[gt]": "2030-01-01", "email_addresses": "nobody@x.test"})

    assert answer.json()["data"] == []
    assert answer.json()["metadata"]["filtering"] == {"email_addresses": ["nobody@x.test"]}


@pytest.mark.parametrize("path", ["custom_fields", "tasks", "users", "steps"])
def test_a_list_without_a_time_filter_ignores_it(sandbox, path):
    assert len(sandbox.data(f"/v2/{path}.json", **{"updated_at[gt]": "2030-01-01T00:00:00Z"})) == 20


@pytest.mark.parametrize(
    ("path", "key"), [("tasks", "due_date"), ("tags", "name"), ("cadence_memberships", "added_at")]
)
def test_each_list_has_sort_keys_of_its_own(sandbox, path, key):
    sorted_by_it = sandbox.api.get(f"/v2/{path}.json", params={"sort_by": key})
    people = sandbox.api.get("/v2/people.json", params={"sort_by": "due_date"})

    assert sorted_by_it.json()["metadata"]["sorting"]["sort_by"] == key
    assert people.status_code == 422


def test_groups_know_no_pages(started):
    sandbox = started(others=140)

    groups = sandbox.api.get("/v2/groups.json", params={"page": 2, "per_page": 10}).json()

    assert len(groups["data"]) == 140
    assert "paging" not in groups["metadata"]


@pytest.mark.parametrize("query", [{"sort_by": "shoe_size"}, {"sort_direction": "UP"}, {"updated_at[gt]": "yesterday"}])
def test_a_bad_sort_key_and_a_bad_filter_value_are_refused(sandbox, query):
    refused = sandbox.api.get("/v2/people", params=query)

    assert refused.status_code == 422
    assert list(refused.json()["errors"]) == [next(iter(query)).partition("[")[0]]


def test_users_come_all_at_once_unless_a_page_is_named(started):
    sandbox = started(others=140)

    whole = sandbox.api.get("/v2/users.json").json()
    paged = sandbox.api.get("/v2/users.json", params={"page": 1}).json()

    assert len(whole["data"]) == 140
    assert "paging" not in whole["metadata"]
    assert len(paged["data"]) == 25


def test_one_record_is_read_by_id_and_an_unknown_one_is_a_404(sandbox):
    assert sandbox.data("/v2/people/7.json")["id"] == 7
    assert sandbox.api.get("/v2/people/900000.json").json() == {"error": "Resource not found"}
    assert sandbox.api.get("/v2/robots.json").status_code == 404


def test_me_names_the_user_and_the_team(sandbox):
    me = sandbox.data("/v2/me.json")

    assert me["email"] == "user-1@team.test"
    assert me["team"]["name"] == "Sandbox team"


def test_a_record_changed_in_mid_walk_moves_to_the_end_of_the_order(sandbox):
    job = sandbox.job({"upsert_key": "id", "id": 1, "title": "Moved"})
    sandbox.control("clock", advance=60)

    order = sandbox.data("/v2/people", sort_by="updated_at", sort_direction="DESC")

    assert sandbox.data(job)["state"] == "done"
    assert (order[0]["id"], order[1]["id"]) == (1, 250)


def test_more_records_can_be_planted(sandbox):
    record = {"id": 5_000_000_000, "email_address": "big@row.test", "updated_at": "2025-02-02T00:00:00.000001Z"}

    sandbox.control("seed", lists={"people": 10}, records={"people": [record]}, ties=10)

    found = sandbox.data("/v2/people", **{"updated_at[gte]": "2025-02-02T00:00:00.000001Z"})
    assert [each["id"] for each in found] == [5_000_000_000]
    assert len(sandbox.api.get("/_sandbox/people").json()["data"]) == 261
