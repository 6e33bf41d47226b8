"""What a dead broker does to those who submit: nothing."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.client import Client
from tests.deploy.compose import KEY, Services, is_ready, running_services
from tests.journeys.running import RECORDS, connect_shop, start_download
from tests.servers import ValkeyServer, eventually

pytestmark = pytest.mark.journey

PATIENCE = timedelta(seconds=90)


@pytest.fixture
def services(tmp_path: Path, valkey: ValkeyServer) -> Iterator[Services]:
    """The services of docker-compose.yml on a Redis that this test may stop."""
    yield from running_services(tmp_path, valkey.url, valkey.url)


def test_without_a_broker_a_job_is_accepted_at_once_and_runs_when_the_broker_is_back(services, valkey):
    with Client(services.url(8080), KEY) as client:
        eventually(lambda: is_ready(client), within=60, every=0.5)
        connect_shop(client, services.url(9000))
        valkey.stop()

        began = time.monotonic()
        job = start_download(client)
        took = time.monotonic() - began
        valkey.start()
        status = client.wait(job, patience=PATIENCE)

        assert took < 1.0
        assert status["jobStatus"] == "COMPLETED"
        assert status["reconciliation"]["stored"] == RECORDS
