"""The control plane tells what happened, and never a token; the command starts a sandbox of its own."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import httpx

from orchestrator.sandbox.app import make_app

from .conftest import person


def test_the_log_shows_each_request_with_a_hash_for_its_token(sandbox):
    sandbox.api.get("/v2/people?page=101")

    body = sandbox.api.get("/_sandbox/log").text
    [entry] = sandbox.api.get("/_sandbox/log").json()["data"]

    assert "sandbox-token" not in body
    assert (entry["method"], entry["target"], entry["status"], entry["cost"]) == ("GET", "/v2/people?page=101", 200, 3)
    assert len(entry["authorization"]) == 12


def test_the_log_is_read_on_from_a_sequence_number(sandbox):
    for _ in range(3):
        sandbox.api.get("/v2/me.json")

    later = sandbox.api.get("/_sandbox/log", params={"since": 2}).json()["data"]

    assert [entry["seq"] for entry in later] == [3]


def test_the_stats_count_calls_rows_and_jobs(sandbox):
    sandbox.job(person(1), person(2))
    sandbox.data("/v2/people")

    stats = sandbox.stats()

    assert stats["requests"] == 4
    assert stats["max_concurrent"] == 1
    assert stats["routes"]["POST /v2/bulk_jobs/{id}/job_data"] == 1
    assert stats["rows"]["GET /v2/people"] == 25
    assert stats["salesloft"]["bulk"]["jobs"][0]["posts"] == [2]


def test_the_stats_tell_how_many_calls_ran_at_once(sandbox):
    sandbox.switch(latency=0.2)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: sandbox.api.get("/v2/me.json"), range(4)))

    assert sandbox.stats()["max_concurrent"] == 4


def test_a_reset_makes_everything_new(sandbox):
    sandbox.job(person(1))
    sandbox.order({"status": 500}, times=None)
    sandbox.switch(create_code=201)

    sandbox.control("reset")

    assert sandbox.stats()["requests"] == 0
    assert sandbox.data("/v2/bulk_jobs") == []
    assert sandbox.api.post("/v2/bulk_jobs", json={"type": "person/upsert"}).status_code == 200


def test_a_clock_that_runs_can_be_halted_and_let_go(started):
    sandbox = started()

    halted = [sandbox.control("clock", told=True)["now"], sandbox.control("clock")["now"]]
    advanced = sandbox.control("clock", advance=3600)["now"]
    released = sandbox.control("clock", told=False)

    assert halted[0] == halted[1]
    assert advanced > halted[1]
    assert released["now"] >= advanced
    assert released["told"] is False


def test_two_sandboxes_share_nothing():
    one, other = make_app(people=3), make_app(people=5)

    one.world.salesloft.tokens.revoke()

    assert len(other.world.salesloft.tables["people"].rows) == 5
    assert len(one.world.salesloft.tables["people"].rows) == 3


def test_the_command_names_its_address_once_it_takes_connections():
    command = [sys.executable, "-m", "orchestrator.sandbox", "--port", "0", "--people", "3", "--rate", "6000"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    try:
        word, url = process.stdout.readline().split()
        answer = httpx.get(f"{url}/v2/people", headers={"authorization": "Bearer sandbox-token"})
    finally:
        process.terminate()
        process.communicate(timeout=20)

    assert word == "started"
    assert len(answer.json()["data"]) == 3
    assert answer.headers["x-ratelimit-remaining-minute"] == "5999"
