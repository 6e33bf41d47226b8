"""Results read along links, side by side, while the query still runs: the same file as set by set."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from orchestrator.job.record import Job
from orchestrator.job.status import JobStatus, StopReason
from orchestrator.job.step import PARTITION_GAP
from orchestrator.providers.salesforce import query
from orchestrator.sandbox.faults import Fault, Match
from orchestrator.sandbox.options import Options
from orchestrator.sandbox.salesforce import ids
from orchestrator.sandbox.salesforce.query_job import Locator
from tests.lifecycle.seams import Died
from tests.lifecycle.vendors_time import run_with_the_vendor
from tests.lifecycle.workshop import LEASE_RUNS_OUT, Workshop

PAGES = Match(method="GET", path="/result[Pp]ages")
SETS = Match(method="GET", path="/results")
SHAPES = ["resultPages", "resultChunks"]


@pytest.fixture
def options(options: Options) -> Options:
    """An org whose results have links to sets of fifty rows."""
    return replace(options, sf_contacts=470, sf_speed=0, sf_page_rows=50, sf_accounts=0, sf_others=0)


@pytest.fixture(autouse=True)
def _small_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "SET_ROWS", 50)


def contacts(workshop: Workshop, **criteria: Any) -> Job:
    """Submit a download of the contacts in the order of their ids."""
    wanted = {"soql": "SELECT Id, LastName, Email FROM Contact ORDER BY LastName, Id"} | criteria
    return workshop.download("salesforce", "Contact", **wanted)


def fetched(workshop: Workshop, job: Job) -> list[Mapping[str, Any]]:
    """Return the job's fetch steps."""
    return [step for step in workshop.steps_of(job) if step["kind"] == "fetch"]


def asked(workshop: Workshop, path: str) -> int:
    """Return how many requests had this in their address."""
    with workshop.sandbox.world.lock:
        return sum(path in entry.target for entry in workshop.sandbox.world.ledger.log(0, 100_000))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("style", ["absolute", "path", "version"])
def test_links_of_either_shape_lead_to_the_same_file_as_sets(workshop: Workshop, shape: str, style: str) -> None:
    workshop.connect("salesforce")
    workshop.sandbox.world.change({"sf_pages": shape, "sf_links": style})
    by_sets = workshop.run(contacts(workshop, page_size=50))

    by_links = workshop.run(contacts(workshop))

    assert workshop.result(by_links) == workshop.result(by_sets)
    assert (by_links.counts.read, by_links.vendor_counted) == (470, 470)
    assert workshop.told(by_links, "result.way") == [{"way": "links"}]
    assert [step["partition"] for step in fetched(workshop, by_links)] == [1 + n * PARTITION_GAP for n in range(10)]
    assert len(fetched(workshop, by_sets)) == 1


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("named", [True, False], ids=["asked for elsewhere", "asked for again"])
def test_what_has_links_is_fetched_while_the_query_runs(workshop: Workshop, shape: str, named: bool) -> None:
    workshop.connect("salesforce")
    by_sets = workshop.run(contacts(workshop, page_size=470))
    change = {"sf_pages": shape, "sf_next_while_short": named, "sf_next_name": "nextRecordUrl", "sf_speed": 10.0}
    workshop.sandbox.world.change(change)
    job = contacts(workshop)

    done = run_with_the_vendor(workshop, job)

    stored = [name for name, _ in workshop.story(job)]
    assert done.status is JobStatus.COMPLETED
    assert workshop.result(job) == workshop.result(by_sets)
    assert len(fetched(workshop, job)) == 10
    assert min(step["created_at"] for step in fetched(workshop, job)) < max(
        step["created_at"] for step in fetched(workshop, job)
    )
    assert stored.index("result.way") < stored.index("vendor_job.done")


def test_what_is_stored_while_the_query_runs_is_shown_in_its_final_order(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    job = contacts(workshop)
    workshop.run_until_due(job, "fetch")
    steps = workshop.due("fetch")

    workshop.turns.take_turn(steps[1])
    behind = workshop.store.jobs.settled_parts(job.id)
    workshop.turns.take_turn(steps[0])
    front = workshop.store.jobs.settled_parts(job.id)
    workshop.run(job)

    assert sum(part.rows for part in behind) == 0
    assert sum(part.rows for part in front) == 100
    assert [part.partition for part in front] == sorted(part.partition for part in front)


@pytest.mark.parametrize("why", ["an old version", "a preference"])
def test_sets_are_read_one_by_one_where_there_are_no_links(workshop: Workshop, why: str) -> None:
    workshop.connect("salesforce", settings={"apiVersion": "57.0" if why == "an old version" else "61.0"})
    workshop.sandbox.world.change({"sf_pages": "" if why == "a preference" else "resultPages"})
    job = contacts(workshop)

    done = workshop.run(job)

    assert (done.status, done.counts.read) == (JobStatus.COMPLETED, 470)
    assert workshop.told(job, "result.way") == [{"way": "one_by_one"}]
    assert (len(fetched(workshop, job)), asked(workshop, "resultPages")) == (1, 1)


def test_a_result_of_one_set_never_costs_a_call_for_links(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    job = contacts(workshop, soql="SELECT Id FROM Contact ORDER BY Id LIMIT 50")

    done = workshop.run(job)

    assert (done.status, done.counts.read, asked(workshop, "resultPages")) == (JobStatus.COMPLETED, 50, 0)


def test_a_piece_ends_where_it_ends_whatever_it_says_of_the_next_one(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    workshop.sandbox.world.change({"sf_linked_sets": True})
    job = contacts(workshop)

    done = workshop.run(job)

    assert (done.status, done.counts.read) == (JobStatus.COMPLETED, 470)
    assert len({line["Id"] for line in workshop.lines(job)}) == 470


@pytest.mark.parametrize("fault", [Fault(drop_rows=3), Fault(miscount=2)])
def test_a_piece_of_another_size_than_it_says_is_never_a_green_job(workshop: Workshop, fault: Fault) -> None:
    workshop.connect("salesforce")
    job = contacts(workshop)
    workshop.sandbox.world.order(fault, SETS, after=4)

    done = workshop.run(job)

    assert (done.status, done.stop_reason) == (JobStatus.ABORTED, StopReason.MISMATCH)


def test_pieces_that_are_not_all_rows_together_are_never_a_green_job(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    job = contacts(workshop)
    workshop.sandbox.world.order(Fault(miscount=7), Match(method="GET", path="/jobs/query/750[^/]*$"), times=9)

    done = workshop.run(job)

    assert (done.status, done.stop_reason) == (JobStatus.ABORTED, StopReason.MISMATCH)


def test_rows_that_two_links_lead_to_are_never_a_green_job_whatever_the_limit(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    job = workshop.download("salesforce", "Contact", select_fields=("Id",), limit=60)
    workshop.run_until_due(job, "poll")
    (key,) = [key for key, each in workshop.sandbox.world.salesforce.jobs.all.items() if each.kind == "V2Query"]
    twice = [Locator(job=key, offset=0, rows=50, at=at) for at in (1, 2)]
    links = [
        {"resultUrl": f"/jobs/query/{ids.full(key)}/results?{urlencode({'locator': str(each)})}"} for each in twice
    ]
    body = msgspec.json.encode({"resultPages": links, "done": True}).decode()
    workshop.sandbox.world.order(Fault(status=200, body=body), PAGES)

    done = workshop.run(job)

    assert (done.status, done.stop_reason) == (JobStatus.ABORTED, StopReason.MISMATCH)
    assert done.counts.stored > 60


def test_a_link_that_leads_elsewhere_is_never_followed(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    job = contacts(workshop)
    elsewhere = (
        '{"resultPages":[{"resultUrl":"https://elsewhere.test/jobs/query/750000/results?locator=x"}],"done":true}'
    )
    workshop.sandbox.world.order(Fault(status=200, body=elsewhere), PAGES)

    done = workshop.run(job)

    assert (done.status, done.stop_reason) == (JobStatus.ABORTED, StopReason.MISMATCH)
    assert "another thing" in str(done.status_message)


@pytest.mark.usefixtures("a_checkpoint_each_page")
def test_a_download_along_links_survives_a_death_after_anything_it_does(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    undisturbed = contacts(workshop)
    workshop.seams.begin()
    workshop.run(undisturbed)
    wanted, step = workshop.result(undisturbed), 5 if workshop.database.dialect == "postgresql" else 2

    for number in range(4, len(workshop.seams.seen), step):
        job = contacts(workshop)
        workshop.seams.begin(die_after=number)
        try:
            workshop.run(job)
        except Died:
            workshop.passes(LEASE_RUNS_OUT)
            workshop.run(job, workshop.worker("worker-2").turns)

        at = f"at {workshop.seams.struck}: {workshop.story(job)}"
        assert workshop.job(job).status is JobStatus.COMPLETED, at
        assert workshop.result(job) == wanted, at
        assert len(fetched(workshop, job)) == 10, at
        assert workshop.sweeps_find() == [], at


def test_the_walk_goes_on_at_the_page_of_links_that_was_reached(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    workshop.sandbox.world.change({"sf_page_links": 3})
    job = contacts(workshop)
    workshop.run_until_due(job, "fetch")

    workshop.passes(timedelta(seconds=2))
    done = workshop.run(job)

    assert (done.status, done.counts.read) == (JobStatus.COMPLETED, 470)
    assert len(fetched(workshop, job)) == 10
