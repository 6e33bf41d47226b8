"""A caller of the imitated Bulk API 1.0, in the words of its API."""

import io
import zipfile
from typing import Any
from xml.etree.ElementTree import Element

import httpx
from defusedxml.ElementTree import fromstring

NS = "http://www.force.com/2009/06/asyncapi/dataload"
BASE = "/services/async/61.0"
MEDIA = {"XML": "application/xml", "CSV": "text/csv", "JSON": "application/json"}
MEDIA |= {f"ZIP_{name}": f"zip/{name.lower()}" for name in MEDIA}
FINAL = ("Completed", "Failed", "NotProcessed")


class Async:
    """Calls that are expected to be answered well, and the answers, read."""

    def __init__(self, caller: Any, token: str = "sandbox-token") -> None:
        self.caller = caller
        self.api = httpx.Client(base_url=caller.api.base_url, headers={"x-sfdc-session": token})

    def good(self, answer: httpx.Response) -> Any:
        assert answer.is_success, answer.text
        return read(answer)

    def create(self, headers: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
        """Create a job, in XML."""
        told = {"operation": "insert", "object": "Contact", "contentType": "CSV", **fields}
        return self.post("/job", info(**told), "application/xml; charset=UTF-8", headers)

    def post(self, path: str, body: str | bytes, media: str, headers: dict[str, str] | None = None) -> httpx.Response:
        return self.api.post(BASE + path, content=body, headers={"content-type": media, **(headers or {})})

    def open(self, headers: dict[str, str] | None = None, **fields: Any) -> str:
        """Create a job; return its path."""
        answer = self.create(headers, **fields)
        assert answer.status_code == 201, answer.text
        return f"/job/{read(answer)['id']}"

    def add(self, job: str, body: str | bytes, content: str = "CSV", **headers: str) -> str:
        """Add a batch; return its path."""
        answer = self.post(f"{job}/batch", body, MEDIA[content], headers)
        assert answer.status_code == 201, answer.text
        return f"{job}/batch/{read(answer)['id']}"

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.api.get(BASE + path, headers=headers)

    def look(self, path: str) -> Any:
        return self.good(self.get(path))

    def to(self, job: str, state: str) -> httpx.Response:
        return self.post(job, info(state=state), "text/csv; charset=UTF-8")

    def ended(self, job: str) -> list[Any]:
        """Look at the batches of a job until all have ended; return them."""
        seen, before = [], None
        for _ in range(60):
            seen = self.look(f"{job}/batch")
            if seen == before and all(batch["state"] in FINAL for batch in seen):
                return seen
            before = seen
        raise AssertionError(seen)

    def loaded(self, body: str | bytes, content: str = "CSV", **fields: Any) -> str:
        """Load one batch; return its path."""
        job = self.open(contentType=content, **fields)
        batch = self.add(job, body, content)
        self.ended(job)
        return batch

    def asked(self, soql: str, content: str = "CSV", headers: dict[str, str] | None = None, **fields: Any) -> str:
        """Run one query; return the path of its batch."""
        job = self.open(headers, operation=fields.pop("operation", "query"), contentType=content, **fields)
        batch = self.add(job, soql, content)
        self.ended(job)
        return batch

    def results(self, batch: str) -> list[str]:
        """Return the ids of a query's results."""
        answer = self.get(f"{batch}/result")
        return [each.text or "" for each in fromstring(answer.content)]


def info(**fields: Any) -> str:
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return f'<?xml version="1.0" encoding="UTF-8"?><jobInfo xmlns="{NS}">{inside}</jobInfo>'


def read(answer: httpx.Response) -> Any:
    """Read an object or a list of them, XML or JSON."""
    if answer.headers["content-type"] == "application/json":
        said = answer.json()
        return said.get("batchInfo", said)
    root = fromstring(answer.content)
    return [flat(each) for each in root] if root.tag == f"{{{NS}}}batchInfoList" else flat(root)


def flat(element: Element) -> dict[str, str]:
    return {child.tag.rpartition("}")[2]: child.text or "" for child in element}


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return status and code of a refusal."""
    said = read(answer)
    assert said["exceptionMessage"]
    return answer.status_code, said["exceptionCode"]


def zipped(manifest: str, **files: bytes) -> bytes:
    """Return a zip with a manifest and files; `_` in a name stands for a dot."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("request.txt", manifest)
        for name, body in files.items():
            packed.writestr(name.replace("_", "."), body)
    return out.getvalue()
