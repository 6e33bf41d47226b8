"""Jobs at the providers, ours and those of others, and how our API shows them."""

from typing import Any

import httpx

from orchestrator.job.criteria import Operation
from orchestrator.job.record import Job
from tests.api.kit import Served
from tests.lifecycle.workshop import people

LIST = "/connections/salesforce/vendor-jobs"


def an_upload(api: Served, provider: str) -> Job:
    """Submit an upload, and stop before its vendor job is filled."""
    workshop = api.connected(provider).workshop
    if provider == "salesforce":
        asked: dict[str, Any] = {"object_name": "Contact", "operation": Operation.INSERT, "external_id_field": None}
        job = workshop.upload(provider, b"LastName\nAmber\nBirch\n", **asked)
    else:
        job = workshop.upload(provider, people(2))
    workshop.run_until_due(job, "upload")
    return job


def remote_id(api: Served, job: Job) -> str:
    """Return the provider's id of the job's first vendor job."""
    found = api.workshop.store.vendor_jobs.of_job(job.id)[0].remote_id
    assert found is not None
    return found


def theirs(api: Served, provider: str) -> str:
    """Create a job at the provider as another integration would; return its id."""
    path, body = {
        "salesloft": ("/v2/bulk_jobs", {"type": "person/upsert", "name": "theirs"}),
        "salesforce": ("/services/data/v61.0/jobs/ingest", {"object": "Contact", "operation": "insert"}),
    }[provider]
    token = {"Authorization": "Bearer sandbox-token"}
    made = httpx.post(f"{api.workshop.sandbox.url}{path}", json=body, headers=token).raise_for_status().json()
    return str(made.get("data", made)["id"])


def every_page(api: Served, path: str, **parameters: str) -> list[list[dict[str, Any]]]:
    """Follow our own links to the end; return the records page by page."""
    pages, address, params = [], path, parameters
    while address:
        page = api.http.get(address, params=params).raise_for_status().json()
        assert page["done"] is (page["nextRecordsUrl"] is None)
        pages.append(page["records"])
        address, params = page["nextRecordsUrl"], None
    return pages


def marks(pages: list[list[dict[str, Any]]]) -> dict[str, str]:
    """Return the mark of each job."""
    return {str(record["id"]): record["bulkhead"]["mark"] for page in pages for record in page}


def problem(answer: Any) -> tuple[int, str, str | None]:
    """Return status, code and field of a refusal."""
    return answer.status_code, answer.json()["code"], answer.json()["field"]
