"""The final form of a result: small parts merged, an upload's outcome ordered by source row."""

from collections.abc import Iterable, Sequence

from orchestrator.job.chunk import Part, Stream
from orchestrator.job.record import Job
from orchestrator.results.manifest import PartBody, merged
from orchestrator.results.objects import ObjectStore
from orchestrator.results.outcome import sort_outcome
from orchestrator.results.parts import part_key

SMALL = 1 << 20  # bytes; parts smaller than this on average cost more to read than to merge


def seal_records(
    objects: ObjectStore, parts: Sequence[Part], job: Job, step_id: int, epoch: int
) -> Sequence[Part] | None:
    """Merge the parts if they are small on average; None: they stay."""
    size = sum(part.bytes for part in parts)
    if len(parts) < 2 or size / len(parts) >= SMALL:
        return None
    return _write(objects, merged(objects, parts), Stream.RECORDS, job, step_id, epoch)


def seal_outcome(
    objects: ObjectStore, parts: Sequence[Part], job: Job, step_id: int, epoch: int
) -> Sequence[Part] | None:
    """Order the outcome by source row."""
    if not parts:
        return None
    scratch = f"jobs/{job.id}/scratch/s{step_id}-e{epoch}"
    return _write(objects, sort_outcome(objects, parts, scratch), Stream.OUTCOME, job, step_id, epoch)


def _write(
    objects: ObjectStore, bodies: Iterable[PartBody], stream: Stream, job: Job, step_id: int, epoch: int
) -> Sequence[Part]:
    parts = []
    for seq, body in enumerate(bodies):
        key = part_key(job.id, job.restarts, step_id, seq, epoch, body.ext)
        objects.put_new(key, body.body)
        parts.append(
            Part(
                stream=stream,
                step_id=step_id,
                seq=seq,
                partition=0,
                epoch=epoch,
                restart=job.restarts,
                object_key=key,
                rows=body.rows,
                bytes=len(body.body),
                crc32=body.crc32,
                first_row=body.first_row,
            )
        )
        del body  # or it would be held while the next one is made
    return parts
