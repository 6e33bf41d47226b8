"""A quarter of a million rows of text that is hard on every hand it goes through, to Salesforce and back."""

import csv
import io
from collections.abc import Iterator

import pytest

from orchestrator.job.status import JobOutcome, JobStatus
from orchestrator.sandbox.options import Options
from tests.lifecycle.depots import COLUMNS, NASTY, sent, told
from tests.lifecycle.workshop import Workshop

ROWS = 250_000
REFUSED = 2_500  # one row in a hundred
TEXTS = (*NASTY, "#N/A", "", "  leading", 'quote"', "line\r\nbreak", "e\u0301 \U0001f600 \U00020000", "=1+1", "\\n")

Row = tuple[str, str, str]


@pytest.fixture
def options() -> Options:
    """An org without records of its own; its limits are large enough."""
    return Options(
        people=0, accounts=0, others=0, sf_accounts=0, sf_contacts=0, sf_others=0, sf_speed=0, sf_api_requests=0
    )


def rows() -> Iterator[Row]:
    """Yield the file's rows; each hundredth has no name, which the org wants."""
    for n in range(1, ROWS + 1):
        name = "" if n % (ROWS // REFUSED) == 0 else f"{TEXTS[n % len(TEXTS)]} {n}"
        yield f"D-{n}", name, TEXTS[(n // 7) % len(TEXTS)]


def as_file() -> bytes:
    """Return the rows as the user's CSV."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows(rows())
    return out.getvalue().encode()


def arrived(row: Row) -> tuple[str, str, str | None]:
    """Return a row as the org has it: empty and null are the same there, and line breaks are LF."""
    code, name, notes = row
    return code, _breaks(name), None if notes in ("", "#N/A") else _breaks(notes)


def _breaks(text: str) -> str:
    return text.replace("\r\n", "\n")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # it is about the rows' way, not about the store
def test_every_row_arrives_once_and_each_refusal_finds_its_row(workshop: Workshop) -> None:
    job = sent(workshop, as_file())

    up = workshop.run(job)
    down = workshop.download("salesforce", "Depot__c", select_fields=("Depot_Code__c", "Name", "Notes__c"))
    back = workshop.run(down)

    assert (up.status, up.outcome) == (JobStatus.COMPLETED, JobOutcome.PARTIAL)
    assert (up.counts.sent, up.counts.accepted, up.counts.refused) == (ROWS, ROWS - REFUSED, REFUSED)
    ingest = told(workshop)["ingest"]
    assert (ingest["released"], ingest["released_twice"], ingest["rows_sent_twice"]) == (ROWS // 50_000, 0, 0)
    assert back.counts.stored == ROWS - REFUSED
    records = {(line["Depot_Code__c"], line["Name"], line["Notes__c"]) for line in workshop.lines(down)}
    assert records == {arrived(row) for row in rows() if row[1]}
    outcome = workshop.lines(job)
    assert [line["id"] for line in outcome] == list(range(1, ROWS + 1))
    assert all(line["record"]["Depot_Code__c"] == f"D-{line['id']}" for line in outcome)
    refused = [line for line in outcome if line["status"] == "error"]
    assert [line["id"] for line in refused] == list(range(100, ROWS + 1, 100))
    assert {(line["vendorCode"], line["error"]) for line in refused} == {
        ("REQUIRED_FIELD_MISSING", "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --")
    }
    assert not any("tie" in line for line in outcome)
    assert workshop.store.row_errors.counts(job.id) == {"REQUIRED_FIELD_MISSING": REFUSED}
