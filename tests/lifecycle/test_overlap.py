"""Jobs of a chain overlap: what showed late is found, and nothing that is delivered comes again unchanged."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from orchestrator.job.criteria import FileFormat
from orchestrator.job.record import Job
from orchestrator.lifecycle import overlap
from orchestrator.lifecycle.marks import mark_of
from orchestrator.lifecycle.overlap import OVERLAP
from orchestrator.sandbox.options import Options
from orchestrator.sandbox.salesforce.seeding import plant as plant_record
from orchestrator.sandbox.salesloft.seeding import plant
from tests.lifecycle.test_continuing import HOUR, chained, next_of, planted, read
from tests.lifecycle.workshop import Workshop

MINUTE = timedelta(minutes=1)
NOTE = 'one, "two"\nthree'


@pytest.fixture
def options() -> Options:
    """An org without records of its own."""
    return Options(people=0, accounts=0, others=0, sf_accounts=0, sf_contacts=0, sf_others=0, sf_speed=0, rate=0)


def change(workshop: Workshop, id_: int, at: datetime, **fields: Any) -> None:
    """Let a person be other than before, as of this time."""
    with workshop.sandbox.world.lock:
        plant(workshop.sandbox.world.salesloft.tables["people"], [shown(at) | {"id": id_} | fields], 0)


def shown(at: datetime) -> dict[str, str]:
    """Return the times of a record that was made and changed at once."""
    return dict.fromkeys(("created_at", "updated_at"), f"{at:%Y-%m-%dT%H:%M:%S.%f}Z")


def test_what_shows_long_after_its_time_is_read_once_and_the_rest_not_again(workshop):
    name = workshop.connect("salesloft")
    first = chained(workshop, name)
    mark = mark_of(first)
    old = planted(workshop, mark - 9 * MINUTE, mark - MINUTE, mark)
    begun = read(workshop, first)
    late = planted(workshop, mark - 8 * MINUTE)
    workshop.passes(HOUR)

    second = next_of(workshop, first)
    found = read(workshop, second)

    counts = workshop.job(second).counts
    assert (begun, found) == (old, late)
    assert (counts.read, counts.stored, counts.filtered) == (4, 1, 3)


def test_what_an_ordinary_first_job_read_behind_its_mark_does_not_come_again(workshop):
    now = workshop.store.database_time()
    old = planted(workshop, now - HOUR, now - MINUTE)
    first = workshop.download(workshop.connect("salesloft"), "people")
    begun = read(workshop, first)
    new = planted(workshop, first.created_at + MINUTE)
    workshop.passes(HOUR)

    found = read(workshop, next_of(workshop, first))

    assert (begun, found) == (old, new)


@pytest.mark.parametrize("later", [timedelta(0), timedelta(seconds=1)], ids=["at the same instant", "later"])
def test_what_changed_meanwhile_comes_again(workshop, later: timedelta):
    now = workshop.store.database_time()
    _, lively = planted(workshop, now - MINUTE, now - MINUTE)
    first = workshop.download(workshop.connect("salesloft"), "people")
    read(workshop, first)
    change(workshop, lively, now - MINUTE + later, title="Captain")
    workshop.passes(HOUR)

    second = next_of(workshop, first)

    assert read(workshop, second) == [lively]
    assert workshop.lines(second)[0]["title"] == "Captain"


def test_jobs_that_follow_closely_know_what_all_of_the_last_minutes_delivered(workshop):
    now = workshop.store.database_time()
    old = planted(workshop, now - 3 * MINUTE)
    job = chained(workshop, workshop.connect("salesloft"))
    found = [read(workshop, job)]

    for _ in range(3):
        workshop.passes(2 * MINUTE)
        job = next_of(workshop, job)
        found.append(read(workshop, job))

    assert found == [old, [], [], []]


@pytest.mark.parametrize("criteria", [{"select_fields": ("id",)}, {"limit": 50}], ids=str)
def test_a_job_that_cannot_tell_what_was_delivered_begins_at_the_mark(workshop, criteria: dict[str, Any]):
    first = chained(workshop, workshop.connect("salesloft"))
    old = planted(workshop, mark_of(first) - MINUTE)
    begun = read(workshop, first)
    planted(workshop, mark_of(first) - 2 * MINUTE)
    new = planted(workshop, mark_of(first) + MINUTE)
    workshop.passes(HOUR)

    found = read(workshop, next_of(workshop, first, **criteria))

    assert (begun, found) == (old, new)


def test_results_too_large_to_be_compared_are_not_overlapped(workshop, monkeypatch):
    monkeypatch.setattr(overlap, "MOST_ROWS", 1)
    first = chained(workshop, workshop.connect("salesloft"))
    planted(workshop, *[mark_of(first) - MINUTE] * 2)
    read(workshop, first)
    workshop.passes(HOUR)

    second = next_of(workshop, first)

    assert second.criteria.known == ()
    assert read(workshop, second) == []


def test_no_job_looks_further_back_than_the_chain_began(workshop):
    since = workshop.store.database_time() - 4 * MINUTE
    criteria = {"from_": since, "filter_date_field": "updated_at"}
    first = workshop.download(workshop.connect("salesloft"), "people", **criteria)
    planted(workshop, since - MINUTE)
    begun = read(workshop, first)
    workshop.passes(HOUR)

    second = next_of(workshop, first)

    assert (begun, read(workshop, second)) == ([], [])
    assert second.criteria.from_ == since > mark_of(first) - OVERLAP


def depots(workshop: Workshop, *times: datetime) -> list[str]:
    """Put depots into the org that changed at these times; return their ids."""
    org = workshop.sandbox.world.salesforce.org
    table = org.tables["depot__c"]
    with workshop.sandbox.world.lock:
        stamps = [f"{at:%Y-%m-%dT%H:%M:%S}.000Z" for at in times]
        return [plant_record(org, table, {"SystemModstamp": at, "Notes__c": NOTE}, "u") for at in stamps]


def names(workshop: Workshop, job: Job) -> list[str]:
    """Run the job and return the ids of its records."""
    ended = workshop.run(job)
    assert ended.status == "COMPLETED", workshop.story(job)
    return sorted(line["Id"] for line in workshop.lines(job))


@pytest.mark.parametrize("form", [FileFormat.CSV, FileFormat.JSONL])
def test_salesforce_is_read_by_its_time_stamps_with_the_same_overlap(workshop, form: FileFormat):
    now = workshop.store.database_time()
    old = depots(workshop, now - HOUR, now - 5 * MINUTE, now - MINUTE)
    first = workshop.download(workshop.connect("salesforce"), "Depot__c", format=form)
    begun = names(workshop, first)
    new = depots(workshop, now - 6 * MINUTE, now + MINUTE)
    workshop.passes(HOUR)

    second = next_of(workshop, first, format=form)

    assert (begun, names(workshop, second)) == (sorted(old), sorted(new))
    assert workshop.job(second).counts.filtered == 2
    assert {line["Notes__c"] for line in workshop.lines(second)} == {NOTE}
