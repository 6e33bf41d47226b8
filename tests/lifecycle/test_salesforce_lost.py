"""Results that Salesforce has no more: the query is asked anew, and the file is the same."""

from dataclasses import replace
from threading import enumerate as threads
from typing import Any

import pytest

from orchestrator.job.chunk import VendorJobState
from orchestrator.job.record import Job
from orchestrator.job.status import JobStatus, StopReason
from orchestrator.providers.salesforce import query
from orchestrator.sandbox.faults import Fault, Match
from orchestrator.sandbox.options import Options
from tests.lifecycle.seams import Died
from tests.lifecycle.workshop import LEASE_RUNS_OUT, Workshop
from tests.servers import eventually

ANY_ORDER = "SELECT Id, LastName FROM Contact"
BY_NAME = "SELECT Id, LastName, Email FROM Contact ORDER BY LastName, Id"
BY_ID = "SELECT LastName, Id FROM Contact WHERE (LastName != 'x' OR LastName = 'y') ORDER BY Id ASC"
RUN_OUT = Fault(status=400, body='[{"errorCode":"INVALID_QUERY_LOCATOR","message":"invalid query locator"}]')
GONE = Fault(status=404, body='[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]')
FAILED = Fault(status=200, body='{"id":"750","state":"Failed","errorMessage":"QUERY_TIMEOUT"}')
OTHER_VERSION = Fault(status=409, body='[{"errorCode":"API_VERSION_MISMATCH","message":"another version"}]')

pytestmark = pytest.mark.usefixtures("a_checkpoint_each_page")


@pytest.fixture
def options(options: Options) -> Options:
    """An org with some contacts, whose results have links to sets of fifty rows."""
    return replace(options, sf_contacts=230, sf_speed=0, sf_page_rows=50, sf_accounts=0, sf_others=0)


@pytest.fixture(autouse=True)
def _small_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "SET_ROWS", 50)


def contacts(workshop: Workshop, soql: str, **criteria: Any) -> Job:
    """Submit a download of the contacts."""
    return workshop.download("salesforce", "Contact", soql=soql, **criteria)


def forget_jobs(workshop: Workshop) -> None:
    """Let Salesforce forget its ended query jobs, as it does after seven days."""
    with workshop.sandbox.world.lock:
        jobs = workshop.sandbox.world.salesforce.jobs
        for job in [each for each in jobs.all.values() if each.state.is_final]:
            jobs.forget(job)


def after_some_sets(workshop: Workshop, job: Job) -> None:
    """Let the job store some of its rows, but not all."""
    workshop.run_until_due(job, "fetch")
    workshop.seams.begin(die_after="commit checkpoint#2")
    with pytest.raises(Died):
        workshop.run(job)
    eventually(lambda: not [thread for thread in threads() if thread.name == "ahead"])
    workshop.passes(LEASE_RUNS_OUT)
    assert 0 < workshop.job(job).counts.stored < 230


def check(workshop: Workshop, job: Job, wanted: bytes) -> None:
    """Check that the job ended with the file of an undisturbed one, each row counted once."""
    done = workshop.job(job)
    counts = done.counts
    assert (done.status, counts.read, counts.stored) == (JobStatus.COMPLETED, 230, 230), workshop.story(job)
    assert (done.vendor_counted, counts.bytes) == (230, len(wanted))
    assert workshop.result(job) == wanted
    assert workshop.sweeps_find() == []


@pytest.mark.parametrize("links", [True, False], ids=["along links", "set by set"])
@pytest.mark.parametrize("fault", [None, RUN_OUT, OTHER_VERSION], ids=["forgotten", "locator", "version"])
def test_a_result_that_is_lost_on_the_way_is_asked_for_anew(
    workshop: Workshop, links: bool, fault: Fault | None
) -> None:
    workshop.connect("salesforce")
    size = {} if links else {"page_size": 50}
    wanted = workshop.result(workshop.run(contacts(workshop, BY_NAME)))
    job = contacts(workshop, BY_NAME, **size)
    after_some_sets(workshop, job)

    if fault is None:
        forget_jobs(workshop)
    else:
        workshop.sandbox.world.order(fault, Match(method="GET", path="/results"))
    workshop.run(job)

    check(workshop, job, wanted)
    assert [told["from"] for told in workshop.told(job, "vendor_job.lost")] == ["start"]
    states = [each.state for each in workshop.store.vendor_jobs.of_job(job.id)]
    assert states == [VendorJobState.LOST, VendorJobState.DONE]


def test_a_query_in_the_order_of_ids_goes_on_behind_the_last_one(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    wanted = workshop.result(workshop.run(contacts(workshop, BY_ID)))
    job = contacts(workshop, BY_ID, page_size=50)
    after_some_sets(workshop, job)
    forget_jobs(workshop)
    stored = workshop.job(job).counts.stored

    workshop.run(job)

    check(workshop, job, wanted)
    assert [told["from"] for told in workshop.told(job, "vendor_job.lost")] == ["key"]
    with workshop.sandbox.world.lock:
        again = workshop.sandbox.world.salesforce.stats()["query"][-1]
    assert again["rows"] == 230 - stored


def test_a_query_that_is_lost_before_it_is_done_is_asked_anew(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    wanted = workshop.result(workshop.run(contacts(workshop, BY_NAME)))
    job = contacts(workshop, BY_NAME)
    workshop.sandbox.world.order(GONE, Match(method="GET", path="/jobs/query/750[^/]*$"), times=2)

    workshop.run(job)

    check(workshop, job, wanted)


def test_a_result_that_is_lost_again_and_again_stops_the_job_with_the_reason(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    wanted = workshop.result(workshop.run(contacts(workshop, BY_NAME)))
    job = contacts(workshop, BY_NAME, page_size=50)
    workshop.sandbox.world.order(RUN_OUT, Match(path="locator="), times=4)

    stopped = workshop.run(job)
    workshop.lifecycle.restart(workshop.tenant.id, job.id)
    workshop.run(job)

    assert (stopped.status, stopped.stop_reason) == (JobStatus.ABORTED, StopReason.VENDOR_FAILED)
    assert "INVALID_QUERY_LOCATOR" in str(stopped.status_message)
    check(workshop, job, wanted)


def test_a_query_that_fails_after_its_first_rows_were_stored_leaves_none_of_them(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    wanted = workshop.result(workshop.run(contacts(workshop, BY_NAME)))
    workshop.sandbox.world.change({"sf_least_looks": 4})
    job = contacts(workshop, BY_NAME)
    workshop.run(job, until=lambda: workshop.job(job).counts.stored)
    workshop.sandbox.world.order(FAILED, Match(method="GET", path="/jobs/query/750[^/]*$"))

    failed = workshop.run(job)
    workshop.lifecycle.restart(workshop.tenant.id, job.id)
    workshop.run(job)

    assert (failed.status, failed.stop_reason) == (JobStatus.ABORTED, StopReason.VENDOR_FAILED)
    assert failed.counts.stored > 0
    check(workshop, job, wanted)


def test_a_session_that_ends_in_the_middle_of_the_links_costs_one_token_and_no_row(workshop: Workshop) -> None:
    keys = {"clientId": "sandbox-client", "clientSecret": "sandbox-secret"}
    workshop.connect(
        "salesforce",
        credentials={"type": "oauth2_client", **keys},
        settings={"tokenEndpointHostname": workshop.sandbox.url},
    )
    wanted = workshop.result(workshop.run(contacts(workshop, BY_NAME)))
    job = contacts(workshop, BY_NAME)
    after_some_sets(workshop, job)

    with workshop.sandbox.world.lock:
        workshop.sandbox.world.salesforce.sessions.revoke()
    workshop.run(job)

    check(workshop, job, wanted)
    with workshop.sandbox.world.lock:
        assert sum(workshop.sandbox.world.salesforce.stats()["grants"].values()) == 2


@pytest.mark.parametrize("soql", [BY_NAME, BY_ID], ids=["from the start", "behind the last id"])
def test_a_loss_survives_a_death_after_anything_that_is_done_about_it(workshop: Workshop, soql: str) -> None:
    workshop.connect("salesforce")
    wanted = workshop.result(workshop.run(contacts(workshop, soql)))
    size = {"page_size": 50} if soql == BY_ID else {}

    def a_lost_one() -> Job:
        job = contacts(workshop, soql, **size)
        workshop.seams.begin()
        after_some_sets(workshop, job)
        forget_jobs(workshop)
        workshop.seams.begin()
        return job

    workshop.run(a_lost_one())
    step = 5 if workshop.database.dialect == "postgresql" else 2
    for number in range(0, len(workshop.seams.seen), step):
        job = a_lost_one()
        workshop.seams.begin(die_after=number)
        try:
            workshop.run(job)
        except Died:
            workshop.passes(LEASE_RUNS_OUT)
            workshop.run(job, workshop.worker("worker-2").turns)

        check(workshop, job, wanted)
