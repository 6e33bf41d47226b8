"""A table and a folder of files become attachments."""

import base64
from pathlib import Path

import pytest

from orchestrator.cli import folder
from tests.api.kit import Served
from tests.cli.conftest import Command

INSERT = ("-c", "salesforce", "-o", "Attachment", "--operation", "insert")
FILES = {"logo.png": bytes(range(256)) * 40, "deep/er/note.txt": b"hello"}


@pytest.fixture
def attachments(api: Served, tmp_path: Path) -> tuple[str, ...]:
    """A table that names two files of a folder, and how it is uploaded."""
    api.connect("salesforce")
    with api.workshop.sandbox.world.lock:
        parent = (api.workshop.sandbox.world.salesforce.records("Account") or [])[0]["Id"]
    place, table = tmp_path / "files", tmp_path / "table.csv"
    for name, body in FILES.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(body)
    (place / "link").symlink_to("/etc/hostname")
    table.write_text("\n".join(["Name,ParentId,Body", *(f"{name},{parent},#{name}" for name in FILES)]))
    return "upload", str(table), "--files", str(place), *INSERT


@pytest.mark.usefixtures("working")
def test_a_folder_of_files_is_uploaded_with_its_table(
    bulkhead: Command, api: Served, attachments: tuple[str, ...]
) -> None:
    ran = bulkhead(*attachments, "--wait")

    with api.workshop.sandbox.world.lock:
        held = api.workshop.sandbox.world.salesforce.records("Attachment") or []
    assert ran.code == 0, ran.err
    assert {str(each["Name"]): base64.b64decode(str(each["Body"])) for each in held} == FILES


@pytest.mark.parametrize(
    ("limit", "value", "words"), [("LARGEST_FILE", 1000, "logo.png has 10,240 bytes"), ("LONGEST_NAME", 9, "deep/er")]
)
def test_what_the_vendor_would_refuse_is_told_before_anything_is_sent(
    bulkhead: Command,
    api: Served,
    attachments: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    value: int,
    words: str,
) -> None:
    monkeypatch.setattr(folder, limit, value)

    ran = bulkhead(*attachments)

    assert (ran.code, words in ran.err) == (2, True), ran.err
    assert api.jobs() == 0


def test_a_folder_that_is_not_there_is_told(bulkhead: Command, api: Served, tmp_path: Path) -> None:
    api.connect("salesforce")
    table = tmp_path / "table.csv"
    table.write_text("Name\n")

    ran = bulkhead("upload", str(table), "--files", str(tmp_path / "none"), *INSERT)

    assert (ran.code, "no folder" in ran.err) == (2, True)
