"""Rows sent again, mended or planned, from the command line."""

import json
from pathlib import Path

import pytest

from tests.api.kit import Served
from tests.cli.conftest import Command
from tests.cli.test_commands import ONE_REFUSED, PEOPLE


@pytest.mark.usefixtures("working")
def test_rows_to_be_mended_are_written_as_csv(bulkhead: Command, api: Served, tmp_path: Path) -> None:
    api.connect("salesloft")
    file, out = tmp_path / "people.csv", tmp_path / "to-mend.csv"
    file.write_text(ONE_REFUSED)
    words = ("upload", str(file), "-c", "salesloft", "-o", "person", "--operation", "upsert", "--key", "email_address")
    bulkhead(*words, "--wait")

    printed = bulkhead("errors", "--last", "--format", "csv")
    written = bulkhead("errors", "--last", "--format", "csv", "--out", str(out))
    wrong = bulkhead("errors", "--last", "--format", "xml")

    assert printed.out.splitlines()[1].endswith(",,Nobody")
    assert (written.code, out.read_bytes().decode()) == (0, printed.out)
    assert wrong.code == 2


@pytest.mark.usefixtures("working")
def test_a_retry_waits_for_its_own_job(bulkhead: Command, api: Served, tmp_path: Path) -> None:
    api.connect("salesloft")
    file = tmp_path / "people.csv"
    file.write_text(ONE_REFUSED)
    words = ("upload", str(file), "-c", "salesloft", "-o", "person", "--operation", "upsert", "--key", "email_address")
    bulkhead(*words, "--wait")

    ran = bulkhead("retry", "--last", "--only", "failed", "--wait", "--json")
    none = bulkhead("retry", "1", "--only", "transient")

    assert (ran.code, json.loads(ran.out)["metaData"]["retryOf"]) == (1, 1)
    assert none.code == 2


def test_a_dry_run_shows_what_would_be_sent_and_starts_nothing(bulkhead: Command, api: Served, tmp_path: Path) -> None:
    api.connect("salesloft")
    file = tmp_path / "people.csv"
    file.write_text(PEOPLE)
    words = (str(file), "-c", "salesloft", "-o", "person", "--operation", "upsert", "--key", "email_address")

    dry, planned = bulkhead("upload", *words, "--dry-run"), bulkhead("plan", *words, "--json")

    assert dry.code == 0, dry.err
    assert '"email_address": "c1@orchard.test"' in dry.out
    assert json.loads(planned.out)["upload"]["rows"] == 2
    assert api.jobs() == 0


def test_a_plan_of_a_download_is_a_few_lines(bulkhead: Command, api: Served) -> None:
    api.connect()

    ran = bulkhead("plan", "-c", "rest", "-o", "items", "--page-size", "100")

    assert ran.code == 0, ran.err
    assert ran.out.startswith("1,000 records of items: by id_gt: 10 calls")
