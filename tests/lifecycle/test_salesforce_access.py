"""Tokens of Salesforce: three ways to get one, and what a session that ends costs a job."""

from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from orchestrator.job.criteria import Operation
from orchestrator.job.record import Job
from orchestrator.job.status import JobStatus, StopReason
from orchestrator.sandbox.faults import Fault, Match
from orchestrator.sandbox.options import Options
from tests.lifecycle.workshop import Workshop

KEY = generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

CLIENT = {"clientId": "sandbox-client", "clientSecret": "sandbox-secret"}
WAYS: dict[str, dict[str, str]] = {
    "oauth2_refresh": CLIENT | {"refreshToken": "sandbox-refresh"},
    "oauth2_client": CLIENT,
    "jwt_bearer": {"clientId": "sandbox-client", "username": "integration@sandbox.test", "privateKey": PRIVATE},
}
USED_UP = '[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]'


@pytest.fixture
def options(options: Options) -> Options:
    """An org that knows our key and rotates refresh tokens."""
    return replace(options, sf_public_key=PUBLIC, sf_rotate=True, sf_speed=0, sf_contacts=900)


def connected(workshop: Workshop, way: str) -> str:
    return workshop.connect(
        "salesforce",
        credentials={"type": way, **WAYS[way]},
        settings={"tokenEndpointHostname": workshop.sandbox.url},
    )


def contacts(workshop: Workshop, connection: str, **criteria: Any) -> Job:
    return workshop.download(connection, "Contact", select_fields=("Id", "LastName"), **criteria)


def told(workshop: Workshop) -> Any:
    with workshop.sandbox.world.lock:
        return workshop.sandbox.world.salesforce.stats()


def end_sessions(workshop: Workshop) -> None:
    with workshop.sandbox.world.lock:
        workshop.sandbox.world.salesforce.sessions.revoke()


@pytest.mark.parametrize("way", WAYS)
def test_a_job_runs_with_a_token_it_has_asked_for_itself(workshop: Workshop, way: str) -> None:
    job = contacts(workshop, connected(workshop, way))

    done = workshop.run(job)

    assert (done.status, done.counts.stored) == (JobStatus.COMPLETED, 900)
    assert sum(told(workshop)["grants"].values()) == 1


@pytest.mark.parametrize("way", WAYS)
def test_a_session_that_ends_in_the_middle_of_the_sets_costs_one_token_and_no_row(
    workshop: Workshop, way: str, a_checkpoint_each_page: None
) -> None:
    job = contacts(workshop, connected(workshop, way), page_size=100)
    workshop.run_until_due(job, "fetch")
    end_sessions(workshop)

    done = workshop.run(job)

    assert (done.status, done.counts.stored) == (JobStatus.COMPLETED, 900)
    assert len({line["Id"] for line in workshop.lines(job)}) == 900
    assert sum(told(workshop)["grants"].values()) == 2
    assert len(told(workshop)["query"]) == 1


@pytest.mark.parametrize("kind", ["create", "upload", "release", "poll", "fetch"])
def test_a_session_that_ends_anywhere_in_an_upload_costs_one_token_and_no_row(workshop: Workshop, kind: str) -> None:
    asked: dict[str, Any] = {"object_name": "Contact", "operation": Operation.INSERT, "external_id_field": None}
    job = workshop.upload(connected(workshop, "oauth2_refresh"), b"LastName\nAmber\nBirch\n", **asked)
    workshop.run_until_due(job, kind)
    end_sessions(workshop)

    done = workshop.run(job)

    ingest = told(workshop)["ingest"]
    assert (done.status, done.counts.accepted) == (JobStatus.COMPLETED, 2)
    assert (ingest["released"], ingest["released_twice"]) == (1, 0)
    assert told(workshop)["refreshes"] == 2


def test_a_key_that_the_org_does_not_know_needs_a_person(workshop: Workshop) -> None:
    workshop.sandbox.world.change({"sf_public_key": ""})
    job = contacts(workshop, connected(workshop, "jwt_bearer"))

    done = workshop.run(job)

    assert (done.status, done.stop_reason) == (JobStatus.ABORTED, StopReason.REAUTHORIZE)
    assert "PRIVATE KEY" not in str(workshop.story(job))


def test_an_allowance_that_is_used_up_throttles_the_job_until_the_window_moves(workshop: Workshop) -> None:
    job = contacts(workshop, workshop.connect("salesforce"))
    workshop.sandbox.world.order(Fault(status=403, body=USED_UP, media="application/json"), Match(method="POST"))

    throttled = workshop.run(job)
    workshop.lifecycle.restart(workshop.tenant.id, job.id)
    done = workshop.run(job)

    assert (throttled.status, throttled.stop_reason) == (JobStatus.THROTTLED, StopReason.VENDOR_QUOTA)
    assert throttled.restart_at is not None
    assert (done.status, done.counts.stored) == (JobStatus.COMPLETED, 900)


def test_the_header_of_every_answer_tells_how_much_of_the_day_is_left(workshop: Workshop) -> None:
    workshop.sandbox.world.change({"sf_limit_tail": True})
    with workshop.sandbox.world.lock:
        workshop.sandbox.world.salesforce.eat(14_998)
    job = contacts(workshop, workshop.connect("salesforce", limits=None))

    throttled = workshop.run(job)

    assert (throttled.status, throttled.stop_reason) == (JobStatus.THROTTLED, StopReason.VENDOR_QUOTA)
    assert told(workshop)["refusals"] <= 1  # of the calls that were granted before the first answer came


def test_a_check_names_the_org_and_the_user(workshop: Workshop) -> None:
    name = connected(workshop, "oauth2_client")

    found = workshop.desk.check(workshop.tenant.id, name)

    assert (found.ok, found.account, found.environment) == (True, "Sandbox Harbour", "sandbox")
    assert found.user == "integration@sandbox.test"


def test_settings_are_completed_and_shown_back(workshop: Workshop) -> None:
    given = {"apiVersion": "v58.0", "intervalTime": 1_000_000, "registryPath": "connectors/sf"}
    name = workshop.connect("salesforce", settings=given)

    settings = workshop.store.connections.get(workshop.tenant.id, name).settings

    assert settings == given | {"apiVersion": "58.0", "tokenEndpointHostname": "https://login.salesforce.com"}


def test_a_check_tells_what_is_left_of_the_day_to_whom_may_see_it(workshop: Workshop) -> None:
    name = workshop.connect("salesforce")
    workshop.run(contacts(workshop, name))

    seen = workshop.desk.check(workshop.tenant.id, name)
    workshop.sandbox.world.order(
        Fault(status=403, body='[{"errorCode":"INSUFFICIENT_ACCESS","message":"no"}]'), Match(path="/limits$")
    )
    unseen = workshop.desk.check(workshop.tenant.id, name)

    left = {each.name: (each.limit, each.remaining) for each in seen.allowances}
    assert left["bulk_queries"] == (10_000, 9_999)
    assert left["api_requests"][0] == 15_000
    assert {"bulk_query_megabytes", "bulk_batches"} <= left.keys()
    assert (unseen.ok, list(unseen.allowances)) == (True, [])
