"""Faults on order strike the imitated Salesforce as they strike the others."""

import httpx
import pytest

from .salesforce import INGEST, QUERY, refusal, rows

TWO = "LastName,External_Id__c\nAmber,N-1\nBirch,N-2\n"
CALLS = {
    "create": ("POST", "/jobs/ingest$"),
    "fill": ("PUT", "/batches$"),
    "close": ("PATCH", "/jobs/ingest/750"),
}


def made(sandbox):
    return sandbox.stats()["salesforce"]["ingest"]["jobs"]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("moment", "effect"), [("before", False), ("after", True)])
def test_a_lost_answer_hides_whether_there_was_an_effect(sandbox, org, call, moment, effect):
    job = org.open() if call != "create" else ""
    method, path = CALLS[call]
    sandbox.order({"cut": moment}, path=path, method=method)
    calls = {
        "create": lambda: org.open(),
        "fill": lambda: org.fill(job, TWO),
        "close": lambda: org.close(job),
    }

    with pytest.raises(httpx.RemoteProtocolError):
        calls[call]()

    effects = {
        "create": bool(made(sandbox)),
        "fill": any(each["puts"] for each in made(sandbox)),
        "close": any(each["released"] for each in made(sandbox)),
    }
    assert effects[call] is effect


def test_a_bad_gateway_after_the_effect_speaks_no_json(sandbox, org):
    sandbox.order({"status": 503, "when": "after"}, path="/jobs/ingest$", method="POST")

    answer = org.api.post(INGEST, json={"object": "Contact", "operation": "insert"})

    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html")
    assert len(made(sandbox)) == 1


def test_a_result_breaks_off_in_its_middle_and_is_whole_the_next_time(sandbox, org):
    job = org.loaded(TWO)
    sandbox.order({"cut": "body"}, path="/successfulResults")

    with pytest.raises(httpx.RemoteProtocolError):
        org.api.get(f"{job}/successfulResults")

    assert len(org.file(job, "successfulResults")) == 2


def test_a_session_ends_in_the_middle_of_a_walk_and_the_locator_outlives_it(sandbox, org):
    job = org.asked("SELECT Id FROM Contact")
    org.ended(job)
    locator = org.api.get(f"{job}/results?maxRecords=100").headers["sforce-locator"]
    sandbox.control("tokens", vendor="salesforce", revoke="*", add="fresh")

    path, params = f"{job}/results", {"locator": locator, "maxRecords": 100}
    old = org.api.get(path, params=params)
    new = org.api.get(path, params=params, headers={"authorization": "Bearer fresh"})

    assert refusal(old) == (401, "INVALID_SESSION_ID")
    assert len(rows(new)) == 100


def test_a_state_may_be_told_in_a_word_nobody_knows(sandbox, org):
    job = org.loaded(TWO)
    sandbox.order({"state_word": "Hibernating"}, path="/jobs/ingest/750")

    assert org.look(job)["state"] == "Hibernating"
    assert org.look(job)["state"] == "JobComplete"


def test_a_set_may_hold_fewer_rows_than_it_says_or_rows_again(sandbox, org):
    job = org.asked("SELECT Id FROM Contact")
    org.ended(job)
    sandbox.order({"drop_rows": 3}, path="/results")
    sandbox.order({"miscount": 3}, path="/results")

    short, miscounted = (org.api.get(f"{job}/results") for _ in range(2))

    assert (len(rows(short)), short.headers["sforce-numberofrecords"]) == (247, "250")
    assert (len(rows(miscounted)), miscounted.headers["sforce-numberofrecords"]) == (250, "247")


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (403, '[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"ConcurrentPerOrgLongTxn Limit exceeded."}]', None),
        (404, None, "NOT_FOUND"),
        (403, None, "REQUEST_LIMIT_EXCEEDED"),
    ],
)
def test_ordered_refusals_speak_as_the_vendor_does(sandbox, org, status, body, code):
    sandbox.order({"status": status, "body": body}, path="/jobs/query")

    assert refusal(org.api.get(QUERY)) == (status, code or "REQUEST_LIMIT_EXCEEDED")


def test_rows_sent_twice_are_counted(sandbox, org):
    for _ in range(2):
        org.loaded("LastName\nAmber\n")

    assert sandbox.stats()["salesforce"]["ingest"]["rows_sent_twice"] == 1


def test_the_control_plane_shows_and_adds_records(sandbox, org):
    sandbox.control("salesforce", objects={"Lead": 5}, records={"Depot__c": [{"Name": "Quay", "Depot_Code__c": "Q"}]})

    shown = sandbox.api.get("/_sandbox/salesforce/Depot__c").json()["data"]
    unknown = sandbox.api.post("/_sandbox/salesforce", json={"records": {"Lead": [{"Colour__c": "red"}]}})

    assert [record["Name"] for record in shown] == ["Quay"]
    assert org.counted("SELECT COUNT() FROM Lead") == 25
    assert unknown.status_code == 422
