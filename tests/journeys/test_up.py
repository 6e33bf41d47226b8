"""`bulkhead up`, and what happens to it."""

import os
import signal
import socket
from datetime import timedelta

import pytest

from tests.journeys.running import (
    RECORDS,
    Up,
    connect_shop,
    ids_in,
    leases,
    processes_of,
    redis_of,
    start_download,
    wait_for_rows,
    worker_of,
)
from tests.servers import eventually

pytestmark = pytest.mark.journey

CALLS_PER_SECOND = 20  # 125 pages: six seconds
PATIENCE = timedelta(seconds=90)


def test_a_worker_killed_in_the_middle_of_a_download_costs_no_record_and_doubles_none(up, tmp_path):
    with up.client() as client:
        connect_shop(client, up.told["sandbox"], calls_per_second=CALLS_PER_SECOND)
        job = start_download(client)
        wait_for_rows(client, job, 3_000)

        os.kill(worker_of(up.home), signal.SIGKILL)
        status = client.wait(job, patience=PATIENCE)

        client.save_result(job, tmp_path / "items.jsonl")
        assert status["jobStatus"] == "COMPLETED"
        assert status["reconciliation"]["stored"] == RECORDS
        assert ids_in(tmp_path / "items.jsonl") == list(range(1, RECORDS + 1))


def test_a_stop_in_the_middle_of_a_job_is_no_more_than_a_pause(up, tmp_path):
    with up.client() as client:
        connect_shop(client, up.told["sandbox"], calls_per_second=CALLS_PER_SECOND)
        job = start_download(client)
        wait_for_rows(client, job, 3_000)

    code = up.stop()
    left, held = processes_of(up.home), leases(up.home)
    up.start()
    with up.client() as client:
        status = client.wait(job, patience=PATIENCE)
        client.save_result(job, tmp_path / "stopped.jsonl")
        connect_shop(client, up.told["sandbox"], name="undisturbed")
        undisturbed = start_download(client, "undisturbed")
        client.wait(undisturbed, patience=PATIENCE)
        client.save_result(undisturbed, tmp_path / "undisturbed.jsonl")

    assert (code, left, held) == (0, {}, 0)
    assert status["jobStatus"] == "COMPLETED"
    assert (tmp_path / "stopped.jsonl").read_bytes() == (tmp_path / "undisturbed.jsonl").read_bytes()


def test_a_redis_killed_in_the_middle_of_a_download_costs_no_record_and_doubles_none(up, tmp_path):
    with up.client() as client:
        connect_shop(client, up.told["sandbox"], calls_per_second=CALLS_PER_SECOND)
        job = start_download(client)
        wait_for_rows(client, job, 3_000)

        os.kill(redis_of(up.home), signal.SIGKILL)
        status = client.wait(job, patience=PATIENCE)

        client.save_result(job, tmp_path / "items.jsonl")
        assert status["jobStatus"] == "COMPLETED"
        assert ids_in(tmp_path / "items.jsonl") == list(range(1, RECORDS + 1))


def test_a_killed_parent_leaves_no_process_behind_and_its_home_can_be_used_again(up):
    assert len(processes_of(up.home)) >= 5

    up.kill()

    eventually(lambda: not processes_of(up.home), within=40)
    up.start()
    with up.client() as client:
        assert client.ready()["status"] == "ready"


def test_a_second_up_in_the_same_home_is_refused_with_the_reason(up):
    second = Up(up.home)

    code, said = second.run_to_end()

    assert code == 1
    assert "another `bulkhead up` is running" in said


def test_a_port_that_is_taken_is_named_at_once(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        code, said = Up(tmp_path, port=port).run_to_end()

    assert code == 1
    assert f"port {port} is in use" in said


def test_the_key_and_the_address_are_in_the_home_for_other_commands(up):
    key, url = up.home / "api-key", up.home / "url"

    assert url.read_text().strip() == up.told["url"]
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.read_text().startswith("bh_")
