"""Tokens that run out, rotate and die while jobs run; and that none of them is ever shown (I8)."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from threading import Thread
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from orchestrator.job.record import Job
from orchestrator.job.status import JobStatus, StopReason, WaitReason
from orchestrator.lifecycle.keeper import open_credentials
from orchestrator.sandbox.faults import Fault, Match, Moment
from orchestrator.sandbox.options import Options
from orchestrator.store.connections import AuthState, Connection
from orchestrator.store.tables import metadata
from tests.lifecycle.workshop import Workshop, people
from tests.servers import eventually

TOKENS = "POST /oauth/token"
CANARIES = {
    "static": "canary-static-5b1f", "refresh": "canary-refresh-77c2", "secret": "canary-secret-90aa",
    "dead": "canary-dead-41d3", "access": "sandbox-access-", "rotated": "sandbox-refresh-",
}  # fmt: skip


@pytest.fixture
def options(options: Options) -> Options:
    """A vendor whose secrets can be recognized wherever they turn up."""
    return replace(
        options, tokens=(CANARIES["static"],), refresh_token=CANARIES["refresh"], client_secret=CANARIES["secret"]
    )


def oauth(workshop: Workshop, **changes: str) -> dict[str, str]:
    """Return good credentials that need a refresh first."""
    good = {
        "type": "oauth2_refresh",
        "tokenUrl": f"{workshop.sandbox.url}/oauth/token",
        "clientId": "sandbox-client",
        "clientSecret": CANARIES["secret"],
        "refreshToken": CANARIES["refresh"],
    }
    return good | changes


def connected(workshop: Workshop, name: str = "salesloft", **changes: str) -> str:
    return workshop.connect("salesloft", name, credentials=oauth(workshop, **changes))


def connection(workshop: Workshop, name: str = "salesloft") -> Connection:
    return workshop.store.connections.get(workshop.tenant.id, name)


def refreshes(workshop: Workshop) -> int:
    with workshop.sandbox.world.lock:
        return workshop.sandbox.world.salesloft.tokens.refreshes


def test_a_connection_without_an_access_token_gets_one_first(workshop: Workshop) -> None:
    job = workshop.upload(connected(workshop), people(3))

    done = workshop.run(job)

    assert done.status is JobStatus.COMPLETED
    assert refreshes(workshop) == 1
    assert connection(workshop).credentials_version == 2


def test_a_token_that_ends_in_mid_job_is_refreshed_and_the_request_sent_again(workshop: Workshop) -> None:
    job = workshop.upload(connected(workshop), people(3))
    workshop.run_until_due(job, "release")
    workshop.sandbox.world.salesloft.tokens.revoke()

    done = workshop.run(job)

    assert done.status is JobStatus.COMPLETED
    assert refreshes(workshop) == 2


def test_a_new_pair_is_stored_before_it_is_used(workshop: Workshop) -> None:
    job = workshop.upload(connected(workshop), people(3))

    with workshop.asleep(job, freeze_before="POST /v2/bulk_jobs"):
        kept = open_credentials(connection(workshop), workshop.keyring)

    assert (kept["accessToken"], kept["refreshToken"]) == ("sandbox-access-1", "sandbox-refresh-1")


def test_two_workers_that_need_a_token_at_once_make_one_call(workshop: Workshop) -> None:
    name = connected(workshop)
    first, second = workshop.upload(name, people(3)), workshop.upload(name, people(3, first=3))
    workshop.run_until_due(first, "create")
    one, other = workshop.due("create")

    workshop.seams.begin(freeze_before=TOKENS)
    sleeper = Thread(target=workshop.worker("sleeper").turns.take_turn, args=(one,))
    sleeper.start()
    eventually(workshop.seams.frozen.is_set, every=0.002)
    workshop.turns.take_turn(other)
    waits = workshop.step_of(second, "create")["wait_reason"]
    workshop.seams.thaw()
    sleeper.join()

    assert waits == WaitReason.TOKEN_REFRESH
    assert workshop.run(first).status is workshop.run(second).status is JobStatus.COMPLETED
    assert refreshes(workshop) == workshop.seams.seen.count(TOKENS) == 1


def test_a_pair_that_comes_after_the_lease_to_refresh_is_over_is_stored_all_the_same(workshop: Workshop) -> None:
    job = workshop.upload(connected(workshop), people(3))

    with workshop.asleep(job, freeze_after=TOKENS):
        workshop.passes(timedelta(seconds=31))
    done = workshop.run(job)

    assert done.status is JobStatus.COMPLETED
    assert refreshes(workshop) == 1


def test_a_grant_that_is_dead_is_looked_at_twice_before_a_person_is_asked(workshop: Workshop) -> None:
    job = workshop.upload(connected(workshop, refreshToken=CANARIES["dead"]), people(3))
    workshop.run_until_due(job, "create")

    workshop.round()
    after_one = workshop.job(job).status, connection(workshop).auth_state
    stopped = workshop.run(job)

    assert after_one == (JobStatus.STARTED, AuthState.OK)
    assert (stopped.status, stopped.stop_reason) == (JobStatus.ABORTED, StopReason.REAUTHORIZE)
    assert connection(workshop).auth_state is AuthState.REAUTHORIZE
    assert workshop.seams.seen.count(TOKENS) == 2


def test_new_credentials_and_a_restart_bring_a_job_back(workshop: Workshop) -> None:
    job = workshop.upload(connected(workshop, refreshToken=CANARIES["dead"]), people(3))
    workshop.run(job)

    plain = msgspec.json.encode(oauth(workshop))
    workshop.store.connections.update(
        workshop.tenant.id, "salesloft", seal=lambda context: workshop.keyring.seal(plain, context)
    )
    workshop.lifecycle.restart(workshop.tenant.id, job.id)
    done = workshop.run(job)

    assert done.status is JobStatus.COMPLETED
    assert connection(workshop).auth_state is AuthState.OK


def test_a_token_that_cannot_be_refreshed_stops_the_job(workshop: Workshop) -> None:
    name = workshop.connect("salesloft", credentials={"type": "bearer", "token": CANARIES["dead"]})
    job = workshop.upload(name, people(3))

    stopped = workshop.run(job)

    assert (stopped.status, stopped.stop_reason) == (JobStatus.ABORTED, StopReason.REAUTHORIZE)
    assert workshop.routes == {"refused": 1}


def test_a_vendor_that_refuses_every_token_stops_the_job_after_one_refresh(workshop: Workshop) -> None:
    job = workshop.upload(connected(workshop), people(3))
    workshop.sandbox.world.order(Fault(status=401), Match(path="bulk_jobs"), times=None)

    stopped = workshop.run(job)

    assert (stopped.status, stopped.stop_reason) == (JobStatus.ABORTED, StopReason.REAUTHORIZE)
    assert refreshes(workshop) == 2


def test_a_token_address_that_is_down_is_an_outage_like_any_other(workshop: Workshop) -> None:
    job = workshop.upload(connected(workshop), people(3))
    workshop.sandbox.world.order(Fault(status=503), Match(path="oauth"), times=3)

    done = workshop.run(job)

    assert done.status is JobStatus.COMPLETED
    assert len(workshop.told(job, "vendor.unreachable")) == 3


def everything_that_is_shown(workshop: Workshop, caplog: pytest.LogCaptureFixture) -> Iterator[str]:
    """Yield all rows of all tables, all objects, and all logs with whatever they carry."""
    for table in metadata.sorted_tables:
        yield from (str(row) for row in workshop.rows(select(table)))
    for info in workshop.objects.list(""):
        yield f"{info.key} {workshop.objects.get(info.key)!r}"
    for record in caplog.records:
        yield f"{record.getMessage()} {vars(record)} {record.exc_text}"


@pytest.mark.parametrize("where", ["create", "fill", "release", "poll", "fates", "token"])
def test_no_secret_is_shown_in_whatever_goes_wrong(
    workshop: Workshop, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    caplog.set_level(logging.DEBUG)
    paths = {
        "create": r"bulk_jobs$", "fill": "job_data", "release": r"bulk_jobs/\d+$", "poll": r"bulk_jobs/\d+$",
        "fates": "results", "token": "oauth",
    }  # fmt: skip
    sent = [CANARIES["refresh"], CANARIES["secret"]] if where == "token" else ["Bearer sandbox-access-1"]
    words = f"I will not have {' and '.join(sent)} here"
    faults = (
        Fault(status=503, body=words), Fault(cut=Moment.AFTER), Fault(status=401), Fault(status=200, body=words),
        Fault(status=422, body=msgspec.json.encode({"error": words}).decode()),
    )  # fmt: skip

    for number, fault in enumerate(faults):
        job = workshop.upload(connected(workshop, f"sl{number}"), people(3))
        workshop.sandbox.world.reset()
        workshop.sandbox.world.order(fault, Match(path=paths[where]), times=2)
        workshop.run(job)

    shown = "\n".join(everything_that_is_shown(workshop, caplog))
    leaked = [canary for canary in CANARIES.values() if canary in shown]
    assert leaked == []


def test_no_record_is_shown_in_events_and_logs(workshop: Workshop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    job = workshop.upload(connected(workshop), people(5, bad=2) + b"too,many,cells\n")

    workshop.run(job)

    told = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    shown: list[Any] = [told, workshop.story(job), [error.message for error in errors(workshop, job)]]
    assert "orchard.test" not in str(shown)
    assert "Nobody" not in str(shown)


def errors(workshop: Workshop, job: Job) -> Any:
    return workshop.store.row_errors.list(job.id)
