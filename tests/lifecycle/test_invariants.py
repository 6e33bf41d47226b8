"""One test and more for each invariant of the architecture; the crash table (test_crashes.py) holds I1 to I3, too."""

from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select

from orchestrator.clock import WallClock, from_micros
from orchestrator.job.chunk import Stream, VendorJobState
from orchestrator.job.record import Job
from orchestrator.job.status import JobOutcome, JobStatus, StopReason
from orchestrator.results.errors import ObjectStoreDown
from orchestrator.results.objects import Body
from orchestrator.sandbox.faults import Fault, Match, Moment
from orchestrator.store.tables import chunks, metadata, steps, vendor_jobs
from tests.lifecycle.seams import Died
from tests.lifecycle.workshop import LEASE_RUNS_OUT, Workshop, people

FILL = "POST /v2/bulk_jobs/90417/job_data"
RELEASE = "PUT /v2/bulk_jobs/90417"
FILLS = Match(method="POST", path="job_data")
RESULTS = Match(method="GET", path="results")
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

    def put_or_not(key: str, data: Body) -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise ObjectStoreDown(key, "it is down")
        put(key, data)

    monkeypatch.setattr(workshop.objects, "put_new", put_or_not)


@pytest.mark.usefixtures("a_checkpoint_each_page")
def test_an_object_store_that_is_down_moves_nothing_and_poisons_nobody(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = workshop.download(workshop.connect("rest"), "items", page_size=100)
    fails(workshop, monkeypatch, times=12)

    workshop.round()
    counted = workshop.job(job).counts.stored
    done = workshop.run(job, rounds=4_000)

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


# I7 needs a Redis: tests/limits. I9: an intent precedes every effect that cannot be repeated


@pytest.mark.parametrize(
    ("moment", "vendor_job", "chunk"),
    [
        ("POST /v2/bulk_jobs", VendorJobState.INTENT, "new"),
        (FILL, VendorJobState.OPEN, "sent"),
        (RELEASE, VendorJobState.RELEASING, "acked"),
    ],
)
def test_an_intent_is_committed_before_the_request_leaves(
    workshop: Workshop, moment: str, vendor_job: VendorJobState, chunk: str
) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(3))

    with workshop.asleep(job, freeze_before=moment):
        vendor_job_states = [row["state"] for row in workshop.rows(select(vendor_jobs))]
        chunk_states = [row["state"] for row in workshop.rows(select(chunks))]

    assert (vendor_job_states, chunk_states) == ([vendor_job], [chunk])


@pytest.mark.parametrize("total", [True, False], ids=["total is told", "total is not told"])
def test_rows_that_are_found_after_a_lost_answer_are_not_sent_again(workshop: Workshop, total: bool) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(3))
    workshop.sandbox.world.change({"total_while_open": total})
    workshop.sandbox.world.order(Fault(cut=Moment.AFTER), FILLS)

    done = workshop.run(job)

    assert (done.status, done.counts.accepted) == (JobStatus.COMPLETED, 3)
    assert (workshop.bulk["created"], workshop.bulk["rows_received"]) == (1, 3)
    assert workshop.told(job, "upload.looked") == [{"chunk": 1, "found": "arrived"}]


def test_rows_that_are_not_found_leave_their_vendor_job_unreleased(workshop: Workshop) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(3))
    workshop.sandbox.world.order(Fault(cut=Moment.BEFORE), FILLS)

    done = workshop.run(job)

    assert (done.status, done.counts.accepted) == (JobStatus.COMPLETED, 3)
    assert (workshop.bulk["created"], workshop.bulk["released"]) == (2, 1)
    assert workshop.told(job, "upload.looked") == [{"chunk": 1, "found": "unproven"}]
    assert workshop.told(job, "vendor_job.abandoned") == [{"vendorJobId": "90417"}]


def test_rows_that_arrive_after_a_look_that_found_nothing_are_never_released(workshop: Workshop) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(3))

    with workshop.asleep(job, freeze_before=FILL):
        workshop.passes(LEASE_RUNS_OUT)
        workshop.run(job, workshop.worker("worker-2").turns)

    assert (workshop.bulk["rows_received"], workshop.bulk["rows_released"]) == (6, 3)


def test_half_of_the_rows_is_no_proof(workshop: Workshop) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(4))
    workshop.sandbox.world.order(Fault(cut=Moment.AFTER, drop_rows=2), FILLS)

    done = workshop.run(job)

    assert (done.status, done.counts.accepted) == (JobStatus.COMPLETED, 4)
    assert (workshop.bulk["created"], workshop.bulk["rows_released"]) == (2, 4)


@pytest.mark.parametrize("moment", [Moment.BEFORE, Moment.AFTER, Moment.BODY])
@pytest.mark.parametrize("method", ["POST", "PUT"], ids=["create", "release"])
def test_a_lost_answer_to_create_or_release_makes_no_second_job(
    workshop: Workshop, method: str, moment: Moment
) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(3))
    workshop.sandbox.world.order(Fault(cut=moment), Match(method=method, path=r"bulk_jobs(/\d+)?$"))

    done = workshop.run(job)

    assert done.status is JobStatus.COMPLETED
    assert (workshop.bulk["created"], workshop.bulk["released"], workshop.bulk["duplicates"]) == (1, 1, 0)


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("when", [Moment.BEFORE, Moment.AFTER])
@pytest.mark.parametrize("path", [r"bulk_jobs$", "job_data", r"bulk_jobs/\d+$"])
def test_a_server_error_before_or_after_the_effect_doubles_nothing(
    workshop: Workshop, path: str, when: Moment, status: int
) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(3))
    for method in ("POST", "PUT"):
        workshop.sandbox.world.order(Fault(status=status, when=when), Match(method=method, path=path))

    done = workshop.run(job)

    assert (done.status, done.counts.accepted) == (JobStatus.COMPLETED, 3)
    assert (workshop.bulk["released"], workshop.bulk["rows_released"], workshop.bulk["duplicates"]) == (1, 3, 0)


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
    workshop.store.outbox.mark(first.id, again_in=timedelta(0))
    again = workshop.store.outbox.claim(first.id)

    assert (first.kind, first.body["status"]) == ("job.completed", JobStatus.COMPLETED)
    assert taken is not None
    assert again is not None
    assert taken.webhook_id == again.webhook_id == first.webhook_id


# I12: a mismatch is an error, never a green job


def test_a_list_that_ends_before_the_vendor_s_own_count_is_a_mismatch(workshop: Workshop) -> None:
    job = workshop.download(workshop.connect("rest"), "items", page_size=100)
    workshop.sandbox.world.order(Fault(miscount=-5), times=None)

    ended = workshop.run(job)

    assert (ended.status, ended.stop_reason, ended.outcome) == (JobStatus.ABORTED, StopReason.MISMATCH, None)
    assert ended.status_message == "the vendor counted 1005 records, but 1000 were read"


def test_fates_that_are_fewer_than_the_rows_handled_are_a_mismatch_and_a_restart_asks_again(
    workshop: Workshop,
) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(5))
    workshop.sandbox.world.order(Fault(drop_rows=1), RESULTS)

    ended = workshop.run(job)
    workshop.lifecycle.restart(workshop.tenant.id, job.id)
    done = workshop.run(job)

    assert (ended.status, ended.stop_reason) == (JobStatus.ABORTED, StopReason.MISMATCH)
    assert ended.counts.accepted == 0
    assert (done.status, done.outcome, done.counts.accepted) == (JobStatus.COMPLETED, JobOutcome.SUCCEEDED, 5)
    assert [line["id"] for line in workshop.lines(job)] == [1, 2, 3, 4, 5]


def test_fates_that_are_told_twice_are_a_mismatch(workshop: Workshop) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(150))
    workshop.sandbox.world.order(Fault(overlap=1), RESULTS, after=1)

    ended = workshop.run(job)

    assert (ended.status, ended.stop_reason) == (JobStatus.ABORTED, StopReason.MISMATCH)


def test_a_vendor_that_takes_fewer_rows_than_were_sent_is_not_trusted_with_them(workshop: Workshop) -> None:
    job = workshop.upload(workshop.connect("salesloft"), people(5))
    workshop.sandbox.world.order(Fault(drop_rows=1), FILLS)

    ended = workshop.run(job)
    workshop.lifecycle.restart(workshop.tenant.id, job.id)
    done = workshop.run(job)

    assert (ended.status, ended.stop_reason) == (JobStatus.ABORTED, StopReason.MISMATCH)
    assert (done.status, done.counts.accepted) == (JobStatus.COMPLETED, 5)
    assert workshop.bulk["rows_released"] == 5
