"""Rows to upload, chunks of them, and what became of them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from orchestrator.job.step import Cursor
from orchestrator.providers.look import Posted, Proof, Walking
from orchestrator.providers.provider import Fate
from orchestrator.providers.salesloft.bulk_jobs import SalesloftBulkJobs
from orchestrator.providers.salesloft.canonical import canonical_hash
from tests.providers.salesloft.conftest import Team

Records = Sequence[dict[str, Any]]


def people(count: int, first: int = 1) -> Records:
    return [
        {"upsert_key": "email_address", "email_address": f"new-{n}@orchard.test", "first_name": "Ines", "n": n + 0.5}
        for n in range(first, first + count)
    ]


def chunk(records: Records) -> bytes:
    return msgspec.json.encode(records)


def posted(records: Records, acked: int = 0) -> Posted:
    hashes = [canonical_hash(msgspec.json.encode(record)) for record in records]
    return Posted(acked_rows=acked, rows=len(records), hashes=hashes)


def looked(sink: SalesloftBulkJobs, job: str, lost: Posted, walk: Cursor | None = None) -> Proof:
    """Look until it is known, each time as another turn would."""
    while True:
        found = sink.look(job, lost, walk)
        if not isinstance(found, Walking):
            return found
        walk = msgspec.json.decode(msgspec.json.encode(found.cursor))


def released(team: Team, records: Records) -> tuple[SalesloftBulkJobs, str]:
    sink = team.sink()
    job = sink.create("bulkhead:1")
    for start in range(0, len(records), sink.chunk_rows):
        sink.fill(job, chunk(records[start : start + sink.chunk_rows]))
    sink.release(job)
    return sink, job


def fates(sink: SalesloftBulkJobs, job: str, cursor: Cursor | None = None) -> list[Fate]:
    return [fate for page in sink.fates(job, cursor or {}, lambda: True) for fate in page.fates]
