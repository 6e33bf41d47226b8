"""Downloads by plain REST queries, where Bulk cannot or must not: the same file."""

from dataclasses import replace
from threading import enumerate as threads
from typing import Any

import pytest

from orchestrator.job.record import Job
from orchestrator.job.status import JobStatus, StopReason
from orchestrator.sandbox.faults import Fault, Match, Moment
from orchestrator.sandbox.options import Options
from tests.lifecycle.seams import Died
from tests.lifecycle.workshop import LEASE_RUNS_OUT, Workshop
from tests.servers import eventually

PAGE = Match(method="GET", path="/query/01g")
RUN_OUT = Fault(status=400, body='[{"errorCode":"INVALID_QUERY_LOCATOR","message":"invalid query locator"}]')
FIELDS = ("LastName", "Id", "Account.Name", "CreatedBy.Name", "CreatedDate", "IsDeleted", "Email")
DEPOTS = [{"Name": "Quay", "Depot_Code__c": "D-1"}, {"Name": 'a "b"\nc', "Depot_Code__c": "D-2", "Notes__c": "#N/A"}]
BY_NAME = "SELECT Id, LastName FROM Contact ORDER BY LastName, Id"

pytestmark = pytest.mark.usefixtures("a_checkpoint_each_page")


@pytest.fixture
def options(options: Options) -> Options:
    """An org with more contacts than fit on two pages."""
    return replace(options, sf_contacts=530, sf_accounts=7, sf_others=0, sf_speed=0, sf_shuffle_pages=False)


def told(workshop: Workshop) -> Any:
    """Return what Salesforce counted."""
    with workshop.sandbox.world.lock:
        return workshop.sandbox.world.salesforce.stats()


def contacts(workshop: Workshop, **criteria: Any) -> Job:
    """Submit a download of the contacts, in pages of two hundred."""
    return workshop.download("salesforce", "Contact", **{"page_size": 200, **criteria})


def sorted_lines(workshop: Workshop, job: Job) -> list[bytes]:
    """Return the lines of the file, in an order of their own."""
    return sorted(workshop.result(job).splitlines())


@pytest.mark.parametrize(
    "criteria",
    [
        {"select_fields": FIELDS},
        {},
        {"select_fields": FIELDS, "filter_nulls": True},
        {"soql": "SELECT Email, Account.Name, Id FROM Contact WHERE Email != null"},
        {"object_name": "Depot__c"},
        {"object_name": "Account"},
    ],
    ids=["fields", "all fields", "without nulls", "own soql", "numbers", "other numbers"],
)
def test_the_file_is_the_same_as_through_bulk(workshop: Workshop, criteria: dict[str, Any]) -> None:
    workshop.connect("salesforce")
    with workshop.sandbox.world.lock:
        added: dict[str, list[Any]] = {"Contact": [{"LastName": "Lone"}], "Depot__c": DEPOTS}
        workshop.sandbox.world.salesforce.add({}, added, [])
    name = criteria.get("object_name", "Contact")
    wanted = {key: value for key, value in criteria.items() if key != "object_name"}

    by_bulk = workshop.run(workshop.download("salesforce", name, bulk_api="2.0", **wanted))
    by_rest = workshop.run(workshop.download("salesforce", name, bulk_api="rest", **wanted))

    assert by_rest.status is JobStatus.COMPLETED
    assert sorted_lines(workshop, by_rest) == sorted_lines(workshop, by_bulk)
    assert by_rest.counts == by_bulk.counts
    assert (by_bulk.native, by_rest.native) == (True, False)
    assert by_rest.meta["way"] == "rest_query"


def test_what_was_chosen_is_told_with_both_costs(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    job = contacts(workshop, select_fields=FIELDS, bulk_api="rest")

    workshop.run(job)

    (plan,) = workshop.told(job, "plan.chosen")
    assert plan == {
        "way": "rest_query", "cost": 3, "alternative": "bulk_query", "alternativeCost": 4, "reason": "asked_for",
    }  # fmt: skip
    assert told(workshop)["query"] == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"sf_not_bulk": ("Contact",)}, "not_in_bulk"), ({"sf_query_jobs": 1}, "bulk_quota_used")],
    ids=["an object that Bulk does not know", "no more queries today"],
)
def test_what_bulk_does_not_run_is_read_by_rest(workshop: Workshop, change: dict[str, Any], reason: str) -> None:
    workshop.connect("salesforce")
    wanted = sorted_lines(workshop, workshop.run(contacts(workshop, select_fields=FIELDS)))
    workshop.sandbox.world.change(change)
    job = contacts(workshop, select_fields=FIELDS)

    done = workshop.run(job)

    assert (done.status, done.counts.read, done.vendor_counted) == (JobStatus.COMPLETED, 530, 530)
    assert sorted_lines(workshop, job) == wanted
    assert not done.native
    assert [plan["reason"] for plan in workshop.told(job, "plan.chosen")] == [reason]
    assert len(told(workshop)["query"]) == 1


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"sf_not_bulk": ("Contact",)}, JobStatus.ABORTED, StopReason.REJECTED),
        ({"sf_query_jobs": 1}, JobStatus.THROTTLED, StopReason.VENDOR_QUOTA),
    ],
)
def test_bulk_alone_where_nothing_else_is_wanted(
    workshop: Workshop, change: dict[str, Any], status: JobStatus, reason: StopReason
) -> None:
    workshop.connect("salesforce")
    workshop.run(contacts(workshop))
    workshop.sandbox.world.change(change)
    job = contacts(workshop, bulk_api="2.0")

    done = workshop.run(job)

    assert (done.status, done.stop_reason) == (status, reason)
    assert workshop.told(job, "plan.chosen") == []


def test_a_select_that_bulk_refuses_is_read_by_rest(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    groups = contacts(workshop, soql="SELECT Account.Name, COUNT(Id) many FROM Contact GROUP BY Account.Name")
    count = contacts(workshop, soql="SELECT COUNT() FROM Contact")

    grouped, counted = workshop.run(groups), workshop.run(count)

    assert (grouped.status, counted.status) == (JobStatus.COMPLETED, JobStatus.COMPLETED)
    assert sum(int(line["many"]) for line in workshop.lines(groups)) == 530
    assert workshop.lines(count) == [{"expr0": "530"}]
    assert told(workshop)["query"] == []


def test_deleted_records_come_by_rest_too_where_they_are_asked_for(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    with workshop.sandbox.world.lock:
        org = workshop.sandbox.world.salesforce.org
        table = org.tables["contact"]
        key = next(iter(table.rows))
        table.remove(key, org.binned(table.rows[key]))

    kept = workshop.run(contacts(workshop, bulk_api="rest"))
    every = workshop.run(contacts(workshop, bulk_api="rest", include_deleted=True))

    assert (kept.counts.stored, every.counts.stored) == (529, 530)


def test_a_limit_is_part_of_the_query(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    job = contacts(workshop, bulk_api="rest", limit=450)

    done = workshop.run(job)

    assert (done.counts.read, done.counts.stored, done.counts.cut) == (450, 450, 0)


@pytest.mark.parametrize("limit", [None, 500])
@pytest.mark.parametrize("ordered", [True, False], ids=["behind the last id", "from the start"])
def test_an_address_that_has_run_out_costs_no_row(workshop: Workshop, limit: int | None, ordered: bool) -> None:
    workshop.connect("salesforce")
    fields = FIELDS if ordered else ("LastName", "Email")
    wanted = workshop.result(workshop.run(contacts(workshop, bulk_api="rest", select_fields=fields, limit=limit)))
    job = contacts(workshop, bulk_api="rest", select_fields=fields, limit=limit)
    workshop.sandbox.world.order(RUN_OUT, PAGE, after=1)

    done = workshop.run(job)

    assert (done.status, done.counts.read, done.vendor_counted) == (JobStatus.COMPLETED, limit or 530, limit or 530)
    assert workshop.result(job) == wanted
    assert len(workshop.told(job, "list.lost")) == (0 if ordered else 1)


def test_addresses_that_run_out_again_and_again_stop_the_job_and_a_restart_goes_on(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    wanted = workshop.result(workshop.run(contacts(workshop, soql=BY_NAME, bulk_api="rest")))
    job = contacts(workshop, soql=BY_NAME, bulk_api="rest")
    workshop.sandbox.world.order(RUN_OUT, PAGE, times=4)

    stopped = workshop.run(job)
    workshop.lifecycle.restart(workshop.tenant.id, job.id)
    done = workshop.run(job)

    assert (stopped.status, stopped.stop_reason) == (JobStatus.ABORTED, StopReason.VENDOR_FAILED)
    assert (done.status, workshop.result(job)) == (JobStatus.COMPLETED, wanted)


@pytest.mark.parametrize("fault", [Fault(cut=Moment.BODY), Fault(status=503), Fault(cut=Moment.BEFORE)])
def test_a_page_that_breaks_off_is_read_again(workshop: Workshop, fault: Fault) -> None:
    workshop.connect("salesforce")
    job = contacts(workshop, bulk_api="rest")
    workshop.sandbox.world.order(fault, PAGE)

    done = workshop.run(job)

    assert (done.status, done.counts.read) == (JobStatus.COMPLETED, 530)
    assert len({line["Id"] for line in workshop.lines(job)}) == 530


def test_a_page_with_fewer_records_than_were_counted_is_never_a_green_job(workshop: Workshop) -> None:
    workshop.connect("salesforce")
    job = contacts(workshop, bulk_api="rest")
    workshop.sandbox.world.order(Fault(drop_rows=3), PAGE)

    done = workshop.run(job)

    assert (done.status, done.stop_reason) == (JobStatus.ABORTED, StopReason.MISMATCH)


@pytest.mark.parametrize("lost", [False, True], ids=["undisturbed", "an address runs out"])
@pytest.mark.parametrize("fields", [FIELDS, ("LastName",)], ids=["in order", "in any order"])
def test_a_fallback_survives_a_death_after_anything_it_does(
    workshop: Workshop, lost: bool, fields: tuple[str, ...]
) -> None:
    workshop.connect("salesforce")
    workshop.sandbox.world.change({"sf_not_bulk": ("Contact",)})

    def asked() -> Job:
        job = contacts(workshop, select_fields=fields)
        workshop.sandbox.world.faults.clear()
        if lost:
            workshop.sandbox.world.order(RUN_OUT, PAGE, after=1)
        workshop.seams.begin()
        return job

    undisturbed = asked()
    workshop.run(undisturbed)
    wanted = sorted_lines(workshop, undisturbed)
    step = 5 if workshop.database.dialect == "postgresql" else 2
    for number in range(0, len(workshop.seams.seen), step):
        job = asked()
        workshop.seams.begin(die_after=number)
        try:
            workshop.run(job)
        except Died:
            eventually(lambda: not [thread for thread in threads() if thread.name == "ahead"])
            workshop.passes(LEASE_RUNS_OUT)
            workshop.run(job, workshop.worker("worker-2").turns)

        at = f"at {workshop.seams.struck}: {workshop.story(job)}"
        done = workshop.job(job)
        assert (done.status, done.counts.read, done.counts.stored) == (JobStatus.COMPLETED, 530, 530), at
        assert sorted_lines(workshop, job) == wanted, at
        assert workshop.sweeps_find() == [], at
