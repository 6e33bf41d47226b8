"""Schedules from the command line."""

import json

from tests.api.kit import Served
from tests.cli.conftest import Command


def test_a_schedule_is_changed_paused_run_and_resumed(api: Served, bulkhead: Command) -> None:
    api.connected("rest")
    bulkhead("schedule", "add", "often", "--every", "600", "-c", "rest", "-o", "items", "--overlap", "queue")

    changed = json.loads(bulkhead("schedule", "change", "often", "--catch-up", "all", "--json").out)
    paused = bulkhead("schedule", "pause", "often")
    started = json.loads(bulkhead("schedule", "run", "often", "--json").out)
    resumed = json.loads(bulkhead("schedule", "resume", "often", "--json").out)

    assert (changed["overlap"], changed["catchUp"], changed["everySeconds"]) == ("queue", "all", 600)
    assert (paused.code, resumed["enabled"]) == (0, True)
    assert f"started  {started['id']}" in bulkhead("schedule", "fires", "often").out


def test_a_word_that_no_policy_has_is_refused(api: Served, bulkhead: Command) -> None:
    api.connected("rest")

    ran = bulkhead("schedule", "add", "often", "--every", "600", "-c", "rest", "-o", "items", "--overlap", "wait")

    assert ran.code == 2
    assert "overlap" in ran.err
