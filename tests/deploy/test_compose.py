"""The compose files: what they start works together, on a real PostgreSQL and a real Redis."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from kombu import Connection

from orchestrator.cli import rehearsal
from orchestrator.cli.rehearsal import Size
from orchestrator.client import Client
from tests.deploy.compose import KEY, Services, get, is_ready, read, running_services, vendor_counts
from tests.servers import eventually, missing

REDIS = os.environ.get("BULKHEAD_TEST_REDIS_URL", "redis://127.0.0.1:6379")
RABBITMQ = "amqp://guest:guest@127.0.0.1:5672//"
PATIENCE = timedelta(seconds=90)
SIZE = Size(people=3_000, records=25_000)


@pytest.fixture
def redis_urls() -> Iterator[tuple[str, str]]:
    """Two databases of the real Redis that nobody uses, emptied afterwards."""
    with redis.Redis.from_url(REDIS) as client:
        try:
            used = {int(name.removeprefix("db")) for name in client.info("keyspace")}
        except redis.ConnectionError:
            missing("Redis")
    free = [number for number in range(15, 1, -1) if number not in used][:2]
    yield f"{REDIS}/{free[0]}", f"{REDIS}/{free[1]}"
    for number in free:
        with redis.Redis.from_url(f"{REDIS}/{number}") as client:
            client.flushdb()


@pytest.fixture
def rabbitmq_url() -> Iterator[str]:
    """The real RabbitMQ; our queues are deleted afterwards."""
    with Connection(RABBITMQ, connect_timeout=2) as connection:
        try:
            connection.ensure_connection(max_retries=1)
        except connection.connection_errors:
            missing("RabbitMQ")
        yield RABBITMQ
        with connection.channel() as channel:
            for queue in ("p.salesloft", "p.rest", "control", "notify"):
                channel.queue_delete(queue)


@pytest.fixture(params=["redis", "rabbitmq"])
def broker_url(request: pytest.FixtureRequest, redis_urls: tuple[str, str]) -> str:
    """Each broker that works."""
    return redis_urls[0] if request.param == "redis" else str(request.getfixturevalue("rabbitmq_url"))


@pytest.fixture
def services(tmp_path: Path, broker_url: str, redis_urls: tuple[str, str]) -> Iterator[Services]:
    """The services of docker-compose.yml, running."""
    yield from running_services(tmp_path, broker_url, redis_urls[1])


@pytest.mark.journey
def test_what_compose_starts_moves_records_both_ways_and_stops_in_time(services, tmp_path):
    people, outcome, items = tmp_path / "people.csv", tmp_path / "outcome.jsonl", tmp_path / "items.jsonl"
    rehearsal.write_people(people, SIZE)
    with Client(services.url(8080), KEY) as client:
        eventually(lambda: is_ready(client), within=60, every=0.5)
        before = vendor_counts(services)
        rehearsal.connect(client, services.url(9000))

        up, down = rehearsal.upload(client, people), rehearsal.download(client)
        ends = [client.wait(job, patience=PATIENCE) for job in (up, down)]

        client.save_result(up, outcome, format="jsonl")
        client.save_result(down, items, format="jsonl")
        vendor, there = vendor_counts(services), before["salesloft"]["records"]["people"]
        checks = [
            *rehearsal.upload_checks(ends[0], vendor, outcome, SIZE, there),
            *rehearsal.download_checks(ends[1], vendor, items, SIZE),
        ]
        assert [check for check in checks if not check.holds] == []
        assert sees_tasks(services.url(5555))
        assert set(services.stop().values()) == {0}


def test_flower_and_the_api_are_published_on_the_loopback_alone():
    services = {**read("docker-compose.yml"), **read("deploy/compose.production.yml")}

    published = [port for service in services.values() for port in service.get("ports", ())]

    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


@pytest.mark.parametrize("path", ["docker-compose.yml", "deploy/compose.production.yml"])
def test_every_part_waits_for_the_migration_and_has_time_to_end_its_turns(path):
    parts = {name: each for name, each in read(path).items() if each["image"].startswith("bulkhead")}

    consumers = {name: each for name, each in parts.items() if name not in {"migrate", "sandbox"}}

    assert {"api", "worker", "control", "beat", "flower"} <= set(consumers)
    awaited = {each["depends_on"]["migrate"]["condition"] for each in consumers.values()}
    assert awaited == {"service_completed_successfully"}
    assert all(each["stop_grace_period"] == "35s" for each in parts.values())


def test_redis_never_evicts_and_keeps_what_it_has():
    lines = (Path(__file__).parents[2] / "deploy/redis.conf").read_text().splitlines()

    assert {"maxmemory-policy noeviction", "appendonly yes"} <= set(lines)


def sees_tasks(flower: str) -> bool:
    refused, _ = get(flower, "/api/tasks")
    status, tasks = get(flower, "/api/tasks", "bulkhead:bulkhead")
    return refused == 401 and status == 200 and b"bulk.upload" in tasks and b"bulk.fetch" in tasks
