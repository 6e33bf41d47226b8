"""`bulkhead connection limits`."""

import json
import time

import pytest

from orchestrator.sandbox.faults import Fault
from tests.api.kit import Served
from tests.cli.conftest import Command


def test_limits_are_shown_as_a_table_and_as_json(bulkhead: Command, api: Served) -> None:
    api.connect()

    shown, told = bulkhead("connection", "limits", "rest"), bulkhead("connection", "limits", "rest", "--json")

    assert shown.code == 0, shown.err
    assert "budget rest at rest" in shown.out
    assert "600000" in shown.out.replace("e+05", "00000").replace("6e00000", "600000")
    assert json.loads(told.out)["budget"] == "rest"


def test_who_waits_is_shown(bulkhead: Command, api: Served) -> None:
    api.connect()
    api.workshop.sandbox.world.order(Fault(status=429, retry_after="60"), times=1)
    api.client.download({"connection": "rest", "objectName": "items"})
    api.workshop.round()

    shown = bulkhead("connection", "limits", "rest")

    assert "blocked by gate until" in shown.out
    assert "retry_after" in shown.out


def test_a_watch_goes_on_until_ctrl_c(bulkhead: Command, api: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    api.connect()
    looks = []

    def one_second(_: float) -> None:
        looks.append(1)
        if len(looks) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", one_second)
    ran = bulkhead("connection", "limits", "rest", "--watch", "--json")

    assert ran.code == 0, ran.err
    assert len(ran.out.splitlines()) == 3


def test_a_watch_for_people_ends_well_too(bulkhead: Command, api: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    api.connect()
    looks = []

    def one_second(_: float) -> None:
        looks.append(1)
        if len(looks) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", one_second)
    ran = bulkhead("connection", "limits", "rest", "-w")

    assert ran.code == 0, ran.err
    assert "budget rest at rest" in ran.out
