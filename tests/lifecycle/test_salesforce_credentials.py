"""Where an org lives, how old a token may be, and what becomes of jobs whose connection gets other credentials."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from orchestrator.job.criteria import Operation
from orchestrator.job.record import Job
from orchestrator.job.status import JobStatus, StopReason
from orchestrator.lifecycle.connections import Change
from orchestrator.sandbox.faults import Fault, Match
from orchestrator.sandbox.options import Options
from orchestrator.sandbox.server import Running, running
from orchestrator.store.connections import AuthState, Connection
from tests.lifecycle.workshop import Workshop

CLIENT = {"type": "oauth2_client", "clientId": "sandbox-client", "clientSecret": "sandbox-secret"}
TOKEN = r"oauth2/token"


@pytest.fixture
def options(options: Options) -> Options:
    """An org with a dozen jobs of other integrations, that shows each user its own jobs alone."""
    return replace(options, sf_speed=0, sf_foreign_jobs=12, sf_sees_all=False)


@pytest.fixture
def login() -> Iterator[Running]:
    """A server that gives tokens, and where no org lives."""
    with running(Options(people=0)) as server:
        yield server


def connection(workshop: Workshop) -> Connection:
    return workshop.store.connections.get(workshop.tenant.id, "salesforce")


def connect(workshop: Workshop, host: str = "", **wish: Any) -> str:
    settings = {"tokenEndpointHostname": host or workshop.sandbox.url} | wish.pop("settings", {})
    return workshop.connect("salesforce", credentials=CLIENT, settings=settings, **wish)


def an_upload(workshop: Workshop) -> Job:
    asked: dict[str, Any] = {"object_name": "Contact", "operation": Operation.INSERT, "external_id_field": None}
    return workshop.upload("salesforce", b"LastName\nAmber\nBirch\n", **asked)


def told(workshop: Workshop) -> Any:
    with workshop.sandbox.world.lock:
        return workshop.sandbox.world.salesforce.stats()


def grants(server: Running) -> int:
    with server.world.lock:
        return sum(server.world.salesforce.sessions.grants.values())


def becomes_another_user(workshop: Workshop) -> None:
    """Give the connection the token of a colleague, who may not see our user's jobs."""
    with workshop.sandbox.world.lock:
        workshop.sandbox.world.salesforce.sessions.add("colleague", "colleague")
    workshop.desk.change(workshop.tenant.id, "salesforce", Change(credentials={"type": "bearer", "token": "colleague"}))


def share_sessions(login: Running, org: Running) -> None:
    """Let the org take the tokens that the login server gives."""
    org.world.salesforce.sessions._sessions = login.world.salesforce.sessions._sessions


def test_an_org_is_found_by_its_first_token_and_the_job_costs_one(workshop: Workshop, login: Running) -> None:
    share_sessions(login, workshop.sandbox)
    login.world.change({"sf_instance_url": workshop.sandbox.url})
    connect(workshop, login.url, base_url=None)
    before = connection(workshop).base_url

    done = workshop.run(an_upload(workshop))

    assert (before, connection(workshop).base_url) == (login.url, workshop.sandbox.url)
    assert (done.status, done.counts.accepted, grants(login)) == (JobStatus.COMPLETED, 2, 1)
    assert login.world.ledger.stats()["routes"] == {"POST /services/oauth2/token": 1}


def test_a_check_goes_to_where_the_first_token_leads(workshop: Workshop, login: Running) -> None:
    share_sessions(login, workshop.sandbox)
    login.world.change({"sf_instance_url": workshop.sandbox.url})
    connect(workshop, login.url, base_url=None)

    found = workshop.desk.check(workshop.tenant.id, "salesforce")

    assert (found.ok, found.account, grants(login)) == (True, "Sandbox Harbour", 1)


@pytest.mark.parametrize("where", ["http://10.0.0.7", "https://evil.test", "ftp://127.0.0.1", "not an address"])
def test_a_token_that_leads_anywhere_else_is_not_followed(workshop: Workshop, where: str) -> None:
    workshop.sandbox.world.change({"sf_instance_url": where})
    connect(workshop, base_url=None)

    done = workshop.run(an_upload(workshop))

    assert (done.status, connection(workshop).base_url) == (JobStatus.COMPLETED, workshop.sandbox.url)


def test_an_org_that_moves_in_the_middle_of_a_job_is_followed(workshop: Workshop, login: Running) -> None:
    share_sessions(login, workshop.sandbox)
    login.world.change({"sf_instance_url": login.url})
    connect(workshop, login.url, base_url=login.url)
    job = an_upload(workshop)
    login.world.change({"sf_instance_url": workshop.sandbox.url})

    done = workshop.run(job)

    assert (done.status, connection(workshop).base_url) == (JobStatus.COMPLETED, workshop.sandbox.url)
    assert told(workshop)["ingest"]["released"] == 1


def test_a_token_older_than_its_interval_is_renewed_before_it_is_used(workshop: Workshop) -> None:
    connect(workshop, settings={"intervalTime": 1_000_000})
    workshop.run(an_upload(workshop))

    workshop.passes(timedelta(milliseconds=900_000))
    workshop.run(an_upload(workshop))
    young = grants(workshop.sandbox)
    workshop.passes(timedelta(milliseconds=200_000))
    done = workshop.run(an_upload(workshop))

    assert (young, grants(workshop.sandbox), done.status) == (1, 2, JobStatus.COMPLETED)
    assert "refused" not in workshop.routes


def test_a_token_that_cannot_be_renewed_is_used_as_long_as_it_is_good(workshop: Workshop) -> None:
    connect(workshop, settings={"intervalTime": 1_000_000})
    workshop.run(an_upload(workshop))
    workshop.passes(timedelta(milliseconds=2_000_000))
    workshop.sandbox.world.order(Fault(status=503), Match(path=TOKEN), times=None)

    done = workshop.run(an_upload(workshop))

    assert (done.status, grants(workshop.sandbox)) == (JobStatus.COMPLETED, 1)


@pytest.mark.parametrize("kind", ["create", "upload", "release"])
def test_what_another_user_made_and_did_not_release_is_sent_anew(workshop: Workshop, kind: str) -> None:
    connect(workshop)
    job = an_upload(workshop)
    workshop.run_until_due(job, kind)
    becomes_another_user(workshop)

    done = workshop.run(job)

    ingest = told(workshop)["ingest"]
    assert (done.status, done.counts.sent, done.counts.accepted) == (JobStatus.COMPLETED, 2, 2)
    assert (ingest["released"], ingest["rows_sent_twice"]) == (1, 0)
    assert len(workshop.told(job, "vendor_job.abandoned")) == (kind != "create")
    assert workshop.sweeps_find() == []


def test_a_job_that_another_user_may_see_but_not_fill_is_sent_anew(workshop: Workshop) -> None:
    workshop.sandbox.world.change({"sf_sees_all": True})
    connect(workshop)
    job = an_upload(workshop)
    workshop.run_until_due(job, "upload")
    becomes_another_user(workshop)

    done = workshop.run(job)

    assert (done.counts.accepted, told(workshop)["ingest"]["released"]) == (2, 1)
    assert len(workshop.told(job, "vendor_job.abandoned")) == 1


def test_what_another_user_released_stops_the_job_until_its_user_is_back(workshop: Workshop) -> None:
    connect(workshop)
    job = an_upload(workshop)
    workshop.run_until_due(job, "poll")
    becomes_another_user(workshop)

    stopped = workshop.run(job)
    workshop.desk.change(workshop.tenant.id, "salesforce", Change(credentials=CLIENT))
    workshop.lifecycle.restart(workshop.tenant.id, job.id)
    done = workshop.run(job)

    assert (stopped.status, stopped.stop_reason) == (JobStatus.ABORTED, StopReason.VENDOR_JOB_GONE)
    assert "made by another user" in (stopped.status_message or "")
    assert (done.status, done.counts.accepted, told(workshop)["ingest"]["released"]) == (JobStatus.COMPLETED, 2, 1)


def test_an_open_job_that_the_org_has_closed_is_sent_anew(workshop: Workshop) -> None:
    connect(workshop)
    job = an_upload(workshop)
    workshop.run_until_due(job, "release")
    with workshop.sandbox.world.lock:
        (mine,) = (each for each in workshop.sandbox.world.salesforce.jobs.all.values() if not each.foreign)
        mine.move(type(mine.state).ABORTED, 0)

    done = workshop.run(job)

    assert (done.counts.accepted, told(workshop)["ingest"]["released"]) == (2, 1)


def test_new_credentials_make_a_connection_good_again_and_a_restart_brings_its_jobs_back(workshop: Workshop) -> None:
    workshop.connect("salesforce", credentials=CLIENT | {"clientSecret": "old"},
                     settings={"tokenEndpointHostname": workshop.sandbox.url})  # fmt: skip
    job = an_upload(workshop)
    stopped = workshop.run(job)
    version = connection(workshop).credentials_version

    workshop.desk.change(workshop.tenant.id, "salesforce", Change(credentials=CLIENT))
    changed = connection(workshop)
    workshop.lifecycle.restart(workshop.tenant.id, job.id)
    done = workshop.run(job)

    assert stopped.status is JobStatus.ABORTED
    assert (changed.credentials_version, changed.auth_state) == (version + 1, AuthState.OK)
    assert (done.status, done.counts.accepted) == (JobStatus.COMPLETED, 2)
