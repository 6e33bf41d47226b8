"""Faults strike the requests they are ordered for, before the effect, after it, or in its middle."""

import time

import httpx
import pytest

from .conftest import person

CREATE = {"path": "^/v2/bulk_jobs$", "method": "POST"}


def created(sandbox):
    return sandbox.stats()["salesloft"]["bulk"]["created"]


@pytest.mark.parametrize(("moment", "effects"), [("before", 0), ("after", 1)])
def test_a_cut_connection_leaves_no_answer_and_the_effect_only_if_it_came_after(sandbox, moment, effects):
    sandbox.order({"cut": moment}, **CREATE)

    with pytest.raises(httpx.RemoteProtocolError):
        sandbox.api.post("/v2/bulk_jobs", json={"type": "person/upsert"})

    assert created(sandbox) == effects
    assert sandbox.stats()["statuses"] == {"0": 1}


def test_an_answer_can_break_off_in_its_middle(sandbox):
    sandbox.order({"cut": "body"}, path="^/v2/people")

    with pytest.raises(httpx.RemoteProtocolError):
        sandbox.api.get("/v2/people")

    assert len(sandbox.data("/v2/people")) == 25


@pytest.mark.parametrize(("moment", "effects"), [("before", 0), ("after", 1)])
def test_a_bad_gateway_speaks_no_json_and_may_hide_an_effect(sandbox, moment, effects):
    sandbox.order({"status": 502, "when": moment}, **CREATE)

    answer = sandbox.api.post("/v2/bulk_jobs", json={"type": "person/upsert"})

    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html")
    assert created(sandbox) == effects


@pytest.mark.parametrize("pause", [None, 7, "Wed, 21 Oct 2030 07:28:00 GMT"])
def test_a_429_comes_with_any_retry_after_or_none(sandbox, pause):
    sandbox.order({"status": 429, "retry_after": pause}, path="/v2/me")

    answer = sandbox.api.get("/v2/me.json")

    assert answer.status_code == 429
    assert answer.headers.get("retry-after") == (None if pause is None else str(pause))
    assert sandbox.stats()["refusals"] == 0


def test_an_order_waits_for_its_turn_and_strikes_as_often_as_it_says(sandbox):
    sandbox.order({"status": 401}, path="/v2/people", after=1, times=2)

    seen = [sandbox.api.get("/v2/people").status_code for _ in range(5)]

    assert seen == [200, 401, 401, 200, 200]


def test_orders_strike_one_after_the_other(sandbox):
    sandbox.order({"status": 500})
    sandbox.order({"status": 503})

    seen = [sandbox.api.get("/v2/me.json").status_code for _ in range(3)]

    assert seen == [500, 503, 200]


def test_a_known_job_vanishes_for_another_token(sandbox):
    path = sandbox.job(person(1))
    sandbox.control("tokens", add="other")
    sandbox.control("faults", match={"token": "other", "path": "/bulk_jobs/"}, fault={"status": 404}, times=None)

    hidden = sandbox.api.get(path, headers={"authorization": "Bearer other"})

    assert (hidden.status_code, hidden.json()) == (404, {"error": "Resource not found"})
    assert sandbox.data(path)["total"] == 1


def test_a_late_request_takes_effect_after_its_caller_has_gone(sandbox):
    sandbox.order({"delay": 0.3}, **CREATE)

    with pytest.raises(httpx.ReadTimeout):
        sandbox.api.post("/v2/bulk_jobs", json={"type": "person/upsert"}, timeout=0.05)
    looked = created(sandbox)
    deadline = time.monotonic() + 10
    while created(sandbox) == 0 and time.monotonic() < deadline:
        continue

    assert (looked, created(sandbox)) == (0, 1)


def test_an_ignored_cursor_gives_the_first_page_again(sandbox):
    path = sandbox.job(*(person(n) for n in range(60)), release=False)
    first = sandbox.data(f"{path}/job_data")
    sandbox.order({"ignore_filters": True}, path="job_data")

    again = sandbox.data(f"{path}/job_data", **{"id[gt]": first[-1]["id"]})

    assert again == first


def test_rows_before_the_cursor_can_be_sent_again(sandbox):
    path = sandbox.job(*(person(n) for n in range(60)), release=False)
    first = sandbox.data(f"{path}/job_data")
    sandbox.order({"overlap": 2}, path="job_data")

    second = sandbox.data(f"{path}/job_data", **{"id[gt]": first[-1]["id"]})

    assert second[:2] == first[-2:]


def test_retried_rows_are_handled_last(sandbox):
    sandbox.switch(speed=1)
    sandbox.order({"retrying": 1}, method="PUT")
    path = sandbox.job(person(1), person(2), person(3))

    sandbox.control("clock", advance=2)
    midway = [row["status"] for row in sandbox.data(f"{path}/job_data")]
    sandbox.control("clock", advance=1)

    assert midway == ["retrying", "success", "success"]
    assert [row["status"] for row in sandbox.data(f"{path}/results")] == ["success"] * 3


def test_a_job_can_be_in_a_state_that_nobody_knows(sandbox):
    path = sandbox.job(person(1))
    sandbox.order({"state_word": "paused_by_moon"}, path="bulk_jobs/")

    assert [sandbox.data(path)["state"] for _ in range(2)] == ["paused_by_moon", "executing"]


def test_counts_and_rows_can_fall_short(sandbox):
    path = sandbox.job(release=False)
    sandbox.order({"drop_rows": 1}, path="job_data")
    sandbox.order({"miscount": 3}, path="include_paging_counts")

    taken = sandbox.api.post(f"{path}/job_data", json={"data": [person(1), person(2)]}).json()
    counted = sandbox.api.get("/v2/people?include_paging_counts=true").json()

    assert taken == {"data": {"records": 1}}
    assert sandbox.data(path)["total"] == 1
    assert counted["metadata"]["paging"]["total_count"] == 247


def test_another_integration_can_eat_the_points_right_before_a_request(sandbox):
    sandbox.order({"eat": 600})

    assert sandbox.api.get("/v2/me.json").status_code == 429


def test_pages_can_come_upside_down(sandbox):
    sandbox.switch(descending_pages=True)
    path = sandbox.job(*(person(n) for n in range(3)), release=False)

    ids = [row["id"] for row in sandbox.data(f"{path}/job_data")]

    assert ids == sorted(ids, reverse=True)


def test_a_misspelled_fault_is_refused_by_name(sandbox):
    refused = sandbox.api.post("/_sandbox/faults", json={"fault": {"statuss": 500}})
    switch = sandbox.api.patch("/_sandbox/options", json={"sped": 1})

    assert refused.status_code == 422
    assert "statuss" in refused.text
    assert "sped" in switch.text
