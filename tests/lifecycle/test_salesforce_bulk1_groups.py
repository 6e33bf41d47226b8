"""Rows that share a parent go into one batch, and are still tied to their places in the file."""

import json

import pytest

from orchestrator.job.status import JobStatus
from orchestrator.providers.salesforce.bulk1.sink import AsyncSink
from orchestrator.results import grouping
from orchestrator.sandbox.options import Options
from tests.lifecycle.bulk1 import a_file, an_org, check_nothing_was_done_twice, sent
from tests.lifecycle.seams import Died
from tests.lifecycle.workshop import LEASE_RUNS_OUT, Workshop


@pytest.fixture
def options() -> Options:
    """An org without records of its own."""
    return an_org()


def test_rows_of_one_parent_go_into_one_batch_if_that_is_asked_for(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AsyncSink, "chunk_rows", 10)
    rows = [f"D-{n},{'' if n == 9 else 'Quay'},harbour {n % 6}" for n in range(1, 61)]
    file = "\n".join(["Depot_Code__c,Name,Notes__c", *rows]).encode()

    job = sent(workshop, file, bulk_api=None, group_by="notes__c")
    done = workshop.run(job)

    chunks = workshop.store.chunks.of_job(job.id)
    parents = [{each["Notes__c"] for each in json.loads(workshop.objects.get(chunk.object_key))} for chunk in chunks]
    assert sorted(parent for each in parents for parent in each) == [f"harbour {n}" for n in range(6)]
    assert (done.counts.sent, done.counts.accepted, done.counts.refused) == (60, 59, 1)
    assert [line["id"] for line in workshop.lines(job) if line["status"] == "error"] == [9]
    check_nothing_was_done_twice(workshop)


@pytest.mark.parametrize("die_after", ["put c3-e1.rows", "commit checkpoint#1", "commit checkpoint#2"])
def test_grouped_rows_survive_the_death_of_the_worker_that_cuts_them(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, die_after: str
) -> None:
    monkeypatch.setattr(AsyncSink, "chunk_rows", 5)
    monkeypatch.setattr(grouping, "WINDOW_ROWS", 20)
    rows = [f"D-{n},Quay,harbour {n % 4}" for n in range(1, 41)]
    job = sent(workshop, "\n".join(["Depot_Code__c,Name,Notes__c", *rows]).encode(), group_by="Notes__c")

    workshop.seams.begin(die_after=die_after)
    with pytest.raises(Died):
        workshop.run(job)
    workshop.passes(LEASE_RUNS_OUT)
    done = workshop.run(job, workshop.worker("worker-2").turns)

    assert (done.counts.sent, done.counts.accepted) == (40, 40)
    assert [line["id"] for line in workshop.lines(job)] == list(range(1, 41))
    check_nothing_was_done_twice(workshop)


def test_a_field_that_the_file_does_not_have_groups_nothing(workshop: Workshop) -> None:
    job = sent(workshop, a_file(3), group_by="AccountId")

    done = workshop.run(job)

    assert (done.status, done.counts.sent) == (JobStatus.ABORTED, 0)
    assert "AccountId" in str(done.status_message)
