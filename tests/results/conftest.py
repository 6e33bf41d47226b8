"""Every member of the object store that needs no server, and small makers of parts."""

import zlib
from collections.abc import Callable

import pytest

from orchestrator.job.chunk import Part, Stream
from orchestrator.results.objects import ObjectStore

MakePart = Callable[..., Part]


@pytest.fixture(params=["memory", "directory"])
def objects(request, tmp_path) -> ObjectStore:
    return ObjectStore.open("memory://" if request.param == "memory" else f"file://{tmp_path}/objects")


@pytest.fixture
def memory() -> ObjectStore:
    return ObjectStore.open("memory://")


@pytest.fixture
def a_part(memory) -> MakePart:
    """Store lines as a part and return its manifest row."""

    def make(*lines: bytes, partition: int = 0, seq: int = 0, step_id: int = 1, first_row: int | None = None) -> Part:
        body = b"".join(line + b"\n" for line in lines)
        key = f"jobs/1/r0/s{step_id}-q{partition}-p{seq}-e1.jsonl"
        memory.put_new(key, body)
        return Part(
            stream=Stream.RECORDS,
            step_id=step_id,
            seq=seq,
            partition=partition,
            epoch=1,
            restart=0,
            object_key=key,
            rows=len(lines),
            bytes=len(body),
            crc32=zlib.crc32(body),
            first_row=first_row,
        )

    return make
