"""Importing the Celery app reads the settings; here they name no server of anybody's."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BULKHEAD_HOME", str(tmp_path / "home"))
