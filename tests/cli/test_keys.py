"""Keys on the command line: the encryption keys rotate, API keys are renewed."""

import json

import pytest

from orchestrator.secrets import generate
from tests.api.kit import Served
from tests.cli.conftest import Command


def test_a_rotation_names_what_no_key_opens(api: Served, bulkhead: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    api.connected("rest")
    monkeypatch.setenv("BULKHEAD_KEYS", generate())

    ran = bulkhead("keys", "rotate")

    assert ran.code == 1
    assert "no key opens: connection rest" in ran.err


def test_a_rotation_says_how_many_secrets_it_sealed(api: Served, bulkhead: Command) -> None:
    ran = bulkhead("keys", "rotate", "--json")

    assert (ran.code, json.loads(ran.out)) == (0, {"resealed": 0, "unopenable": []})


def test_a_renewed_key_works_beside_the_old_one(api: Served, bulkhead: Command) -> None:
    made = json.loads(bulkhead("keys", "add", "reports", "--tenant", "acme", "--json").out)

    renewed = json.loads(bulkhead("keys", "renew", str(made["id"]), "--tenant", "acme", "--json").out)

    codes = [bulkhead("jobs", "--api-key", each["apiKey"]).code for each in (made, renewed)]
    assert codes == [0, 0]
    assert renewed["apiKey"] != made["apiKey"]
