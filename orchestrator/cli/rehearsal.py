"""What the demo sends, asks for and checks. Every check compares what we say with what the vendor or the file says."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.client import Client, pages

BAD_EVERY = 150  # each 150th row has an address that the vendor refuses
PAGE_SIZE = 500  # records
REST_CALLS, REST_SECONDS = 600, 60
COLUMNS = ("email_address", "first_name", "last_name", "title", "city")
FIRST_NAMES = ("Ada", "Bola", "Chen", "Dana", "Emre", "Fatou", "Gus", "Hana", "Iris", "José", "Kofi", "Lena")
LAST_NAMES = ("Ferreira", "Gupta", "Hale", "Ito", "Jones", "Kowalska", "Lund", "Müller", "N'Diaye", "O'Hara")


@dataclass(frozen=True, kw_only=True)
class Check:
    """One line of the summary."""

    what: str
    expected: object
    found: object

    @property
    def holds(self) -> bool:
        """Whether what was found is what was expected."""
        return self.expected == self.found


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much the demo moves."""

    people: int  # rows uploaded
    records: int  # records downloaded

    @property
    def bad(self) -> int:
        """How many rows the vendor refuses."""
        return self.people // BAD_EVERY


def sandbox_options(size: Size) -> tuple[str, ...]:
    """Return the flags of a sandbox that fits: enough records, and limits that are felt."""
    rest = ("--rest-records", str(size.records), "--rest-rate", str(REST_CALLS), "--rest-window", str(REST_SECONDS))
    return ("--people", "0", *rest)


def write_people(path: Path, size: Size) -> None:
    """Write the CSV to upload; each `BAD_EVERY`th row has an address without a domain."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(_person(number) for number in range(1, size.people + 1))


def _person(number: int) -> tuple[str, ...]:
    first, last = FIRST_NAMES[number % len(FIRST_NAMES)], LAST_NAMES[number % len(LAST_NAMES)]
    domain = "nowhere" if number % BAD_EVERY == 0 else "orchard.example"
    return f"person{number}@{domain}", first, last, "Buyer, EMEA", "Bad\nTölz" if number % 7 == 0 else "Oslo"


def connect(client: Client, sandbox: str) -> None:
    """Add the two connections of the demo."""
    client.add_connection(
        {
            "name": "salesloft",
            "provider": "salesloft",
            "baseUrl": sandbox,
            "credentials": {"type": "bearer", "token": "sandbox-token"},
        }
    )
    client.add_connection(
        {
            "name": "shop",
            "provider": "rest",
            "baseUrl": sandbox,
            "credentials": {"type": "api_key", "in": "header", "name": "X-API-Key", "value": "sandbox-key"},
            "limits": [{"kind": "rate", "amount": REST_CALLS, "seconds": REST_SECONDS}],
            "settings": {"resources": {"items": _items()}},
        }
    )


def _items() -> dict[str, Any]:
    paging = {"kind": "id_gt", "sizeParam": "per_page", "maxSize": PAGE_SIZE}
    return {"path": "/rest/items", "records": "data", "total": "total", "paging": paging}


def upload(client: Client, people: Path) -> int:
    """Start the upload and return the job's id."""
    wanted = {"connection": "salesloft", "objectName": "person", "operation": "upsert"}
    return client.upload({**wanted, "externalIdField": "email_address", "format": "csv"}, people).id


def download(client: Client) -> int:
    """Start the download and return the job's id."""
    return client.download({"connection": "shop", "objectName": "items", "format": "jsonl", "pageSize": PAGE_SIZE}).id


def save_errors(client: Client, job_id: int, path: Path) -> None:
    """Write why each refused row was refused, one JSON object a line."""
    with path.open("wb") as file:
        for each in pages(lambda token: client.errors(job_id, after=token, size=1000)):
            file.write(msgspec.json.encode(each) + b"\n")


def upload_checks(
    status: Mapping[str, Any], vendor: Mapping[str, Any], outcome: Path, size: Size, there: int = 0
) -> Iterator[Check]:
    """Compare the upload's numbers with the file sent, with the outcome file, and with what the vendor has.

    `there` is how many people the vendor had before.
    """
    counts, bulk = status["reconciliation"], vendor["salesloft"]["bulk"]
    fates = [each["id"] for each in _lines(outcome)]
    yield Check(what="upload completed", expected="COMPLETED", found=status["jobStatus"])
    yield Check(what="rows sent", expected=size.people, found=counts["sent"])
    yield Check(what="sent = accepted + refused", expected=counts["sent"], found=counts["accepted"] + counts["refused"])
    yield Check(what="rows refused for their address", expected=size.bad, found=counts["refused"])
    yield Check(what="each row has one fate in the file", expected=_numbers(size.people), found=_span(fates))
    yield Check(what="rows the vendor took", expected=size.people, found=bulk["rows_released"])
    yield Check(what="rows the vendor got twice", expected=0, found=bulk["duplicates"])
    people = vendor["salesloft"]["records"]["people"]
    yield Check(what="people new at the vendor", expected=counts["accepted"], found=people - there)


def download_checks(status: Mapping[str, Any], vendor: Mapping[str, Any], items: Path, size: Size) -> Iterator[Check]:
    """Compare the download's numbers with what the vendor has and with the file."""
    ids = [each["id"] for each in _lines(items)]
    yield Check(what="download completed", expected="COMPLETED", found=status["jobStatus"])
    yield Check(what="records stored", expected=vendor["rest"]["records"], found=status["reconciliation"]["stored"])
    yield Check(what="each id once in the file", expected=_numbers(size.records), found=_span(ids))
    yield Check(what="calls over a rate limit", expected=0, found=vendor["refusals"])


def _lines(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        yield from map(msgspec.json.decode, file)


def _numbers(count: int) -> str:
    return f"{count:,}: 1 … {count:,}"


def _span(numbers: list[int]) -> str:
    once = set(numbers)
    doubles = len(numbers) - len(once)
    told = f"{len(once):,}: {min(once, default=0):,} … {max(once, default=0):,}"
    return f"{told}, {doubles:,} doubled" if doubles else told
