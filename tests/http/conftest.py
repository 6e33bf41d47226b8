"""A sandbox for the tests of the transport."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from orchestrator.limits.limit import Seed
from orchestrator.sandbox.options import Options
from orchestrator.sandbox.server import Running, running
from tests.conftest import TimeTold
from tests.http.witness import PER_MINUTE, Witness


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Running]:
    with running(Options(rest_records=500)) as server:
        yield server


@pytest.fixture
def sandbox(running_sandbox: Running) -> Running:
    running_sandbox.world.reset()
    return running_sandbox


@pytest.fixture
def limiter(time_told: TimeTold) -> Witness:
    """A limiter that has known the budget for a while: its buckets are full."""
    limiter = Witness(time_told)
    limiter.seed("b1", (PER_MINUTE,), Seed())
    time_told.passes(timedelta(minutes=5))
    return limiter
