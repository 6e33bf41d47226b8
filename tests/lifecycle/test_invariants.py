"""One test and more for each invariant of the architecture; the crash table (test_crashes.py) holds I1 to I3, too."""

from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select

from orchestrator.clock import WallClock, from_micros
from orchestrator.job.chunk import Stream
from orchestrator.job.record import Job
from orchestrator.job.status import JobStatus
from orchestrator.results.errors import ObjectStoreDown
from orchestrator.results.objects import Body
from orchestrator.sandbox.faults import Fault
from orchestrator.store.tables import metadata, steps
from tests.lifecycle.seams import Died
from tests.lifecycle.workshop import LEASE_RUNS_OUT, Workshop, people

LEASES = {"lease_until", "due_at", "attempt", "failures", "hinted_until", "wait_reason"}


def everything(workshop: Workshop) -> Mapping[str, Any]:
    """Return all rows of all tables, but for who holds which step until when."""
    return {
        table.name: [
            {name: value for name, value in row.items() if table is not steps or name not in LEASES}
            for row in workshop.rows(select(table).order_by(*table.primary_key))
        ]
        for table in metadata.sorted_tables
    }


# I1: at most one committed effect per (step, epoch, part)


@pytest.mark.usefixtures("a_checkpoint_each_page")
def test_a_sleeper_whose_lease_was_taken_commits_nothing(workshop: Workshop) -> None:
    job = workshop.download(workshop.connect("rest"), "items", page_size=100)

    with workshop.asleep(job, freeze_before="commit checkpoint#3"):
        workshop.passes(LEASE_RUNS_OUT)
        workshop.run(job, workshop.worker("worker-2").turns)
        before = everything(workshop)

    assert everything(workshop) == before


def test_a_worker_with_an_old_heartbeat_sends_nothing_that_has_effects(workshop: Workshop) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(3))
    workshop.run_until_due(job, "upload")

    with workshop.asleep(job, freeze_after="commit checkpoint") as sleeper:
        sleeper.heartbeat.ages(timedelta(seconds=7))

    assert workshop.bulk["rows_received"] == 0
    assert workshop.told(job, "vendor.unreachable") == [{"cause": "this worker's heartbeat is too old to send"}]


def test_a_worker_that_was_told_that_its_lease_is_gone_ends_its_turn(workshop: Workshop) -> None:
    job = workshop.download(workshop.connect("rest"), "items", page_size=10)

    with workshop.asleep(job, freeze_before="GET /rest/items#3") as sleeper:
        workshop.passes(LEASE_RUNS_OUT)
        workshop.run(job, workshop.worker("worker-2").turns)
        calls = workshop.routes["GET /rest/items"]
        sleeper.heartbeat.beat()

    assert workshop.routes["GET /rest/items"] <= calls + 2


# I2: cursor, manifest rows and counters change in one transaction (statement by statement: tests/store/test_commit.py)


def fails(workshop: Workshop, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Let the object store fail so many times."""
    put, left = workshop.objects.put_new, [times]

    def put_or_not(key: str, *data: Body) -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise ObjectStoreDown(key, "it is down")
        put(key, *data)

    monkeypatch.setattr(workshop.objects, "put_new", put_or_not)


@pytest.mark.usefixtures("a_checkpoint_each_page")
def test_an_object_store_that_is_down_moves_nothing_and_poisons_nobody(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = workshop.download(workshop.connect("rest"), "items", page_size=100)
    fails(workshop, monkeypatch, times=12)

    workshop.round()
    counted = workshop.job(job).counts.stored
    done = workshop.run(job)

    assert counted == 0
    assert (done.status, done.counts.stored) == (JobStatus.COMPLETED, 1_000)
    assert [record["id"] for record in workshop.lines(job)] == list(range(1, 1_001))


# I3: no object named by a manifest row is ever overwritten


@pytest.mark.usefixtures("a_checkpoint_each_page")
def test_a_sleeper_s_part_goes_to_another_key_than_the_winner_s(workshop: Workshop) -> None:
    job = workshop.download(workshop.connect("rest"), "items", page_size=100)

    with workshop.asleep(job, freeze_before="put s1-p2-e1.jsonl".replace("s1", f"s{first_step(workshop, job)}")):
        workshop.passes(LEASE_RUNS_OUT)
        workshop.run(job, workshop.worker("worker-2").turns)
        result = workshop.result(job)

    puts = [label for label in workshop.seams.seen if label.startswith("put")]
    assert len(puts) == len(set(puts))
    assert workshop.result(job) == result


def first_step(workshop: Workshop, job: Job) -> int:
    return int(workshop.steps_of(job)[0]["id"])


# I4: parts are contiguous, keys rise


@pytest.mark.usefixtures("a_checkpoint_each_page")
def test_the_parts_of_a_partition_are_contiguous_and_their_keys_rise(workshop: Workshop) -> None:
    job = workshop.download(workshop.connect("rest"), "items", page_size=100)
    for moment in ("commit checkpoint#3", "commit checkpoint#2", "commit Moved"):
        workshop.seams.begin(die_after=moment)
        with pytest.raises(Died):
            workshop.run(job)
        workshop.passes(LEASE_RUNS_OUT)

    parts = workshop.store.parts.of_job(job.id, Stream.RECORDS)

    assert [part.seq for part in parts] == list(range(len(parts)))
    assert len({part.epoch for part in parts}) == 3
    assert all(int(first.last_key or 0) < int(then.first_key or 0) for first, then in pairwise(parts))
    assert sum(part.rows for part in parts) == 1_000


# I10: lease and due times come from the database's clock alone


@pytest.mark.parametrize("shift", [timedelta(days=-3), timedelta(days=3)])
def test_a_worker_whose_clock_is_wrong_works_like_any_other(workshop: Workshop, shift: timedelta) -> None:
    wrong = WallClock(shift)
    workshop.vendors._clock = workshop.pool._clock = wrong
    workshop.sandbox.world.order(Fault(status=429, retry_after="30"))
    job = workshop.download(workshop.connect("rest"), "items", page_size=300, api_limit=3)

    began = workshop.store.database_time()
    workshop.round()
    due_at = workshop.step_of(job, "fetch")["due_at"]
    throttled = workshop.run(job)

    assert abs(from_micros(due_at) - began - timedelta(seconds=30)) < timedelta(seconds=5)
    assert throttled.status is JobStatus.THROTTLED
    midnight = workshop.store.database_time().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    assert throttled.restart_at is not None
    assert abs(throttled.restart_at - midnight) < timedelta(seconds=5)


# I11 is in tests/store/test_commit.py; here: the id stays


def test_a_webhook_keeps_its_id_while_it_is_tried_again(workshop: Workshop) -> None:
    job = workshop.download(workshop.connect("rest"), "items", notification_url="https://listener.test/hook")
    workshop.run(job)
    (first,) = workshop.store.outbox.of_job(job.id)

    taken = workshop.store.outbox.claim(first.id)
    assert taken is not None
    workshop.store.outbox.mark(taken, again_in=timedelta(0))
    again = workshop.store.outbox.claim(first.id)

    assert again is not None
    assert taken.webhook_id == again.webhook_id == first.webhook_id
