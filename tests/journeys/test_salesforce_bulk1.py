"""Every operation of a connector for Bulk API 1.0, once, by real processes: jobs, batches, results, attachments."""

import base64
import io
import re
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from orchestrator.client import Client
from tests.journeys.running import Up

pytestmark = pytest.mark.journey

PATIENCE = timedelta(seconds=60)
ROWS = 30
FILES = {"a.bin": bytes(range(256)) * 8, "deep/b.txt": b"hello"}


def connect(client: Client, sandbox: str) -> None:
    token = {
        "type": "oauth2_refresh",
        "accessToken": "long-expired",
        "refreshToken": "sandbox-refresh",
        "clientId": "sandbox-client",
        "clientSecret": "sandbox-secret",
    }
    settings = {"apiVersion": "61.0", "tokenEndpointHostname": sandbox}
    client.add_connection(
        {"name": "sf", "provider": "salesforce", "apiUrl": sandbox, "credentials": token, "settings": settings}
    )
    assert client.check_connection("sf")["ok"]


def held(sandbox: str, name: str) -> list[dict[str, Any]]:
    """Return what the org holds."""
    found = httpx.get(f"{sandbox}/_sandbox/salesforce/{name}", trust_env=False).raise_for_status()
    return list(found.json()["data"])


def a_zip(path: Path, parent: str) -> Path:
    """Write a table and its files."""
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(
            "request.txt", "\n".join(["Name,ParentId,Body", *(f"{name},{parent},#{name}" for name in FILES)])
        )
        for name, body in FILES.items():
            packed.writestr(name, body)
    return path


def insert(client: Client, kind: str, **more: Any) -> int:
    asked = {"connection": "sf", "objectName": "Depot__c", "operation": "insert", "contentType": kind, "bulkApi": "1.0"}
    rows = [
        {"Name": "" if n == 7 else f"{kind} {n}", "Depot_Code__c": f"{kind}-{n}", "Notes__c": f"{n % 5}"}
        for n in range(1, ROWS + 1)
    ]
    return client.upload_records(asked | more, rows).id


def only_batch(client: Client, status: dict[str, Any]) -> tuple[str, str]:
    """Return the ids of a job's vendor job and of its batch."""
    (vendor_job,) = status["vendorJobIds"]
    (batch,) = client.batches("sf", vendor_job)
    assert client.batch("sf", vendor_job, batch["id"])["state"] == "Completed"
    return vendor_job, batch["id"]


def check_batches_of_an_upload(client: Client, status: dict[str, Any], kind: str) -> None:
    vendor_job, batch = only_batch(client, status)
    with client.batch_request("sf", vendor_job, batch) as request, client.batch_result("sf", vendor_job, batch) as fate:
        sent, told = b"".join(request), b"".join(fate)
    assert f"{kind}-30".encode() in sent
    assert (told.count(b"REQUIRED_FIELD_MISSING"), client.vendor_job("sf", vendor_job)["state"]) == (1, "Closed")


def check_close_and_abort(client: Client, sandbox: str) -> None:
    headers = {"X-SFDC-Session": "sandbox-token", "content-type": "application/json"}
    body = {"operation": "insert", "object": "Account", "contentType": "CSV"}
    for state in ("Closed", "Aborted"):
        made = httpx.post(f"{sandbox}/services/async/61.0/job", json=body, headers=headers, trust_env=False)
        assert client.move_vendor_job("sf", str(made.json()["id"]), state)["state"] == state


def test_every_operation_of_bulk_api_1_works_from_end_to_end(up: Up, tmp_path: Path) -> None:
    sandbox = up.told["sandbox"]
    httpx.patch(f"{sandbox}/_sandbox/options", json={"sf_speed": 0, "sf_start_after": 0}, trust_env=False)
    with up.client() as client:
        connect(client, sandbox)
        accounts = {str(each["Id"]) for each in held(sandbox, "Account")}
        uploads = {kind: insert(client, kind) for kind in ("CSV", "JSON")}
        uploads["XML"] = insert(client, "XML", concurrencyMode="Serial", groupBy="Notes__c")
        read = {"connection": "sf", "objectName": "Account", "selectFields": "Id", "bulkApi": "1.0"}
        whole, split = client.download(read).id, client.download(read | {"pkChunking": {"chunkSize": 1000}}).id
        asked = {"connection": "sf", "objectName": "Attachment", "operation": "insert"}
        files = client.upload(asked, a_zip(tmp_path / "files.zip", min(accounts))).id
        ended = {job: client.wait(job, patience=PATIENCE) for job in (*uploads.values(), whole, split, files)}

        for kind, job in uploads.items():
            assert (ended[job]["outcome"], ended[job]["errorCount"]) == ("PARTIAL", 1)
            check_batches_of_an_upload(client, ended[job], kind)
        for job in (whole, split):
            assert {row["Id"] for row in client.data(job, size=1000).items} == accounts
        vendor_job, batch = only_batch(client, ended[whole])
        assert client.vendor_job("sf", vendor_job)["operation"] == "query"
        with client.batch_result("sf", vendor_job, batch) as blocks:
            (result,) = re.findall(rb"752\w{12}", b"".join(blocks))
        with client.batch_result("sf", vendor_job, batch, result.decode()) as blocks:
            assert {row.strip('"') for row in b"".join(blocks).decode().split()[1:]} == accounts
        with client.batch_request("sf", *only_batch(client, ended[files])) as blocks:
            assert zipfile.ZipFile(io.BytesIO(b"".join(blocks))).read("a.bin") == FILES["a.bin"]
        stored = {str(each["Name"]): base64.b64decode(str(each["Body"])) for each in held(sandbox, "Attachment")}
        assert stored == FILES
        check_close_and_abort(client, sandbox)
        assert len([each for each in held(sandbox, "Depot__c") if each.get("Notes__c")]) >= 3 * (ROWS - 1)
