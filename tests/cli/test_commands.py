"""The command line as a person or a script uses it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.cli.main import GROUPS, with_wait
from orchestrator.job.criteria import Operation
from tests.api.kit import Served
from tests.api.vendor_job_kit import an_upload, remote_id
from tests.cli.conftest import Command, run

PEOPLE = "email_address,first_name\nc1@orchard.test,Cas\nc2@orchard.test,Col\n"
ONE_REFUSED = PEOPLE + ",Nobody\n"


@pytest.mark.usefixtures("working")
def test_a_download_waits_and_writes_its_file(bulkhead: Command, api: Served, tmp_path: Path) -> None:
    api.connect()
    out = tmp_path / "items.csv"

    ran = bulkhead("download", "-c", "rest", "-o", "items", "--format", "csv", "--out", str(out), "--wait")

    assert ran.code == 0, ran.err
    assert "COMPLETED" in ran.out
    assert len(out.read_text().splitlines()) == 1_001


@pytest.mark.usefixtures("working")
def test_an_upload_with_refused_rows_ends_with_3(bulkhead: Command, api: Served, tmp_path: Path) -> None:
    api.connect("salesloft")
    file = tmp_path / "people.csv"
    file.write_text(ONE_REFUSED)
    words = ("upload", str(file), "-c", "salesloft", "-o", "person", "--operation", "upsert", "--key", "email_address")

    ran = bulkhead(*words, "--wait", "--json")
    errors = bulkhead("errors", "--last", "--json")

    assert ran.code == 3, ran.err
    assert json.loads(ran.out)["outcome"] == "PARTIAL"
    assert [error["recordIndex"] for error in json.loads(errors.out)] == [3]


def test_a_wait_that_runs_out_ends_with_4_and_tells_how_to_go_on(bulkhead: Command, api: Served) -> None:
    api.connect()

    ran = bulkhead("download", "-c", "rest", "-o", "items", "--wait", "0.01")

    assert ran.code == 4
    assert "bulkhead watch 1" in ran.out


def test_ctrl_c_leaves_the_job_alone_and_tells_how_to_go_on(
    bulkhead: Command, api: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.connect()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupted)
    ran = bulkhead("download", "-c", "rest", "-o", "items", "--wait")

    assert ran.code == 4
    assert "bulkhead cancel 1" in ran.err
    assert api.client.status(1)["jobStatus"] == "CREATED"


def test_last_stands_for_the_job_that_was_started_last(bulkhead: Command, api: Served) -> None:
    api.connect()
    bulkhead("download", "-c", "rest", "-o", "items")
    bulkhead("download", "-c", "rest", "-o", "items", "--name", "second")

    ran = bulkhead("status", "--last", "--json")

    assert ran.code == 4
    assert json.loads(ran.out)["metaData"]["name"] == "second"


def test_without_a_note_last_is_the_newest_job_there_is(bulkhead: Command, api: Served) -> None:
    api.connect()
    api.client.download({"connection": "rest", "objectName": "items"})

    ran = bulkhead("cancel", "--last")

    assert (ran.code, ran.out) == (0, "job 1 CANCELED\n")
    assert bulkhead("status", "1").code == 1


def test_a_paused_job_is_resumed_and_a_running_one_not_restarted(bulkhead: Command, api: Served) -> None:
    api.connect()
    job = str(api.client.download({"connection": "rest", "objectName": "items"}).id)

    codes = [bulkhead(verb, job).code for verb in ("pause", "resume", "restart")]

    assert codes == [0, 0, 2]


def test_results_and_data_are_printed(bulkhead: Command, api: Served, tmp_path: Path) -> None:
    api.connect()
    job = api.client.download({"connection": "rest", "objectName": "items", "limit": 3}).id
    api.run(job)
    out = tmp_path / "out.json"

    printed = bulkhead("results", str(job))
    written = bulkhead("results", str(job), "--format", "json", "--out", str(out), "--json")
    page = bulkhead("data", str(job), "--size", "2", "--after", "1")

    assert [json.loads(line)["id"] for line in printed.out.splitlines()] == [1, 2, 3]
    assert json.loads(written.out)["bytes"] == out.stat().st_size
    assert [json.loads(line)["id"] for line in page.out.splitlines()] == [2, 3]


def test_lists_are_tables_for_people_and_json_for_scripts(bulkhead: Command, api: Served) -> None:
    api.connect()
    api.client.download({"connection": "rest", "objectName": "items", "name": "nightly"})

    jobs, connections = bulkhead("jobs"), bulkhead("connection", "list")
    events = bulkhead("events", "1", "--json")

    assert "nightly" in jobs.out
    assert "rest" in connections.out
    assert json.loads(events.out)[0]["name"] == "job.created"


def test_the_jobs_at_the_provider_are_listed_and_one_is_shown(bulkhead: Command, api: Served) -> None:
    api.connect("salesforce")
    job = an_upload(api, "salesforce")
    id_ = remote_id(api, job)

    listed = bulkhead("connection", "vendor-jobs", "salesforce", "--filter", "jobType=V2Ingest", "--all")
    shown = bulkhead("connection", "vendor-jobs", "salesforce", "--id", id_, "--json")
    refused = bulkhead("connection", "vendor-jobs", "salesforce", "--id", id_, "--set", "Aborted")
    alone = bulkhead("connection", "vendor-jobs", "salesforce", "--set", "Aborted")

    assert (id_ in listed.out, "ours" in listed.out) == (True, True)
    assert json.loads(shown.out)["bulkhead"] == {"mark": "ours", "jobId": job.id}
    assert (refused.code, "vendor_job_in_use" in refused.err) == (2, True)
    assert alone.code == 2


@pytest.mark.usefixtures("working")
def test_batches_at_the_provider_are_listed_and_read(bulkhead: Command, api: Served) -> None:
    workshop = api.connected("salesforce").workshop
    asked = {"object_name": "Account", "operation": Operation.INSERT, "external_id_field": None, "bulk_api": "1.0"}
    job = workshop.upload("salesforce", b"Name\nQuay\n", **asked)
    workshop.run(job)
    of_job = ("connection", "vendor-jobs", "salesforce", "--id", remote_id(api, job))

    listed, told = bulkhead(*of_job, "--batches"), bulkhead(*of_job, "--batches", "--json")
    batch = json.loads(told.out)[0]["id"]
    parts = [bulkhead(*of_job, "--batch", batch, "--part", part) for part in ("state", "request", "result", "other")]

    assert (listed.code, batch in listed.out, "Completed" in listed.out) == (0, True, True)
    assert [part.code for part in parts] == [0, 0, 0, 2]
    assert "Completed" in parts[0].out
    assert "Quay" in parts[1].out
    assert "Success" in parts[2].out
    assert bulkhead("connection", "vendor-jobs", "salesforce", "--batches").code == 2


def test_a_connection_is_added_checked_and_removed(bulkhead: Command, api: Served, tmp_path: Path) -> None:
    credentials = tmp_path / "credentials.json"
    credentials.write_text('{"type": "bearer", "token": "sandbox-token"}')
    url = api.workshop.sandbox.url

    added = bulkhead(
        *("connection", "add", "sl", "--provider", "salesloft", "--base-url", url),
        *("--credentials", str(credentials), "--limit", '{"kind": "rate", "amount": 600, "seconds": 60}'),
    )
    checked, shown = bulkhead("connection", "check", "sl"), bulkhead("connection", "show", "sl", "--json")
    removed, gone = bulkhead("connection", "remove", "sl"), bulkhead("connection", "show", "sl")

    assert (added.code, checked.code, removed.code, gone.code) == (0, 0, 0, 2), added.err + checked.err
    assert "sandbox-token" not in added.out + shown.out
    assert json.loads(shown.out)["limits"] == [{"kind": "rate", "amount": 600, "seconds": 60}]


def test_a_check_that_fails_ends_with_1(bulkhead: Command, api: Served) -> None:
    api.connect("salesloft", credentials={"type": "bearer", "token": "wrong"})

    assert bulkhead("connection", "check", "salesloft").code == 1


def test_a_schedule_is_added_listed_and_removed(bulkhead: Command, api: Served) -> None:
    api.connect()

    added = bulkhead("schedule", "add", "often", "--every", "60", "-c", "rest", "-o", "items", "--format", "csv")
    listed, removed = bulkhead("schedule", "list", "--json"), bulkhead("schedule", "remove", "often")

    assert (added.code, removed.code) == (0, 0), added.err
    assert json.loads(listed.out)[0]["criteria"] == {"connection": "rest", "objectName": "items", "format": "csv"}


def test_keys_are_made_and_revoked_on_the_database_itself(bulkhead: Command, api: Served) -> None:
    made = json.loads(bulkhead("keys", "add", "reports", "--scope", "read", "--tenant", "acme", "--json").out)
    works = bulkhead("jobs", "--api-key", made["apiKey"])
    listed = json.loads(bulkhead("keys", "list", "--tenant", "acme", "--json").out)
    bulkhead("keys", "revoke", str(made["id"]), "--tenant", "acme")

    assert works.code == 0
    assert [each["scopes"] for each in listed if each["id"] == made["id"]] == ["read"]
    assert made["apiKey"] not in str(listed)
    assert bulkhead("jobs", "--api-key", made["apiKey"]).code == 2


def test_keys_init_prepares_a_new_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BULKHEAD_HOME", str(tmp_path))
    monkeypatch.delenv("BULKHEAD_DATABASE_URL", raising=False)

    ran = run("keys", "init", "--json")

    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["apiKey"].startswith("bh_")
    assert (tmp_path / "bulkhead.db").exists()


def test_what_the_api_refuses_is_told_with_its_advice(bulkhead: Command, api: Served) -> None:
    api.connect()

    ran = bulkhead("download", "-c", "rest", "-o", "unicorns")
    as_json = bulkhead("download", "-c", "nope", "-o", "items", "--json")

    assert ran.code == 2
    assert "unknown_object" in ran.err
    assert json.loads(as_json.err)["field"] == "connection"


def test_wrong_use_ends_with_2(bulkhead: Command, tmp_path: Path) -> None:
    absent = str(tmp_path / "absent" / "file")

    codes = [
        bulkhead(*words).code
        for words in (
            ("status",),
            ("status", "1", "--last"),
            ("status", "x"),
            ("explode",),
            ("download",),
            ("download", "-c", "rest", "-o", "items", "--query", "nonsense"),
            ("download", "-c", "rest", "-o", "items", "--out", absent),
            ("upload", absent, "-c", "sl", "-o", "person", "--operation", "upsert"),
            ("connection", "add", "x", "-p", "rest", "--no-credentials", "--token", "t"),
            ("keys", "add", "x", "--scope", "root"),
        )
    ]

    assert codes == [2] * len(codes)


def test_an_api_that_does_not_answer_ends_with_1(bulkhead: Command) -> None:
    ran = bulkhead("jobs", "--url", "http://127.0.0.1:1")

    assert ran.code == 1
    assert "Is Bulkhead running" in ran.err


def test_without_a_key_the_command_says_where_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BULKHEAD_API_KEY", raising=False)

    ran = run("jobs", "--home", str(tmp_path))

    assert ran.code == 2
    assert "bulkhead up" in ran.err


def test_wait_takes_minutes_or_none() -> None:
    assert with_wait(["--wait", "5", "--json"]) == ["--wait=5", "--json"]
    assert with_wait(["--wait", "--json"]) == ["--wait=inf", "--json"]
    assert with_wait(["x", "--wait"]) == ["x", "--wait=inf"]


@pytest.mark.parametrize("words", [[name] for group in GROUPS.values() for name in group], ids=lambda words: words[0])
def test_every_subcommand_has_help_with_an_example(words: list[str]) -> None:
    ran = run(*words, "--help")

    assert ran.code == 0
    if words[0] not in {"connection", "schedule", "keys", "tenant"}:
        assert "Example: " in ran.out


def test_help_does_not_load_what_it_does_not_need() -> None:
    heavy = "sqlalchemy, celery, fastapi, httpx, pydantic, rich"
    code = (
        "import sys; from orchestrator.cli.main import make_app; make_app(['status']);"
        f"print([name for name in '{heavy}'.split(', ') if name in sys.modules])"
    )

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "[]"
