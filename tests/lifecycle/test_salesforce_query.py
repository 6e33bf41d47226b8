"""A download from Salesforce: one query job, read along its locators, whatever is lost on the way."""

from datetime import UTC, datetime
from typing import Any

import pytest

from orchestrator.job.chunk import VendorJobState
from orchestrator.job.record import Job
from orchestrator.job.status import JobStatus, StopReason
from orchestrator.sandbox.faults import Fault, Match, Moment
from orchestrator.sandbox.options import Options
from tests.lifecycle.workshop import LEASE_RUNS_OUT, Workshop

CREATE = Match(method="POST", path="/jobs/query$")
RESULTS = Match(method="GET", path="/results")
NASTY = (
    'say "no"',
    "two\nlines",
    "a,b",
    "naïve 😀 \U0002070e",
    "#N/A",
    "'; drop",
    "\u2028 and \x0b",
    "tab\there",
    " x ",
)


@pytest.fixture
def options() -> Options:
    """An org with few records of its own, and a dozen jobs of other integrations."""
    return Options(
        people=0, accounts=0, others=0, sf_accounts=0, sf_contacts=0, sf_others=0, sf_speed=0, sf_foreign_jobs=12
    )


def depots(workshop: Workshop, count: int) -> list[dict[str, Any]]:
    """Put depots into the org, whose notes are as nasty as texts can be; every tenth has none."""
    rows = [
        {
            "Name": f"{NASTY[n % len(NASTY)]} {n}",
            "Depot_Code__c": f"D-{n}",
            "Notes__c": None if n % 10 == 0 else NASTY[n % len(NASTY)] * 3,
        }
        for n in range(count)
    ]
    with workshop.sandbox.world.lock:
        workshop.sandbox.world.salesforce.add({}, {"Depot__c": rows}, [])
    return rows


def asked(workshop: Workshop, object_name: str = "Depot__c", **criteria: Any) -> Job:
    """Submit a download of the depots' own fields."""
    connection = workshop.connect("salesforce")
    criteria.setdefault("select_fields", ("Name", "Depot_Code__c", "Notes__c"))
    return workshop.download(connection, object_name, **criteria)


def told(workshop: Workshop) -> Any:
    """Return what Salesforce counted."""
    with workshop.sandbox.world.lock:
        return workshop.sandbox.world.salesforce.stats()


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: str(row["Depot_Code__c"]))


def test_a_query_returns_every_record_as_it_was_loaded(workshop: Workshop) -> None:
    rows = depots(workshop, 5_200)
    job = asked(workshop, page_size=1_000)

    done = workshop.run(job)

    assert (done.status, done.counts.stored, done.vendor_counted) == (JobStatus.COMPLETED, 5_200, 5_200)
    assert in_order(workshop.lines(job)) == in_order(rows)
    assert done.native
    (vendor_job,) = workshop.store.vendor_jobs.of_job(job.id)
    assert vendor_job.state is VendorJobState.DONE
    assert vendor_job.remote_id is not None
    assert told(workshop)["jobs"]["foreign_writes"] == 0


def test_a_query_without_fields_asks_for_all_that_bulk_can_read(workshop: Workshop) -> None:
    workshop.sandbox.world.change({"sf_nul": True})
    with workshop.sandbox.world.lock:
        workshop.sandbox.world.salesforce.add({"Account": 30}, {}, [])
    job = asked(workshop, "account", select_fields=None)

    done = workshop.run(job)

    assert done.counts.stored == 30
    assert {"Id", "Name", "BillingCity"} <= workshop.lines(job)[0].keys()
    assert "BillingAddress" not in workshop.lines(job)[0]


def test_an_object_that_does_not_exist_is_answered_with_the_nearest_names(workshop: Workshop) -> None:
    job = asked(workshop, "Depot", select_fields=("Id",))

    done = workshop.run(job)

    assert (done.status, done.stop_reason) == (JobStatus.ABORTED, StopReason.BAD_INPUT)
    assert str(done.status_message).startswith("unknown_object: objectName:")
    assert "Depot__c" in str(done.status_message)
    assert told(workshop)["query"] == []


@pytest.mark.parametrize(
    ("criteria", "field", "nearest"),
    [
        ({"select_fields": ("Id", "LastNme")}, "selectFields", "LastName"),
        ({"select_fields": ("Id", "Acount.Name")}, "selectFields", "Account.Name"),
        (
            {"filter_date_field": "CreatedDat", "from_": datetime(2001, 1, 1, tzinfo=UTC)},
            "filterDateField",
            "CreatedDate",
        ),
    ],
)
def test_a_field_that_does_not_exist_is_answered_with_the_nearest_names_before_a_query_is_spent(
    workshop: Workshop, criteria: dict[str, Any], field: str, nearest: str
) -> None:
    job = asked(workshop, "Contact", **{"select_fields": ("Id",), **criteria})

    done = workshop.run(job)

    assert (done.status, done.stop_reason) == (JobStatus.ABORTED, StopReason.BAD_INPUT)
    assert str(done.status_message).startswith(f"unknown_field: {field}:")
    assert nearest in str(done.status_message)
    assert (told(workshop)["query"], done.api_calls_total) == ([], 1)


def test_fields_are_known_in_any_spelling_those_of_parents_too(workshop: Workshop) -> None:
    with workshop.sandbox.world.lock:
        workshop.sandbox.world.salesforce.add({"Contact": 3}, {}, [])
    job = asked(workshop, "contact", select_fields=("ID", "account.NAME"))

    done = workshop.run(job)

    assert (done.status, done.counts.stored) == (JobStatus.COMPLETED, 3)


def test_own_soql_is_sent_as_it_is(workshop: Workshop) -> None:
    depots(workshop, 40)
    job = asked(workshop, "", select_fields=None, soql="SELECT Depot_Code__c FROM Depot__c WHERE Depot_Code__c = 'D-7'")

    done = workshop.run(job)

    assert (done.object_name, workshop.lines(job)) == ("Depot__c", [{"Depot_Code__c": "D-7"}])


def test_the_org_itself_bounds_dates_and_numbers(workshop: Workshop) -> None:
    depots(workshop, 40)
    dates: dict[str, Any] = {"filter_date_field": "CreatedDate", "from_": datetime(2001, 1, 1, tzinfo=UTC)}
    job = asked(workshop, limit=15, **dates)
    later = workshop.download("salesforce", "Depot__c", **dates | {"from_": datetime(2090, 1, 1, tzinfo=UTC)})

    done = workshop.run(job)
    none = workshop.run(later)

    assert (done.counts.read, done.counts.stored) == (15, 15)
    assert (none.status, none.counts.read) == (JobStatus.COMPLETED, 0)


def test_deleted_records_come_only_where_they_are_asked_for(workshop: Workshop) -> None:
    rows = depots(workshop, 3)
    with workshop.sandbox.world.lock:
        org = workshop.sandbox.world.salesforce.org
        workshop.sandbox.world.salesforce.add({}, {"Depot__c": [rows[0] | {"Depot_Code__c": "gone"}]}, [])
        table = org.tables["depot__c"]
        key = list(table.rows)[-1]
        table.remove(key, org.binned(table.rows[key]))
    connection = workshop.connect("salesforce")

    kept = workshop.run(workshop.download(connection, "Depot__c", select_fields=("Id",)))
    every = workshop.run(workshop.download(connection, "Depot__c", select_fields=("Id",), include_deleted=True))

    assert (kept.counts.stored, every.counts.stored) == (3, 4)


@pytest.mark.parametrize("moment", [Moment.BEFORE, Moment.AFTER, Moment.BODY])
def test_a_lost_answer_to_a_create_starts_the_query_anew_and_names_whom_it_suspects(
    workshop: Workshop, moment: Moment
) -> None:
    depots(workshop, 30)
    job = asked(workshop)
    workshop.sandbox.world.order(Fault(cut=moment), CREATE)

    done = workshop.run(job)

    assert (done.status, done.counts.stored) == (JobStatus.COMPLETED, 30)
    orphans = workshop.told(job, "vendor_job.suspected_orphan")
    assert len(orphans) == (0 if moment is Moment.BEFORE else 1)
    assert len(told(workshop)["query"]) == 1 + len(orphans)
    assert told(workshop)["jobs"]["foreign_writes"] == 0


@pytest.mark.parametrize(
    "fault", [Fault(cut=Moment.BODY), Fault(cut=Moment.BEFORE), Fault(status=503), Fault(status=500)]
)
def test_a_set_that_breaks_off_is_read_again(workshop: Workshop, fault: Fault) -> None:
    rows = depots(workshop, 900)
    job = asked(workshop, page_size=200)
    workshop.sandbox.world.order(fault, RESULTS, after=2)

    done = workshop.run(job)

    assert done.status is JobStatus.COMPLETED
    assert in_order(workshop.lines(job)) == in_order(rows)


def test_a_worker_that_dies_in_the_middle_of_the_sets_repeats_none_that_was_committed(
    workshop: Workshop, a_checkpoint_each_page: None
) -> None:
    rows = depots(workshop, 900)
    job = asked(workshop, page_size=100)

    with workshop.asleep(job, freeze_before="commit checkpoint#4"):
        workshop.passes(LEASE_RUNS_OUT)
        workshop.run(job, workshop.worker("worker-2").turns)

    assert in_order(workshop.lines(job)) == in_order(rows)
    assert told(workshop)["query"][0]["rows"] == 900
    assert len(told(workshop)["query"]) == 1


@pytest.mark.parametrize("fault", [Fault(drop_rows=3), Fault(miscount=2)])
def test_a_set_of_another_size_than_it_says_is_never_a_green_job(workshop: Workshop, fault: Fault) -> None:
    depots(workshop, 300)
    job = asked(workshop, page_size=100)
    workshop.sandbox.world.order(fault, RESULTS)

    done = workshop.run(job)

    assert (done.status, done.stop_reason) == (JobStatus.ABORTED, StopReason.MISMATCH)


def test_a_count_that_is_not_reached_is_never_a_green_job(workshop: Workshop) -> None:
    depots(workshop, 300)
    job = asked(workshop, page_size=100)
    workshop.sandbox.world.order(Fault(miscount=7), Match(method="GET", path="/jobs/query/750[^/]*$"), times=5)

    done = workshop.run(job)

    assert (done.status, done.stop_reason) == (JobStatus.ABORTED, StopReason.MISMATCH)


def test_a_query_that_fails_stops_the_job_and_a_restart_asks_anew(workshop: Workshop) -> None:
    rows = depots(workshop, 50)
    workshop.sandbox.world.change({"sf_query_error": "QUERY_TIMEOUT: too long"})
    job = asked(workshop)

    failed = workshop.run(job)
    workshop.sandbox.world.change({"sf_query_error": ""})
    workshop.lifecycle.restart(workshop.tenant.id, job.id)
    done = workshop.run(job)

    assert (failed.status, failed.stop_reason) == (JobStatus.ABORTED, StopReason.VENDOR_FAILED)
    assert "QUERY_TIMEOUT" in str(failed.status_message)
    assert done.status is JobStatus.COMPLETED
    assert in_order(workshop.lines(job)) == in_order(rows)


def test_a_canceled_download_stops_the_query(workshop: Workshop) -> None:
    depots(workshop, 30)
    workshop.sandbox.world.change({"sf_start_after": 600.0})
    job = asked(workshop)
    workshop.run_until_due(job, "poll")

    workshop.lifecycle.cancel(workshop.tenant.id, job.id)
    done = workshop.run(job)

    assert done.status is JobStatus.CANCELED
    assert [each["state"] for each in told(workshop)["query"]] == ["Aborted"]
