"""How often a query is looked at while it runs, and how soon its result is asked for."""

import re
from typing import Any

import pytest

from orchestrator.job.status import JobStatus
from orchestrator.sandbox.ledger import Entry
from orchestrator.sandbox.options import Options
from tests.lifecycle.vendors_time import run_with_the_vendor
from tests.lifecycle.workshop import Workshop

HALF_A_SECOND = 500_000  # µs
LOOK = re.compile(r"/jobs/query/750[^/]*$")


@pytest.fixture
def options() -> Options:
    """An org with crates alone."""
    return Options(people=0, accounts=0, others=0, sf_accounts=0, sf_contacts=0, sf_others=0, sf_crates=36_000)


def asked(workshop: Workshop, pattern: str | re.Pattern[str]) -> list[Entry]:
    """Return the requests whose address holds this."""
    with workshop.sandbox.world.lock:
        entries = workshop.sandbox.world.ledger.log(0, 100_000)
    return [entry for entry in entries if entry.method == "GET" and re.search(pattern, entry.target)]


@pytest.mark.parametrize(
    "slow", [{"sf_start_after": 3_590.0, "sf_speed": 3_600.0}, {"sf_speed": 10.0}], ids=["in the queue", "row by row"]
)
def test_a_query_of_an_hour_costs_at_most_forty_looks(workshop: Workshop, slow: dict[str, Any]) -> None:
    workshop.connect("salesforce")
    workshop.sandbox.world.change(slow)
    job = workshop.download("salesforce", "Crate__c", select_fields=("Id",))

    done = run_with_the_vendor(workshop, job)

    (vendor,) = [each for each in workshop.sandbox.world.salesforce.jobs.all.values() if each.kind == "V2Query"]
    assert (done.status, done.counts.read) == (JobStatus.COMPLETED, 36_000)
    assert (vendor.finished_at - vendor.created_at) / 1e6 >= 3_600
    assert 20 < len(asked(workshop, LOOK)) <= 40
    assert len(asked(workshop, "resultPages")) <= 40


@pytest.mark.parametrize("way", [{}, {"page_size": 10_000}], ids=["along links", "set by set"])
def test_the_first_rows_are_asked_for_as_soon_as_a_query_is_seen_to_be_done(
    workshop: Workshop, way: dict[str, Any]
) -> None:
    workshop.connect("salesforce")
    workshop.sandbox.world.change({"sf_speed": 0, "sf_start_after": 60.0, "sf_page_rows": 1_000})
    job = workshop.download("salesforce", "Crate__c", select_fields=("Id",), **way)

    done = run_with_the_vendor(workshop, job)

    (vendor,) = [each for each in workshop.sandbox.world.salesforce.jobs.all.values() if each.kind == "V2Query"]
    first = asked(workshop, "/results")[0]
    assert (done.status, done.counts.read) == (JobStatus.COMPLETED, 36_000)
    assert 0 <= first.at - vendor.finished_at < HALF_A_SECOND


def test_the_step_that_reads_is_hinted_by_the_turn_that_saw_the_end(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    workshop.sandbox.world.change({"sf_speed": 0})
    job = workshop.download("salesforce", "Crate__c", select_fields=("Id",), page_size=10_000)
    poll = workshop.run_until_due(job, "poll")
    workshop.turns.take_turn(poll)
    workshop.waits()
    hinted = len(workshop.dispatched)

    workshop.turns.take_turn(poll)

    assert len(workshop.due("fetch")) == 1
    assert len(workshop.dispatched) == hinted + 1
