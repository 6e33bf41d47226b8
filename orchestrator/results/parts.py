"""What a fetch collects between two checkpoints, and where it is stored."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import reduce

from orchestrator.job.chunk import Part, Stream
from orchestrator.results.objects import ObjectStore

READY_AT = 16 << 20  # bytes; the checkpoint rule of the architecture (§5.3)

Body = bytes | bytearray | memoryview


def part_key(job_id: int, restart: int, step_id: int, seq: int, epoch: int, ext: str = "jsonl") -> str:
    """Name a part's object; the epoch keeps a fenced writer's object apart from the winner's."""
    return f"jobs/{job_id}/r{restart}/s{step_id}-p{seq}-e{epoch}.{ext}"


@dataclass(frozen=True, kw_only=True)
class Unwritten:
    """A part whose bytes are still in memory; its checksum is not known yet (0)."""

    part: Part
    bodies: Sequence[Body] = field(repr=False)

    def write(self, objects: ObjectStore) -> Part:
        """Write the part, create-only, and return it with its checksum; may run beside the turn.

        Writing and summing 16 MiB takes 25 ms, during which other pages come. Raises ObjectStoreDown.
        """
        objects.put_new(self.part.object_key, *self.bodies)
        return replace(self.part, crc32=reduce(lambda sum_, body: zlib.crc32(body, sum_), self.bodies, 0))


class PartBuffer:
    """Page bodies on their way into one part; nothing is copied before it is written.

    Bodies are JSONL with whole lines, or rows of a CSV whose header comes with them; they must not be changed after
    they were added. A part of CSV begins with the header, and its name ends so.
    """

    def __init__(self, ready_at: int = READY_AT) -> None:
        self._ready_at = ready_at
        self._reset()

    def _reset(self) -> None:
        self._bodies: list[Body] = []
        self._ext = "jsonl"
        self.rows = 0
        self.bytes = 0
        self.first_key: str | None = None
        self.last_key: str | None = None

    def add(
        self,
        body: Body,
        rows: int,
        first_key: str | None = None,
        last_key: str | None = None,
        header: bytes | None = None,
    ) -> None:
        """Append one page's records; `header` is the CSV's, the same for all pages."""
        if header is not None and not self._bodies:
            self._ext = "csv"
            self._bodies.append(header)
            self.bytes += len(header)
        self._bodies.append(body)
        self.rows += rows
        self.bytes += len(body)
        if self.first_key is None:
            self.first_key = first_key
        self.last_key = last_key if last_key is not None else self.last_key

    @property
    def ready(self) -> bool:
        """Whether there is enough for a checkpoint without waiting for the time."""
        return self.bytes >= self._ready_at

    def cut(
        self,
        *,
        stream: Stream,
        job_id: int,
        step_id: int,
        seq: int,
        partition: int,
        epoch: int,
        restart: int,
        first_row: int | None = None,
    ) -> Unwritten:
        """Return everything added so far as a part to be written, and start empty again."""
        part = Part(
            stream=stream,
            step_id=step_id,
            seq=seq,
            partition=partition,
            epoch=epoch,
            restart=restart,
            object_key=part_key(job_id, restart, step_id, seq, epoch, self._ext),
            rows=self.rows,
            bytes=self.bytes,
            crc32=0,
            first_row=first_row,
            first_key=self.first_key,
            last_key=self.last_key,
        )
        bodies = self._bodies
        self._reset()
        return Unwritten(part=part, bodies=bodies)
