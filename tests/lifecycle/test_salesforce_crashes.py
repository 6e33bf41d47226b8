"""The crash table of Salesforce's jobs: a worker dies after, or sleeps before, every single thing it does."""

from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.job.criteria import Operation
from orchestrator.job.record import Job
from orchestrator.job.status import JobOutcome, JobStatus
from orchestrator.providers.salesforce.ingest import SalesforceIngest
from orchestrator.sandbox.options import Options
from tests.lifecycle.seams import Died
from tests.lifecycle.workshop import LEASE_RUNS_OUT, Workshop

pytestmark = pytest.mark.usefixtures("a_checkpoint_each_page")

FILE = b"Depot_Code__c,Name\nD-1,Quay\nD-2,\nD-3,Dock\nD-4,too,many\nD-5,Mole\n"
Ends = Callable[[Workshop, Job, int], None]


@pytest.fixture
def options() -> Options:
    """An org with some depots to read, and a dozen jobs of other integrations."""
    return Options(
        people=0, accounts=0, others=0, sf_accounts=0, sf_contacts=25, sf_others=0, sf_speed=0, sf_foreign_jobs=12
    )


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SalesforceIngest, "chunk_rows", 2)


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


def moments_of(workshop: Workshop, job: Job) -> range:
    """Run the job undisturbed; return the numbers of its moments: every second, on PostgreSQL every ninth."""
    workshop.seams.begin()
    workshop.run(job)
    return range(0, len(workshop.seams.seen), 9 if workshop.database.dialect == "postgresql" else 2)


def told(workshop: Workshop) -> Any:
    """Return what Salesforce counted."""
    with workshop.sandbox.world.lock:
        return workshop.sandbox.world.salesforce.stats()


def an_upload(workshop: Workshop) -> Job:
    """Submit the file to an org that knows nothing of it."""
    workshop.sandbox.world.reset()
    asked: dict[str, Any] = {"object_name": "Depot__c", "external_id_field": "Depot_Code__c"}
    return workshop.upload("salesforce", FILE, operation=Operation.UPSERT, **asked)


def a_download(workshop: Workshop) -> Job:
    """Submit a download of some contacts."""
    return workshop.download("salesforce", "Contact", select_fields=("Id", "LastName"), page_size=10)


@pytest.mark.parametrize("ends", [dies, sleeps])
def test_an_upload_survives_whatever_becomes_of_its_worker(workshop: Workshop, ends: Ends) -> None:
    workshop.connect("salesforce")

    for number in moments_of(workshop, an_upload(workshop)):
        job = an_upload(workshop)
        ends(workshop, job, number)

        done, ingest = workshop.job(job), told(workshop)["ingest"]
        counts = done.counts
        at = f"at {workshop.seams.struck}: {workshop.story(job)}"
        assert (done.status, done.outcome) == (JobStatus.COMPLETED, JobOutcome.PARTIAL), at
        assert (counts.sent, counts.accepted, counts.refused, counts.invalid) == (4, 3, 1, 1), at
        assert [line["id"] for line in workshop.lines(job)] == [1, 2, 3, 4, 5], at
        assert (ingest["released"], ingest["released_twice"], ingest["rows_sent_twice"]) == (2, 0, 0), at
        assert told(workshop)["jobs"]["foreign_writes"] == 0, at
        assert workshop.sweeps_find() == [], at


@pytest.mark.parametrize("ends", [dies, sleeps])
def test_a_download_survives_whatever_becomes_of_its_worker(workshop: Workshop, ends: Ends) -> None:
    workshop.connect("salesforce")
    undisturbed = a_download(workshop)
    moments = moments_of(workshop, undisturbed)
    wanted = sorted(workshop.result(undisturbed).splitlines())

    for number in moments:
        before, job = len(told(workshop)["query"]), a_download(workshop)
        ends(workshop, job, number)

        done, made = workshop.job(job), len(told(workshop)["query"]) - before
        at = f"at {workshop.seams.struck}: {workshop.story(job)}"
        assert (done.status, done.counts.read, done.counts.stored) == (JobStatus.COMPLETED, 25, 25), at
        assert sorted(workshop.result(job).splitlines()) == wanted, at
        named = [*workshop.told(job, "vendor_job.suspected_orphan"), *workshop.told(job, "vendor_job.late_id")]
        assert made <= 1 + len(named), at
        assert told(workshop)["jobs"]["foreign_writes"] == 0, at
        assert workshop.sweeps_find() == [], at
