"""Reading what commits wrote: timelines, errors, vendor jobs, chunks and manifests."""

import pytest
from sqlalchemy import insert

from orchestrator.job.chunk import Chunk, ChunkState, Part, Stream, VendorJobState
from orchestrator.job.errors import Missing
from orchestrator.store.chunks import Chunks
from orchestrator.store.connections import Connection
from orchestrator.store.events import Events
from orchestrator.store.parts import Parts
from orchestrator.store.row_errors import RowErrors
from orchestrator.store.tables import chunks, error_codes, parts, row_errors, vendor_jobs
from orchestrator.store.vendor_jobs import VendorJobs
from tests.store.given import a_connection, a_job, a_tenant


@pytest.fixture
def connection(database) -> Connection:
    return a_connection(database, a_tenant(database))


@pytest.fixture
def job(database, connection) -> int:
    return a_job(database, connection)


def write(database, table, *rows: dict[str, object]) -> None:
    with database.write() as connection:
        for row in rows:
            connection.execute(insert(table).values(**row))


def a_part(job: int, **changes: object) -> dict[str, object]:
    part = {"job_id": job, "restart": 0, "stream": "records", "step_id": 1, "seq": 0, "partition": 0, "epoch": 1}
    part |= {"rows": 10, "bytes": 100, "crc32": 2**32 - 1, "object_key": str(changes)}
    return part | changes


def test_a_timeline_is_read_page_by_page(database, job):
    events = Events(database)
    for number in range(5):
        events.add(job, "rate.waited", {"seconds": number}, step_id=3)
    born = events.list(job, size=1)

    page = events.list(job, after=born[0].id, size=2)
    rest = events.list(job, after=page[-1].id)

    assert born[0].name == "job.created"
    assert [each.data["seconds"] for each in (*page, *rest)] == [0, 1, 2, 3, 4]
    assert (page[0].step_id, page[0].at.tzinfo is not None) == (3, True)


def test_errors_are_read_page_by_page_and_counted_by_code(database, job):
    error = {"job_id": job, "identifier": "a@b.c", "code": "invalid", "message": "m", "retryable": False}
    for row in (None, 4, 5):
        write(database, row_errors, {**error, "row": row, "phase": "upload", "at": 1})
    write(database, error_codes, {"job_id": job, "code": "invalid", "count": 30_000})
    errors = RowErrors(database)

    first = errors.list(job, size=2)
    rest = errors.list(job, after=first[-1].id)

    assert [each.row for each in (*first, *rest)] == [None, 4, 5]
    assert errors.counts(job) == {"invalid": 30_000}


def test_vendor_jobs_are_read_in_the_order_they_were_planned(database, connection, job):
    vendor_job = {"job_id": job, "created_at": 1, "rows": 5}
    for seq in (2, 1):
        row = {**vendor_job, "seq": seq, "marker": f"bulkhead:{seq}", "remote_id": f"r{seq}", "state": "open"}
        write(database, vendor_jobs, row)
    stored = VendorJobs(database)

    all_of_them = stored.of_job(job)

    assert [(each.seq, each.state) for each in all_of_them] == [(1, VendorJobState.OPEN), (2, VendorJobState.OPEN)]
    assert stored.get(job, 2).remote_id == "r2"
    assert stored.ours(connection.id, ["r1", "somebody else's"]) == {"r1": job}
    with pytest.raises(Missing):
        stored.get(job, 3)


def test_chunks_are_read_in_the_order_of_the_input(database, job):
    chunk = {
        "job_id": job,
        "object_key": "o",
        "rows_key": "r",
        "rows": 5,
        "bytes": 50,
        "first_row": 1,
        "state": "acked",
    }
    for seq, vendor_seq in ((2, 1), (0, 0), (1, 1)):
        write(database, chunks, {**chunk, "seq": seq, "vendor_seq": vendor_seq})
    stored = Chunks(database)

    all_of_them, of_one = stored.of_job(job), stored.of_vendor_job(job, 1)

    assert [each.seq for each in all_of_them] == [0, 1, 2]
    assert [each.seq for each in of_one] == [1, 2]
    assert isinstance(of_one[0], Chunk)
    assert of_one[0].state is ChunkState.ACKED


def test_a_manifest_is_in_the_order_of_the_result(database, job):
    later, first = a_part(job, partition=2**32, step_id=2), a_part(job, seq=0)
    write(database, parts, later, a_part(job, seq=1, restart=1), first, a_part(job, stream="outcome", step_id=9))
    stored = Parts(database)

    manifest = stored.of_job(job, Stream.RECORDS)

    assert [(each.partition, each.seq) for each in manifest] == [(0, 0), (0, 1), (2**32, 0)]
    assert isinstance(manifest[0], Part)
    assert manifest[0].crc32 == 2**32 - 1
    assert len(stored.of_job(job, Stream.RECORDS, restart=1)) == 1
    assert len(stored.of_step(job, 2)) == 1
    assert stored.rows(job, Stream.RECORDS) == 30
    assert stored.named(str(first["object_key"]))
    assert not stored.named("garbage")
