"""Salesforce through the API: the shapes of what goes in and comes out."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.sandbox.options import Options
from tests.api.kit import Served, served
from tests.lifecycle.workshop import Workshop


@pytest.fixture
def options(options: Options) -> Options:
    """An org with a few contacts."""
    return replace(options, sf_speed=0, sf_contacts=7)


@pytest.fixture
def api(workshop: Workshop) -> Iterator[Served]:
    """An API with a connection to the org."""
    with served(workshop) as api:
        api.connect("salesforce", baseUrl=workshop.sandbox.url, settings={"apiVersion": "60.0"})
        yield api


def test_a_query_of_the_users_own_is_answered_in_each_format(api: Served) -> None:
    body = {"connection": "salesforce", "soql": "SELECT Id, LastName, Birthdate FROM Contact ORDER BY Id"}
    job_id = api.client.download(body).id

    api.run(job_id)

    status = api.http.get(f"/bulk/{job_id}/status").json()
    assert (status["jobStatus"], status["objectName"], status["native"]) == ("COMPLETED", "Contact", True)
    assert status["vendorJobId"].startswith("750")
    records = api.http.get(f"/bulk/{job_id}", headers={"Accept": "application/json"}).json()
    assert [json.loads(line) for line in api.http.get(f"/bulk/{job_id}").text.splitlines()] == records
    assert len(records) == 7
    assert all(list(record) == ["Id", "LastName", "Birthdate"] for record in records)
    table = api.http.get(f"/bulk/{job_id}", headers={"Accept": "text/csv"}).text
    assert table.splitlines()[0] == "Id,LastName,Birthdate"


def test_an_upload_tells_each_rows_fate(api: Served) -> None:
    meta = {"connection": "salesforce", "objectName": "Lead", "operation": "insert", "bulkApi": "2.0"}
    parts = {"metaData": (None, json.dumps(meta)), "file": ("leads.csv", "LastName,Company\nAmber,Quay\nBirch,\n")}
    job_id = int(api.http.post("/bulk/upload", files=parts).json()["id"])

    api.run(job_id)

    good, bad = (json.loads(line) for line in api.http.get(f"/bulk/{job_id}").text.splitlines())
    assert good["resource"] == {"id": good["resource"]["id"], "created": True}
    assert (good["id"], good["status"], good["record"]) == (1, "success", {"LastName": "Amber", "Company": "Quay"})
    assert (bad["id"], bad["status"], bad["record"]) == (2, "error", {"LastName": "Birch"})
    assert bad["error"].startswith("REQUIRED_FIELD_MISSING:")


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({}, "objectName", "missing_field"),
    ({"soql": "SELECT Id FROM Contact", "limit": 3}, "limit", "invalid"),
    ({"soql": "SELECT Id FROM Contact", "objectName": "Contact"}, "objectName", "invalid"),
    ({"soql": "SELECT COUNT(Id) FROM Contact", "bulkApi": "2.0"}, "soql", "invalid"),
]


@pytest.mark.parametrize(("wrong", "field", "code"), WRONG, ids=[str(each[0])[:50] for each in WRONG])
def test_what_cannot_be_asked_is_refused_by_field(api: Served, wrong: dict[str, Any], field: str, code: str) -> None:
    answer = api.http.post("/bulk/download", json={"connection": "salesforce", **wrong})

    assert answer.status_code == 422
    assert (answer.json()["field"], answer.json()["code"]) == (field, code)
