"""The crash table of Bulk API 1.0: a worker dies after, or sleeps before, each kind of thing it does."""

import re
from collections.abc import Callable

import pytest

from orchestrator.job.criteria import Operation
from orchestrator.job.record import Job
from orchestrator.job.status import JobOutcome, JobStatus
from orchestrator.providers.salesforce.bulk1.sink import AsyncSink
from orchestrator.sandbox.options import Options
from tests.lifecycle.bulk1 import an_org, records, told
from tests.lifecycle.seams import Died
from tests.lifecycle.workshop import LEASE_RUNS_OUT, Workshop

pytestmark = pytest.mark.usefixtures("a_checkpoint_each_page")

FILE = b"Depot_Code__c,Name\nD-1,Quay\nD-2,\nD-3,Dock\nD-4,HEMLOCK\nD-5,Mole\n"
NAMES = re.compile(r"\b(?:75[0-9][A-Za-z0-9]{12,15}|[a-z]?[0-9]+)\b")  # ids and numbers within labels
Ends = Callable[[Workshop, Job, int], None]


@pytest.fixture
def options() -> Options:
    """An org with some contacts to read, in which one row spoils its batch."""
    return an_org(sf_contacts=25, sf_poison="HEMLOCK", sf_stagger=0)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AsyncSink, "chunk_rows", 2)


def dies(workshop: Workshop, job: Job, number: int) -> None:
    """Let the first worker die after its moment; another one goes on."""
    workshop.seams.begin(die_after=number)
    try:
        workshop.run(job)
    except Died:
        workshop.passes(LEASE_RUNS_OUT)
        workshop.run(job, workshop.worker("worker-2").turns)


def sleeps(workshop: Workshop, job: Job, number: int) -> None:
    """Let a worker fall asleep before its moment; another one ends the job, then the first wakes up and goes on."""
    with workshop.asleep(job, freeze_before=number) as sleeper:
        sleeper.heartbeat.ages(LEASE_RUNS_OUT)
        workshop.passes(LEASE_RUNS_OUT)
        workshop.run(job, workshop.worker("worker-2").turns)


def moments_of(workshop: Workshop, job: Job) -> list[int]:
    """Run the job undisturbed; return the number of a moment of each kind, on PostgreSQL of every third kind."""
    workshop.seams.begin()
    workshop.run(job)
    first = {NAMES.sub("*", label): number for number, label in reversed(list(enumerate(workshop.seams.seen)))}
    return sorted(first.values())[:: 3 if workshop.database.dialect == "postgresql" else 1]


def an_upload(workshop: Workshop) -> Job:
    """Submit the file to an org that knows nothing of it."""
    workshop.sandbox.world.reset()
    return workshop.upload(
        "salesforce",
        FILE,
        object_name="Depot__c",
        operation=Operation.INSERT,
        external_id_field=None,
        bulk_api="1.0",
    )


def a_download(workshop: Workshop) -> Job:
    """Submit a download of some contacts."""
    return workshop.download("salesforce", "Contact", select_fields=("Id", "LastName"), pk_chunking={"chunkSize": 10})


@pytest.mark.parametrize("ends", [dies, sleeps])
def test_an_insert_survives_whatever_becomes_of_its_worker(workshop: Workshop, ends: Ends) -> None:
    workshop.connect("salesforce")

    for number in moments_of(workshop, an_upload(workshop)):
        job = an_upload(workshop)
        ends(workshop, job, number)

        done, counts = workshop.job(job), workshop.job(job).counts
        at = f"at {workshop.seams.struck}: {workshop.story(job)}"
        assert (done.status, done.outcome) == (JobStatus.COMPLETED, JobOutcome.PARTIAL), at
        assert (counts.sent, counts.accepted, counts.refused, counts.unprocessed) == (5, 3, 2, 0), at
        assert [line["id"] for line in workshop.lines(job)] == [1, 2, 3, 4, 5], at
        assert sorted(str(each["Depot_Code__c"]) for each in records(workshop)) == ["D-1", "D-3", "D-5"], at
        assert told(workshop)["jobs"]["foreign_writes"] == 0, at
        assert workshop.sweeps_find() == [], at


@pytest.mark.parametrize("ends", [dies, sleeps])
def test_a_split_query_survives_whatever_becomes_of_its_worker(workshop: Workshop, ends: Ends) -> None:
    workshop.connect("salesforce")
    undisturbed = a_download(workshop)
    moments = moments_of(workshop, undisturbed)
    wanted = sorted(workshop.result(undisturbed).splitlines())

    for number in moments:
        job = a_download(workshop)
        ends(workshop, job, number)

        done = workshop.job(job)
        at = f"at {workshop.seams.struck}: {workshop.story(job)}"
        assert (done.status, done.counts.read, done.counts.stored) == (JobStatus.COMPLETED, 25, 25), at
        assert sorted(workshop.result(job).splitlines()) == wanted, at
        assert told(workshop)["jobs"]["foreign_writes"] == 0, at
        assert workshop.sweeps_find() == [], at
