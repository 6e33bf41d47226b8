"""Operations that destroy records ask first: how many, and where."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.kit import Served
from tests.cli.conftest import Command

ROWS = 'Id;Name\r\n001;"two\r\nlines"\r\n002;Quay\r\n'


@pytest.fixture
def upload(api: Served, tmp_path: Path) -> Iterator[tuple[str, ...]]:
    """The command that deletes two accounts."""
    api.connect("salesforce")
    file = tmp_path / "gone.csv"
    file.write_bytes(ROWS.encode("cp1252"))
    return ("upload", str(file), "-c", "salesforce", "-o", "Account", "--operation")


@pytest.mark.parametrize("operation", ["delete", "hardDelete"])
def test_a_person_is_asked_with_the_rows_and_the_org(
    bulkhead: Command, api: Served, upload: tuple[str, ...], operation: str, answers: list[str]
) -> None:
    answers.append("n\n")

    ran = bulkhead(*upload, operation)

    assert ran.code == 2
    assert f"{operation} 2 records of Account in gone.csv at " in ran.err
    assert "(connection salesforce)" in ran.err
    assert api.jobs() == 0


def test_who_says_yes_starts_the_job(
    bulkhead: Command, api: Served, upload: tuple[str, ...], answers: list[str]
) -> None:
    answers.append("y\n")

    ran = bulkhead(*upload, "delete")

    assert ran.code == 0, ran.err
    assert api.jobs() == 1


def test_a_script_says_yes_beforehand_or_nothing_happens(
    bulkhead: Command, api: Served, upload: tuple[str, ...], answers: list[str]
) -> None:
    silent, said = bulkhead(*upload, "delete"), bulkhead(*upload, "delete", "--yes")

    assert (silent.code, said.code) == (2, 0)
    assert "--yes" in silent.err
    assert "records of" not in said.err
    assert api.jobs() == 1


def test_what_destroys_nothing_is_not_asked_about(bulkhead: Command, api: Served, upload: tuple[str, ...]) -> None:
    ran = bulkhead(*upload, "update")

    assert (ran.code, api.jobs()) == (0, 1), ran.err


def test_objects_and_fields_are_shown(bulkhead: Command, api: Served) -> None:
    api.connect("salesforce")

    objects = bulkhead("connection", "objects", "salesforce", "--search", "dep")
    fields = bulkhead("connection", "fields", "salesforce", "Depot__c")
    unknown = bulkhead("connection", "fields", "salesforce", "Depots__c")

    assert "Depot__c" in objects.out
    assert "Account" not in objects.out
    assert "Depot_Code__c" in fields.out
    assert (unknown.code, "Depot__c" in unknown.err) == (2, True)
