"""Jobs that begin where others ended: no record is lost and none comes twice, ties and latecomers included."""

from datetime import datetime, timedelta
from itertools import chain
from typing import Any

import pytest

from orchestrator.job.criteria import DownloadCriteria
from orchestrator.job.errors import Invalid
from orchestrator.job.record import Job
from orchestrator.job.status import Direction
from orchestrator.lifecycle.marks import SETTLED, mark_of
from orchestrator.sandbox.salesloft.seeding import plant
from orchestrator.store.schedules import NewSchedule
from tests.lifecycle.workshop import Workshop

HOUR = timedelta(hours=1)
A_MICROSECOND = timedelta(microseconds=1)
DATED = {
    "resources": {
        "items": {
            "path": "/rest/items",
            "records": "data",
            "paging": {"kind": "id_gt", "size_param": "per_page", "max_size": 100},
        },
        "numbered": {"path": "/rest/items", "records": "data", "paging": {"kind": "page", "size_param": "per_page"}},
    }
}


def planted(workshop: Workshop, *times: datetime) -> list[int]:
    """Add people who changed at these times to the vendor; return their ids."""
    world = workshop.sandbox.world
    stamps = [f"{at:%Y-%m-%dT%H:%M:%S.%f}Z" for at in times]
    with world.lock:
        table = world.salesloft.tables["people"]
        before = set(table.rows)
        plant(table, [{"created_at": at, "updated_at": at} for at in stamps], world.clock.now())
        return sorted(set(table.rows) - before)


def read(workshop: Workshop, job: Job) -> list[int]:
    """Run the job and return the ids of its records, in the order of the result."""
    ended = workshop.run(job)
    assert ended.status == "COMPLETED", workshop.story(job)
    return [line["id"] for line in workshop.lines(job)]


def next_of(workshop: Workshop, job: Job, **criteria: Any) -> Job:
    """Submit a job that goes on from another one."""
    connection = workshop.store.connections.by_id(job.connection_id)
    earlier = workshop.lifecycle.earlier(workshop.tenant.id, job.id)
    wanted = DownloadCriteria(**({"object_name": job.object_name} | criteria))
    return workshop.lifecycle.submit_download(connection, wanted, {}, earlier=earlier)


def test_a_chain_of_limits_reads_every_record_once_through_ties(workshop):
    now = workshop.store.database_time()
    ids = planted(workshop, *[now - 5 * HOUR + group * A_MICROSECOND for group in range(4) for _ in range(10)])
    job = workshop.download(workshop.connect("salesloft"), "people", limit=7, page_size=4)
    found = [read(workshop, job)]

    while len(found[-1]) == 7:
        job = next_of(workshop, job, limit=7, page_size=4)
        found.append(read(workshop, job))

    assert [len(each) for each in found] == [7, 7, 7, 7, 7, 5]
    assert sorted(chain.from_iterable(found)) == ids


def test_a_chain_of_limits_goes_by_the_last_key_where_there_is_one(workshop):
    connection = workshop.connect("rest", settings=DATED)
    job = workshop.download(connection, "items", limit=150)

    first, second = read(workshop, job), read(workshop, next_of(workshop, job, limit=150))

    assert first + second == list(range(1, 301))


def test_after_the_last_limit_the_chain_goes_on_from_the_mark_of_its_first_job(workshop):
    now = workshop.store.database_time()
    old = planted(workshop, *[now - 5 * HOUR] * 5)
    first = workshop.download(workshop.connect("salesloft"), "people", limit=3)
    begun = read(workshop, first)
    rest = next_of(workshop, first)
    ended = read(workshop, rest)
    late = planted(workshop, now - A_MICROSECOND)
    workshop.passes(HOUR)

    new = read(workshop, next_of(workshop, rest))

    assert sorted(begun + ended) == old
    assert new == late


def test_what_changed_at_the_mark_itself_is_read_once(workshop):
    name = workshop.connect("salesloft")
    workshop.passes(HOUR)
    first = chained(workshop, name)
    mark = mark_of(first)
    before, at, after = planted(workshop, mark - A_MICROSECOND, mark, mark + A_MICROSECOND)
    begun = read(workshop, first)
    workshop.passes(HOUR)

    second = read(workshop, next_of(workshop, first))

    assert begun == [before, at]
    assert second == [after]


def chained(workshop: Workshop, name: str) -> Job:
    """Submit the first job of a chain."""
    connection = workshop.store.connections.get(workshop.tenant.id, name)
    new = workshop.lifecycle.first_of_chain(connection, DownloadCriteria(object_name="people"))
    return workshop.store.jobs.add(new)


def test_what_shows_late_is_not_lost(workshop):
    first = chained(workshop, workshop.connect("salesloft"))
    begun = read(workshop, first)
    late = planted(workshop, first.created_at - SETTLED / 2)
    workshop.passes(HOUR)

    second = read(workshop, next_of(workshop, first))

    assert (begun, second) == ([], late)


def test_nothing_new_is_no_record_and_the_chain_stays_whole(workshop):
    now = workshop.store.database_time()
    old = planted(workshop, now - HOUR)
    first = chained(workshop, workshop.connect("salesloft"))
    found = [read(workshop, first)]
    for _ in range(2):
        workshop.passes(HOUR)
        first = next_of(workshop, first)
        found.append(read(workshop, first))
    new = planted(workshop, workshop.store.database_time())
    workshop.passes(HOUR)

    found.append(read(workshop, next_of(workshop, first)))

    assert found == [old, [], [], new]


def test_a_schedule_goes_on_from_its_last_good_job(workshop, upkeep):
    now = workshop.store.database_time()
    connection = workshop.store.connections.get(workshop.tenant.id, workshop.connect("salesloft"))
    wish = NewSchedule(
        name="often", connection_id=connection.id, every=HOUR, direction=Direction.DOWNLOAD, request={},
        criteria=DownloadCriteria(object_name="people"), continue_from_last=True, next_fire_at=now + HOUR,
    )  # fmt: skip
    workshop.store.schedules.add(workshop.tenant.id, wish)
    found, expected = [], []

    for _ in range(3):
        expected.append(planted(workshop, workshop.store.database_time()))
        workshop.passes(HOUR)
        upkeep.fire_schedules()
        found.append(read(workshop, workshop.store.jobs.list(workshop.tenant.id)[-1]))

    assert found == expected


def test_a_list_by_page_numbers_cannot_be_taken_up_in_the_middle(workshop):
    job = workshop.download(workshop.connect("rest", settings=DATED), "numbered", limit=5)
    workshop.run(job)

    with pytest.raises(Invalid) as refused:
        next_of(workshop, job)

    assert (refused.value.field, refused.value.code) == ("continueFromJobId", "not_continuable")


def test_a_list_without_a_known_time_needs_to_be_told_one(workshop):
    job = workshop.download(workshop.connect("rest", settings=DATED), "items")
    workshop.run(job)

    with pytest.raises(Invalid) as refused:
        next_of(workshop, job)

    assert refused.value.field == "filterDateField"


def test_a_job_that_has_not_ended_well_has_no_successor(workshop):
    job = workshop.download(workshop.connect("rest"), "items")

    with pytest.raises(Invalid) as refused:
        workshop.lifecycle.earlier(workshop.tenant.id, job.id)

    assert (refused.value.field, refused.value.code) == ("continueFromJobId", "not_continuable")
