"""A caller of the imitated Salesforce, in the words of its API."""

import csv
import io
from typing import Any

import httpx

FINAL = ("JobComplete", "Failed", "Aborted")
BASE = "/services/data/v61.0"
INGEST = f"{BASE}/jobs/ingest"
QUERY = f"{BASE}/jobs/query"


class Org:
    """Calls that are expected to be answered well, and the answers, read."""

    def __init__(self, caller: Any) -> None:
        self.caller = caller
        self.api = caller.api

    def good(self, answer: httpx.Response) -> Any:
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def open(self, **fields: Any) -> str:
        """Create an ingest job; return its path."""
        body = {"object": "Contact", "operation": "insert", **fields}
        return f"{INGEST}/{self.good(self.api.post(INGEST, json=body))['id']}"

    def fill(self, job: str, text: str | bytes) -> httpx.Response:
        return self.api.put(f"{job}/batches", content=text, headers={"content-type": "text/csv"})

    def close(self, job: str) -> httpx.Response:
        return self.api.patch(job, json={"state": "UploadComplete"})

    def abort(self, job: str) -> httpx.Response:
        return self.api.patch(job, json={"state": "Aborted"})

    def sent(self, text: str | bytes, **fields: Any) -> str:
        """Create, fill and close an ingest job; return its path."""
        job = self.open(**fields)
        assert self.fill(job, text).status_code == 201
        self.good(self.close(job))
        return job

    def asked(self, soql: str, **fields: Any) -> str:
        """Create a query job; return its path."""
        body = {"operation": "query", "query": soql, **fields}
        return f"{QUERY}/{self.good(self.api.post(QUERY, json=body))['id']}"

    def look(self, job: str) -> Any:
        return self.good(self.api.get(job))

    def ended(self, job: str) -> Any:
        """Look at a job until it has ended; return how."""
        for _ in range(20):
            seen = self.look(job)
            if seen["state"] in FINAL:
                return seen
        raise AssertionError(seen)

    def loaded(self, text: str | bytes, **fields: Any) -> str:
        """Load a whole upload; return the job's path."""
        job = self.sent(text, **fields)
        self.ended(job)
        return job

    def file(self, job: str, name: str) -> list[dict[str, str]]:
        """Return a result file as records."""
        return rows(self.api.get(f"{job}/{name}"))

    def errors(self, job: str) -> list[str]:
        return [row["sf__Error"] for row in self.file(job, "failedResults")]

    def records(self, soql: str, resource: str = "query") -> Any:
        """Return the records of a REST query."""
        return self.good(self.api.get(f"{BASE}/{resource}", params={"q": soql}))["records"]

    def counted(self, soql: str) -> int:
        return self.good(self.api.get(f"{BASE}/query", params={"q": soql}))["totalSize"]


def rows(answer: httpx.Response, delimiter: str = ",") -> list[dict[str, str]]:
    """Read a CSV answer."""
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text, newline=""), delimiter=delimiter))


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return status and code of a refusal, whose envelope is an array of one."""
    [said] = answer.json()
    assert said["message"]
    return answer.status_code, said["errorCode"]
