"""Whole runs; each has a Bulkhead of its own, in a folder of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.running import Up


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """A running `bulkhead up --sandbox`."""
    up = Up(tmp_path / "home")
    up.start()
    yield up
    up.clear()
