"""A sandbox for the tests of the transport."""

from collections.abc import Iterator

import pytest

from orchestrator.sandbox.options import Options
from orchestrator.sandbox.server import Running, running


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Running]:
    with running(Options(rest_records=500)) as server:
        yield server


@pytest.fixture
def sandbox(running_sandbox: Running) -> Running:
    running_sandbox.world.reset()
    return running_sandbox
