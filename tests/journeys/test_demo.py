"""`bulkhead demo`, as the README promises it."""

import json
import subprocess
import time

import pytest

from tests.journeys.running import BULKHEAD, clean_environment, processes_of

LONGEST_SECONDS = 120.0


@pytest.mark.journey
def test_the_demo_adds_up_within_two_minutes_and_leaves_its_files_and_no_process(tmp_path):
    home = tmp_path / "demo"

    began = time.monotonic()
    done = subprocess.run(
        (*BULKHEAD, "demo", "--home", str(home), "--json"),
        capture_output=True,
        text=True,
        env=clean_environment(),
        timeout=LONGEST_SECONDS,
        check=False,
    )

    took = time.monotonic() - began
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(check["holds"] for check in json.loads(done.stdout))
    assert took < LONGEST_SECONDS
    assert len((home / "items.jsonl").read_text().splitlines()) == 25_000
    assert len((home / "people-outcome.jsonl").read_text().splitlines()) == 12_000
    assert processes_of(home) == {}
