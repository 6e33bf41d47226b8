"""A download with `where`: pushed down where the vendor can, applied here for the rest, and the same records always."""

from contextlib import suppress
from typing import Any

import pytest

from orchestrator import ceql
from orchestrator.job.record import Job
from orchestrator.job.status import JobStatus, StopReason
from orchestrator.sandbox.options import Options
from tests.lifecycle.seams import Died
from tests.lifecycle.workshop import ITEMS, LEASE_RUNS_OUT, Workshop

NASTY = ("it's", 'say "no"', "100%", "a_b", "back\\slash", "two\nlines", "NAÏVE", None)
PUSHED = (
    "LastName = 'it''s 0'",
    "LastName != 'it''s 0'",
    "LastName LIKE '%\\%%'",
    "LastName LIKE 'a\\_b%' OR LastName LIKE 'back\\\\\\\\%'",
    "LastName NOT LIKE '%a%'",
    "LastName LIKE 'two\nlines%'",
    "title IN ('IT''S', 'naïve') AND NOT Score__c IN (1, 2)",
    "Title IS NULL",
    "Title != ''",
    "NOT (Title = 'a_b' OR Score__c < 20)",
    "NOT Score__c >= 12.5",
    "Score__c > 30",
    "DoNotCall = true",
    "DoNotCall != 'true'",
    "Last_Seen__c = 2025-03-04",
    "Last_Seen__c != 2025-03-04",
    "Last_Seen__c <= 2025-03-04 AND Last_Seen__c > 2025-03-02T12:00:00.0005Z",
    "Last_Seen__c IN (2025-03-02, 2025-03-05)",
    "Birthdate < '1990-02-10' OR Birthdate >= 1990-02-20T12:00:00Z",
    "Birthdate = 1990-02-11",
    "Account.Name = 'nobody' OR LastName < 'b'",
)
HERE = (
    "Description LIKE '%crate%'",
    "Title = 'a_b' AND Description LIKE '%crate%'",
    "Title = 5",
    "Birthdate = 1990-02-11T12:00:00Z OR Score__c = 3",
    "Score__c LIKE '1%'",
)


@pytest.fixture
def options() -> Options:
    """An org and a list with few records of their own."""
    few = {"people": 120, "accounts": 0, "others": 0, "sf_accounts": 0, "sf_contacts": 0, "sf_others": 0}
    return Options(**few, rest_records=300, rate=0, speed=0, sf_speed=0)


def contacts(workshop: Workshop, count: int = 48) -> None:
    rows = [
        {
            "LastName": f"{NASTY[n % 8] or 'plain'} {n}",
            "Title": NASTY[n % 8],
            "Score__c": None if n % 5 == 0 else str(n),
            "DoNotCall": "true" if n % 3 == 0 else "false",
            "Last_Seen__c": None if n % 7 == 0 else f"2025-03-{1 + n % 6:02d}T{n % 24:02d}:00:00.000Z",
            "Birthdate": None if n % 4 == 0 else f"1990-02-{1 + n % 28:02d}",
            "Description": None if n % 2 else f"a crate of {n}",
        }
        for n in range(count)
    ]
    with workshop.sandbox.world.lock:
        workshop.sandbox.world.salesforce.add({}, {"Contact": rows}, [])


def ran(workshop: Workshop, connection: str, object_name: str, **criteria: Any) -> Job:
    return workshop.run(workshop.download(connection, object_name, **criteria))


def fitting(where: str, records: list[Any]) -> list[Any]:
    fits = ceql.predicate(ceql.parse(where))
    return [record for record in records if fits({**record, "Title": record["Title"], "title": record["Title"]})]


def in_order(records: list[Any]) -> list[Any]:
    return sorted(records, key=lambda record: str(record["Id"]))


def test_salesforce_gives_the_records_that_the_filter_means_wherever_it_is_applied(workshop: Workshop) -> None:
    contacts(workshop)
    connection = workshop.connect("salesforce")
    everybody = workshop.lines(ran(workshop, connection, "Contact"))

    for where in PUSHED + HERE:
        done = ran(workshop, connection, "Contact", where=where)

        assert done.status is JobStatus.COMPLETED, (where, done.status_message)
        wanted = fitting(where.replace("Title != ''", "Title IS NOT NULL"), everybody)
        assert in_order(workshop.lines(done)) == in_order(wanted), where
        assert (done.meta["where"]["appliedHere"] is None) is (where in PUSHED), where
        assert done.counts.read == done.counts.stored + done.counts.filtered == done.vendor_counted


def test_what_is_left_to_us_is_read_filtered_and_not_kept(workshop: Workshop) -> None:
    contacts(workshop)
    connection = workshop.connect("salesforce")
    where = "score__c > 10 AND description LIKE '%crate%'"

    done = ran(workshop, connection, "Contact", where=where, select_fields=("id", "lastname"), page_size=7)

    assert done.meta["where"] == {"pushedDown": "Score__c > 10", "appliedHere": "Description LIKE '%crate%'"}
    assert [set(line) for line in workshop.lines(done)] == [{"Id", "LastName"}] * done.counts.stored
    assert (done.counts.read, done.counts.filtered) == (30, 30 - done.counts.stored)
    assert 0 < done.counts.stored < 30


@pytest.mark.parametrize("way", ["1.0", "rest"])
def test_every_way_to_read_gives_the_same_records(workshop: Workshop, way: str) -> None:
    contacts(workshop)
    connection = workshop.connect("salesforce")
    asked = {"where": "Score__c > 10 AND Description LIKE '%crate%'", "select_fields": ("Id", "LastName")}

    one, two = (ran(workshop, connection, "Contact", bulk_api=version, **asked) for version in (way, "2.0"))

    assert one.counts.filtered == two.counts.filtered > 0
    assert one.meta["where"] == two.meta["where"]
    assert in_order(workshop.lines(one)) == in_order(workshop.lines(two))


@pytest.mark.parametrize("where", ["Score__c > 10", "Description LIKE '%crate%'"])
def test_a_limit_counts_stored_records(workshop: Workshop, where: str) -> None:
    contacts(workshop)
    connection = workshop.connect("salesforce")
    everybody = workshop.lines(ran(workshop, connection, "Contact"))

    done = ran(workshop, connection, "Contact", where=where, limit=5, page_size=4)

    wanted = {record["Id"] for record in fitting(where, everybody)}
    assert len({record["Id"] for record in workshop.lines(done)} & wanted) == done.counts.stored == 5
    assert done.counts.read == done.counts.stored + done.counts.filtered + done.counts.cut


@pytest.mark.usefixtures("a_checkpoint_each_page")
def test_wherever_a_worker_dies_the_filter_stays_parted_as_it_was(workshop: Workshop) -> None:
    contacts(workshop, 20)
    connection = workshop.connect("salesforce")
    asked = {"where": "Score__c > 4 AND Description LIKE '%crate%'", "page_size": 6}
    workshop.seams.begin()
    undisturbed = ran(workshop, connection, "Contact", **asked)

    for number in range(0, len(workshop.seams.seen), 2):
        job = workshop.download(connection, "Contact", **asked)
        workshop.seams.begin(die_after=number)
        with suppress(Died):
            workshop.run(job)
        workshop.passes(LEASE_RUNS_OUT)
        done = workshop.run(job, workshop.worker("worker-2").turns)

        assert (done.status, done.meta, done.counts.stored, done.counts.filtered) == (
            (JobStatus.COMPLETED, undisturbed.meta, undisturbed.counts.stored, undisturbed.counts.filtered)
        ), workshop.seams.struck


def test_a_field_that_does_not_exist_stops_the_job_with_the_nearest_names(workshop: Workshop) -> None:
    connection = workshop.connect("salesforce")

    done = ran(workshop, connection, "Contact", where="Lastnam = 'x'")

    assert (done.status, done.stop_reason) == (JobStatus.ABORTED, StopReason.BAD_INPUT)
    assert "LastName" in str(done.status_message)


def test_a_part_of_an_address_is_filtered_and_an_address_is_not(workshop: Workshop) -> None:
    connection = workshop.connect("salesforce")

    refused = ran(workshop, connection, "Contact", where="MailingAddress = 'x'")
    done = ran(workshop, connection, "Contact", where="MailingCity = 'x'")

    assert "its parts" in str(refused.status_message)
    assert done.status is JobStatus.COMPLETED


def test_a_rest_list_is_narrowed_by_what_its_settings_declare_and_filtered_here(workshop: Workshop) -> None:
    resource = ITEMS["resources"]["items"]
    filters = {"updated_at": {"gte": "updated_at[gte]", "lt": "updated_at[lt]"}}
    settings = {"resources": {"items": {**resource, "filters": filters}}}
    connection = workshop.connect("rest", settings=settings)
    everything = workshop.lines(ran(workshop, connection, "items"))
    since = everything[100]["updated_at"]

    where = f"updated_at >= {since} AND active = true AND sku NOT LIKE '%7'"
    done = ran(workshop, connection, "items", where=where, limit=40, select_fields=("id",))

    fits = ceql.predicate(ceql.parse(where))
    wanted = [record["id"] for record in everything if fits(record)][:40]
    assert [record["id"] for record in workshop.lines(done)] == wanted
    assert done.meta["where"]["appliedHere"] == "active = true AND sku NOT LIKE '%7'"
    assert done.counts.read < 300
    assert done.counts.read == done.counts.stored + done.counts.filtered + done.counts.cut


def test_salesloft_is_asked_for_the_span_and_the_ids_alone(workshop: Workshop) -> None:
    connection = workshop.connect("salesloft")
    everybody = workshop.lines(ran(workshop, connection, "people"))
    at = everybody[60]["updated_at"]
    where = f"updated_at > '{at}' AND id IN ({', '.join(str(each['id']) for each in everybody[50:70])}) AND id != 3"

    done = ran(workshop, connection, "people", where=where)

    fits = ceql.predicate(ceql.parse(where))
    assert workshop.lines(done) == [record for record in everybody if fits(record)]
    assert done.meta["where"]["appliedHere"] == "id != 3"
    assert done.counts.read <= 20
    assert done.vendor_counted == done.counts.read
