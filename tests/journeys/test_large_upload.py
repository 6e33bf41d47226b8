"""A large file costs the API disk, not memory."""

from pathlib import Path

import pytest

from tests.journeys.large_upload import growth

pytestmark = pytest.mark.journey


def test_a_file_of_any_size_passes_through_little_memory(tmp_path: Path) -> None:
    grown = growth(128 << 20, tmp_path)

    assert grown < 64 << 20, f"{grown / 2**20:.1f} MiB"
