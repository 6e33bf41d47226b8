"""Connections and schedules as a file in git."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.api.kit import Served
from tests.cli.conftest import Command

FILE = """
connections:
  team:
    provider: salesloft
    baseUrl: {url}/
    credentials: {{type: bearer, token: "${{TEAM_TOKEN}}"}}
    limits:
      - {{kind: rate, amount: 600, seconds: 60}}
    reserve: 0.2
  lists:
    provider: rest
    baseUrl: {url}
    credentials: {{type: none}}
    settings:
      resources:
        items: {{path: /rest/items, records: data, paging: {{kind: id_gt, sizeParam: per_page}}}}
schedules:
  nightly:
    cron: "{cron}"
    timezone: Europe/Berlin
    criteria: {{connection: team, objectName: people, where: "title = '$${{x}}'"}}
    overlap: queue
"""
Write = Callable[..., Path]


@pytest.fixture
def written(api: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write the file; the token is in the environment."""
    monkeypatch.setenv("TEAM_TOKEN", "sandbox-token")

    def write(text: str = FILE, cron: str = "0 3 * * *") -> Path:
        file = tmp_path / "bulkhead.yaml"
        file.write_text(text.format(url=api.workshop.sandbox.url, cron=cron) if text is FILE else text)
        return file

    return write


def actions(out: str) -> dict[str, str]:
    return {each["name"]: each["action"] for each in json.loads(out)["items"]}


def test_what_is_not_there_is_added_and_a_second_run_changes_nothing(
    bulkhead: Command, api: Served, written: Write
) -> None:
    first = bulkhead("apply", str(written()), "--json")
    second = bulkhead("apply", str(written()), "--json")

    assert (first.code, second.code) == (0, 0), first.err
    assert actions(first.out) == {"team": "add", "lists": "add", "nightly": "add"}
    assert actions(second.out) == {"team": "same", "lists": "same", "nightly": "same"}
    assert api.client.check_connection("team")["ok"]
    assert api.client.schedule("nightly")["criteria"]["where"] == "title = '${x}'"
    assert "sandbox-token" not in first.out + first.err + second.out


def test_a_dry_run_shows_the_difference_and_does_nothing(bulkhead: Command, api: Served, written: Write) -> None:
    before = bulkhead("apply", str(written()), "--dry-run")
    nothing = api.client.connections().items
    bulkhead("apply", str(written()))

    changed = bulkhead("apply", str(written(cron="0 4 * * *")), "--dry-run", "--json")

    assert before.code == 0, before.err
    assert nothing == []
    assert "nothing was done" in before.err
    assert [each["changes"] for each in json.loads(changed.out)["items"]][2] == {"cron": "0 3 * * * → 0 4 * * *"}
    assert api.client.schedule("nightly")["cron"] == "0 3 * * *"


def test_what_differs_is_changed_alone(bulkhead: Command, api: Served, written: Write) -> None:
    bulkhead("apply", str(written()))
    api.client.change_schedule("nightly", {"enabled": False})

    ran = bulkhead("apply", str(written(cron="0 5 * * *")), "--json")

    assert actions(ran.out) == {"team": "same", "lists": "same", "nightly": "change"}
    assert api.client.schedule("nightly")["cron"] == "0 5 * * *"
    assert api.client.schedule("nightly")["enabled"] is False


def test_a_connection_is_changed_in_place(bulkhead: Command, api: Served, written: Write) -> None:
    bulkhead("apply", str(written()))
    file = written()
    file.write_text(file.read_text().replace("/rest/items,", "/rest/array,").replace("records: data, ", ""))

    ran = bulkhead("apply", str(file), "--json")
    again = bulkhead("apply", str(file), "--json")

    assert actions(ran.out) == {"team": "same", "lists": "change", "nightly": "same"}, ran.err
    assert actions(again.out)["lists"] == "same"
    assert api.client.connection("lists")["settings"]["resources"]["items"]["path"] == "/rest/array"


def test_credentials_are_sent_anew_where_asked_and_never_shown(
    bulkhead: Command, api: Served, written: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEAM_TOKEN", "wrong-token")
    bulkhead("apply", str(written()))
    monkeypatch.setenv("TEAM_TOKEN", "sandbox-token")

    unasked = bulkhead("apply", str(written()), "--json")
    broken = api.client.check_connection("team")["ok"]
    asked = bulkhead("apply", str(written()), "--credentials", "team")

    assert (actions(unasked.out)["team"], broken) == ("same", False)
    assert api.client.check_connection("team")["ok"]
    assert "credentials: anew" in " ".join(asked.out.split())
    assert "-token" not in unasked.out + asked.out + asked.err
    assert bulkhead("apply", str(written()), "--credentials", "absent").code == 2


def test_limits_are_changed_in_place_and_a_quota_is_the_same_with_and_without_its_defaults(
    bulkhead: Command, api: Served, written: Write
) -> None:
    bulkhead("apply", str(written()))
    file = written()
    file.write_text(file.read_text().replace("rate, amount: 600, seconds: 60", "quota, amount: 500"))

    first = bulkhead("apply", str(file), "--json")
    second = bulkhead("apply", str(file), "--json")

    assert (actions(first.out)["team"], actions(second.out)["team"]) == ("change", "same")
    assert api.client.connection("team")["limits"] == [{"kind": "quota", "amount": 500, "window": "rolling24h"}]


def test_a_connection_is_set_by_its_options(bulkhead: Command, api: Served, written: Write) -> None:
    bulkhead("apply", str(written()))

    ran = bulkhead("connection", "set", "team", "--reserve", "0.5", "--limit", '{"kind": "concurrency", "amount": 3}')
    published = bulkhead("connection", "set", "team", "--published-limits", "--json")

    assert (ran.code, published.code) == (0, 0)
    shown = api.client.connection("team")
    assert (shown["reserve"], shown["limits"]) == (0.5, [])


def test_what_cannot_be_changed_in_place_is_told(bulkhead: Command, written: Write) -> None:
    bulkhead("apply", str(written()))
    file = written()
    file.write_text(file.read_text().replace("reserve: 0.2", "reserve: 0.2\n    budget: other"))

    ran = bulkhead("apply", str(file))

    assert ran.code == 2
    assert "connection team: budget" in ran.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("connections: [", "is no YAML, line"),
        ("- a", "holds no mapping"),
        ("jobs: {}", "unknown part, jobs"),
        ("connections: [a]", "connections in"),
        ("connections: {a: 5}", "connection a in"),
        ("connections: {a: {token: '${NOT_SET}'}}", "connections.a.token needs the environment variable NOT_SET"),
        ("connections: {a: {provider: x, credentials: {type: none}}}", "unknown_provider"),
        ("schedules: {a: {cron: '* * *', criteria: {connection: b}}}", "schedule a:"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_by_its_place(
    bulkhead: Command, api: Served, written: Write, text: str, words: str
) -> None:
    ran = bulkhead("apply", str(written(text)))

    assert ran.code == 2
    assert words in ran.err
    assert api.client.connections().items == []


def test_a_file_that_is_not_there_is_told(bulkhead: Command) -> None:
    assert bulkhead("apply", "/absent.yaml").code == 2
