"""Files that are made to fill a memory: a clear error, and nothing filled."""

import struct
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from orchestrator.job.errors import Invalid
from orchestrator.results.inputs import open_input
from orchestrator.results.inputs.archive import Archive
from orchestrator.results.objects import ObjectStore

Promise = Callable[[int], AbstractContextManager[None]]

MEBIBYTE = 1 << 20
HUGE = 10 << 30  # bytes


def a_zip(name: str, told: int) -> bytes:
    """Return a zip with a file of 10 GiB of zeros, of which it tells another size."""
    packer = zlib.compressobj(wbits=-15)
    piece = packer.compress(bytes(16 * MEBIBYTE)) + packer.flush(zlib.Z_FULL_FLUSH)
    packed = piece * (HUGE // (16 * MEBIBYTE)) + packer.flush()
    title, sizes = name.encode(), struct.pack("<HHQQ", 1, 16, told, len(packed))
    common = struct.pack("<HHHHHLLLHH", 45, 0, 8, 0, 33, 0, 0xFFFFFFFF, 0xFFFFFFFF, len(title), len(sizes))
    local = b"PK\x03\x04" + common + title + sizes + packed
    entry = b"PK\x01\x02" + struct.pack("<H", 45) + common + struct.pack("<HHHLL", 0, 0, 0, 0, 0) + title + sizes
    return local + entry + b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, 1, 1, len(entry), len(local), 0)


def stored(body: bytes) -> ObjectStore:
    """Return a store that holds a file."""
    objects = ObjectStore.open("memory://")
    objects.put_new("in", body)
    return objects


def a_cell(folder: Path, piece: bytes) -> ObjectStore:
    """Return a store with a CSV whose second row has a cell of 100 MiB."""
    objects = ObjectStore.open(f"file://{folder}")
    with objects.writer("in") as out:
        out.write(b'Name,Notes\nQuay,fine\nDock,"')
        for _ in range(100):
            out.write(piece * (MEBIBYTE // len(piece)))
        out.write(b'"\nMole,fine\n')
    return objects


def test_a_cell_of_100_mebibytes_without_an_end_is_an_error(at_most: Promise, tmp_path: Path) -> None:
    objects = a_cell(tmp_path, b"x" * MEBIBYTE)

    with at_most(200), pytest.raises(Invalid) as refused:
        list(open_input(objects, "in", "csv").rows())

    assert refused.value.code == "line_too_long"


def test_a_cell_of_100_mebibytes_of_short_lines_is_an_error_of_its_row(at_most: Promise, tmp_path: Path) -> None:
    objects = a_cell(tmp_path, b"x" * 65_535 + b"\n")

    with at_most(100):
        rows = [(row.values, row.problem) for row in open_input(objects, "in", "csv").rows()]

    assert rows[0] == ({"Name": "Quay", "Notes": "fine"}, None)
    assert rows[1][1] is not None
    assert (rows[1][1].code, "quote not closed" in rows[1][1].message) == ("broken_csv", True)


def test_a_zip_of_10_gibibytes_of_zeros_is_not_unpacked(at_most: Promise) -> None:
    archive = Archive(stored(a_zip("request.txt", HUGE)), "in")

    with at_most(8), pytest.raises(Invalid) as refused:
        archive.manifest()

    assert refused.value.code == "too_large"


@pytest.mark.parametrize("told", [100, 5 * MEBIBYTE])
def test_a_zip_that_lies_about_its_size_is_unpacked_no_further_than_that(at_most: Promise, told: int) -> None:
    archive = Archive(stored(a_zip("request.txt", told)), "in")

    with at_most(48), pytest.raises(Invalid) as refused:
        archive.manifest()

    assert refused.value.code == "bad_zip"


def test_a_file_of_a_zip_that_lies_is_unpacked_no_further_than_that(at_most: Promise) -> None:
    archive = Archive(stored(a_zip("zeros", 1000)), "in")

    with at_most(48), pytest.raises(Invalid) as refused:
        archive.read("zeros")

    assert (archive.size("zeros"), refused.value.code) == (1000, "bad_zip")
