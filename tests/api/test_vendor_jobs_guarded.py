"""What may be done to a vendor job through our API, by whom, and at what price."""

from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator.limits.limit import LimiterDown
from orchestrator.sandbox.faults import Fault, Match
from orchestrator.sandbox.options import Options
from orchestrator.sandbox.server import Running, running
from tests.api.kit import Served
from tests.api.vendor_job_kit import LIST, an_upload, marks, problem, remote_id, theirs


@pytest.fixture
def vendor() -> Iterator[Running]:
    """A sandbox of one test, with jobs of other integrations in its list."""
    with running(Options(people=0, rate=0, speed=0, sf_speed=0, sf_foreign_jobs=12)) as sandbox:
        yield sandbox


@pytest.mark.parametrize("state", ["Aborted", "UploadComplete"])
def test_a_vendor_job_of_a_live_job_is_not_touched(everywhere: Served, state: str) -> None:
    job = an_upload(everywhere, "salesforce")

    answer = everywhere.http.put(f"{LIST}/{remote_id(everywhere, job)}", json={"state": state})

    assert problem(answer)[:2] == (409, "vendor_job_in_use")
    assert everywhere.workshop.run(job).counts.accepted == 2


def test_a_foreign_job_is_stopped_if_an_admin_says_so_and_only_once(api: Served) -> None:
    api.connect("salesforce")
    id_ = theirs(api, "salesforce")

    stopped = api.http.put(f"{LIST}/{id_}", json={"state": "Aborted"})
    again = api.http.put(f"{LIST}/{id_}", json={"state": "Aborted"})

    assert (stopped.status_code, stopped.json()["state"], stopped.json()["id"]) == (200, "Aborted", id_)
    assert problem(again)[:2] == (409, "vendor_job_state")
    assert "Aborting already Completed Job not allowed" in again.json()["detail"]


def test_a_vendor_job_of_an_ended_job_may_be_stopped_but_never_released_from_outside(api: Served) -> None:
    job = an_upload(api, "salesforce")
    api.workshop.sandbox.world.order(Fault(status=403, body="[]", media="application/json"), Match(path="batches"))
    api.workshop.run(job)
    path = f"{LIST}/{remote_id(api, job)}"

    released, stopped = (api.http.put(path, json={"state": state}) for state in ("UploadComplete", "Aborted"))

    assert problem(released)[:2] == (409, "vendor_job_in_use")
    assert (stopped.status_code, stopped.json()["state"]) == (200, "Aborted")


@pytest.mark.parametrize(("provider", "state"), [("salesloft", "Aborted"), ("salesforce", "Closed")])
def test_a_state_that_the_vendor_does_not_have_is_refused(api: Served, provider: str, state: str) -> None:
    job = an_upload(api, provider)
    api.client.cancel(job.id)
    api.workshop.run(job)

    answer = api.http.put(f"/connections/{provider}/vendor-jobs/{remote_id(api, job)}", json={"state": state})

    assert answer.status_code in (409, 422)


def test_only_an_admin_moves_a_vendor_job(api: Served) -> None:
    job = an_upload(api, "salesforce")
    key = {"Authorization": f"Bearer {api.key_with('read', 'submit')}"}

    answer = api.http.put(f"{LIST}/{remote_id(api, job)}", json={"state": "Aborted"}, headers=key)

    assert problem(answer)[:2] == (403, "scope_missing")


@pytest.mark.parametrize("path", [LIST, f"{LIST}/750000000000000AAA"])
def test_another_tenant_finds_no_such_connection(api: Served, path: str) -> None:
    api.connect("salesforce")
    key = {"Authorization": f"Bearer {api.key_with('read', 'admin', tenant='other')}"}

    answers = [api.http.get(path, headers=key), api.http.put(f"{LIST}/x", json={"state": "Aborted"}, headers=key)]

    assert {problem(answer)[:2] for answer in answers} == {(404, "not_found")}
    assert api.workshop.routes == {}


def test_a_job_of_another_tenant_at_the_same_org_is_foreign_and_protected(api: Served) -> None:
    job = an_upload(api, "salesforce")
    admin = {"Authorization": f"Bearer {api.key_with('read', 'admin', tenant='other')}"}
    token = {"type": "bearer", "token": "sandbox-token"}
    theirs = {
        "name": "sf", "provider": "salesforce", "baseUrl": api.workshop.sandbox.url, "credentials": token,
        "limits": [{"kind": "rate", "amount": 600_000, "seconds": 60}],
    }  # fmt: skip
    api.http.post("/connections", json=theirs, headers=admin).raise_for_status()
    path = f"/connections/sf/vendor-jobs/{remote_id(api, job)}"

    seen, stopped = api.http.get(path, headers=admin), api.http.put(path, json={"state": "Aborted"}, headers=admin)

    assert seen.json()["bulkhead"] == {"mark": "foreign", "jobId": None}
    assert problem(stopped)[:2] == (409, "vendor_job_in_use")
    assert str(job.id) not in stopped.json()["detail"].replace(remote_id(api, job), "")


def test_a_provider_without_jobs_says_so(api: Served) -> None:
    api.connect("rest")

    assert problem(api.http.get("/connections/rest/vendor-jobs"))[:2] == (422, "no_vendor_jobs")


def test_each_call_is_paid_for_before_it_is_made(api: Served) -> None:
    api.connect("salesforce", limits=[{"kind": "quota", "amount": 2}])

    answers = [api.http.get(LIST) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert problem(answers[2])[1] == "throttled"
    assert int(answers[2].headers["Retry-After"]) > 3600
    assert sum(api.workshop.routes.values()) == 2
    assert sum(api.workshop.store.usage.of(1).values()) == 2


def test_a_pause_that_the_vendor_asked_for_is_kept_and_told(api: Served) -> None:
    api.connect("salesforce")
    api.workshop.sandbox.world.order(Fault(status=429, retry_after="60"), times=1)

    refused, again = api.http.get(LIST), api.http.get(LIST)

    assert [answer.status_code for answer in (refused, again)] == [429, 429]
    assert 0 < int(again.headers["Retry-After"]) <= 60
    assert sum(api.workshop.routes.values()) == 1


def test_without_the_limiter_no_call_is_made(api: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    api.connect("salesforce")

    def down(*_: Any, **__: Any) -> Any:
        raise LimiterDown("gone")

    monkeypatch.setattr(api.workshop.limiter, "acquire", down)
    answer = api.http.get(LIST)

    assert problem(answer)[:2] == (503, "limiter_down")
    assert answer.headers["Retry-After"]
    assert api.workshop.routes == {}


def test_credentials_that_are_no_longer_taken_need_a_person(api: Served) -> None:
    api.connect("salesforce", credentials={"type": "bearer", "token": "old"})

    assert problem(api.http.get(LIST))[:2] == (409, "reauthorize")


def test_an_outage_of_the_vendor_is_told_as_one(api: Served) -> None:
    api.connect("salesforce")
    api.workshop.sandbox.world.order(Fault(status=503))

    assert problem(api.http.get(LIST))[:2] == (502, "unreachable")


def test_the_parameters_are_in_the_published_description(api: Served) -> None:
    operation = api.http.get("/openapi.json").json()["paths"]["/connections/{name}/vendor-jobs"]["get"]

    named = {each["name"] for each in operation["parameters"] if each["in"] == "query"}

    assert named == {
        "isPkChunkingEnabled", "jobType", "concurrencyMode", "queryLocator", "state", "id[gt]", "per_page",
    }  # fmt: skip


def test_the_client_follows_the_list_and_shows_and_stops_one_job(api: Served) -> None:
    api.connect("salesforce")
    api.workshop.sandbox.world.change({"sf_list_page": 5})

    id_ = theirs(api, "salesforce")
    first = api.client.vendor_jobs("salesforce", isPkChunkingEnabled="false")
    second = api.client.next_vendor_jobs(first)
    stopped = api.client.move_vendor_job("salesforce", id_, "Aborted")

    assert second is not None
    assert len(marks([first["records"], second["records"]])) == 10
    assert api.client.vendor_job("salesforce", id_)["state"] == stopped["state"] == "Aborted"
