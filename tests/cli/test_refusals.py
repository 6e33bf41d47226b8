"""Refused rows: mended, and sent again."""

import json
from pathlib import Path

import pytest

from tests.api.kit import Served
from tests.cli.conftest import Command

PEOPLE = "email_address,first_name\nc1@orchard.test,Cas\nc2@orchard.test,Col\n"
ONE_REFUSED = PEOPLE + ",Nobody\n"


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
