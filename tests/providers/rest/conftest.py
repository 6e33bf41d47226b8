"""A REST vendor of our own, and one turn's provider for it."""

from collections.abc import Iterator

import pytest

from orchestrator.providers.provider import Provider
from orchestrator.providers.rest import REST
from orchestrator.sandbox.options import Options
from orchestrator.sandbox.server import Running, running
from tests.http.kit import a_turn
from tests.providers.rest.kit import RECORDS, SETTINGS


@pytest.fixture(scope="module")
def running_vendor() -> Iterator[Running]:
    with running(Options(rest_records=RECORDS)) as server:
        yield server


@pytest.fixture
def vendor(running_vendor: Running) -> Running:
    running_vendor.world.reset()
    return running_vendor


@pytest.fixture
def provider(vendor: Running) -> Iterator[Provider]:
    with a_turn(vendor.url) as turn:
        yield REST.make(turn.client, SETTINGS)
