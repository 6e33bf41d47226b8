"""A worker is killed with a call to Salesforce in every place where one can be: on its way, or done and unanswered."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from orchestrator.client import Client, pages
from tests.journeys.running import Up, worker_of
from tests.servers import eventually

pytestmark = pytest.mark.journey

PATIENCE = timedelta(seconds=80)
HELD = 60.0  # s; longer than the test needs, so that no held call goes on while it runs
NEVER, DONE = {"delay": HELD, "cut": "before"}, {"delay": HELD, "when": "after"}
CREATE, FILL, RELEASE = ("POST", "ingest$"), ("PUT", "batches$"), ("PATCH", "ingest/750")
PLACES = [
    (CREATE, NEVER), (CREATE, DONE), (FILL, NEVER), (FILL, DONE), (RELEASE, NEVER), (RELEASE, DONE),
    (("GET", "successfulResults"), NEVER), (("GET", "failedResults"), NEVER),
    (("GET", r"/results\?maxRecords=100$"), NEVER), (("GET", r"/results\?.*locator="), NEVER),
]  # fmt: skip
LAST_SET = (("GET", r"/results\?.*locator="), NEVER, 1)  # lets a second set pass, and holds the third one
UPLOADS, ROWS = 9, 40


class Org:
    """The imitated org, from behind."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=f"{url}/_sandbox", trust_env=False)

    def prepare(self) -> None:
        """Let results come set by set, with a dozen jobs of others in the list, one of them like those to come."""
        self._http.patch("/options", json={"sf_pages": "", "sf_speed": 0, "sf_start_after": 0}).raise_for_status()
        alike = {"object": "Contact", "operation": "insert", "state": "Open", "user": ""}
        jobs = [{**alike, "age": 30}] + [{**alike, "age": 3600 * each} for each in range(1, 12)]
        self._http.post("/salesforce", json={"jobs": jobs}).raise_for_status()

    def hold(self) -> None:
        """Hold one call in each place."""
        for (method, path), fault, *after in [*PLACES, LAST_SET]:
            order = {"fault": fault, "match": {"method": method, "path": path}, "after": after[0] if after else 0}
            self._http.post("/faults", json=order).raise_for_status()

    def holds_all(self) -> bool:
        """Say whether a call is held in each place."""
        return all(order["fired"] for order in self._http.get("/faults").json())

    def stats(self) -> Any:
        return self._http.get("/stats").json()["salesforce"]

    def contacts(self, field: str) -> Counter[str]:
        """Return how often each value of a field is there."""
        return Counter(record[field] for record in self._http.get("/salesforce/Contact").json()["data"])

    def close(self) -> None:
        self._http.close()


@pytest.fixture
def org(up: Up) -> Iterator[Org]:
    org = Org(up.told["sandbox"])
    yield org
    org.close()


def connect(client: Client, sandbox: str) -> None:
    token = {"type": "bearer", "token": "sandbox-token"}
    client.add_connection({"name": "sf", "provider": "salesforce", "baseUrl": sandbox, "credentials": token})


def download(client: Client) -> int:
    criteria = {"connection": "sf", "objectName": "Contact", "selectFields": "Id,LastName", "pageSize": 100}
    return client.download(criteria).id


def upload(client: Client, number: int) -> int:
    records = [{"LastName": f"Kill {number}-{row}"} for row in range(ROWS)]
    return client.upload_records({"connection": "sf", "objectName": "Contact", "operation": "insert"}, records).id


def reported(client: Client, jobs: list[int]) -> set[str]:
    """Return the ids that were reported as suspected orphans."""
    events = [event for job in jobs for event in pages(lambda token, job=job: client.events(job, after=token))]
    return {event["data"]["vendorJobId"] for event in events if event["name"] == "vendor_job.suspected_orphan"}


def test_a_worker_killed_anywhere_releases_nothing_twice_and_touches_nobody_elses_job(up: Up, org: Org) -> None:
    org.prepare()
    with up.client() as client:
        connect(client, up.told["sandbox"])
        org.hold()
        there = set(org.contacts("Id"))
        downloads = [download(client) for _ in range(3)]
        uploads = [upload(client, number) for number in range(UPLOADS)]
        eventually(org.holds_all, within=40, every=0.1)

        os.kill(worker_of(up.home), signal.SIGKILL)
        ended = {job: client.wait(job, patience=PATIENCE) for job in [*downloads, *uploads]}

        ingest, jobs = org.stats()["ingest"], org.stats()["jobs"]
        named = {each for status in ended.values() for each in status["vendorJobIds"]}
        left = {job["id"] for job in ingest["jobs"]} - named
        assert {status["outcome"] for status in ended.values()} == {"SUCCEEDED"}, ended
        assert (ingest["released"], ingest["released_twice"], ingest["rows_sent_twice"]) == (UPLOADS, 0, 0)
        assert (jobs["foreign"], jobs["foreign_writes"]) == (12, 0)
        assert (len(left), left - reported(client, uploads)) == (1, set())
        times = org.contacts("LastName")
        assert {times[f"Kill {number}-{row}"] for number in range(UPLOADS) for row in range(ROWS)} == {1}
        found = [Counter(record["Id"] for record in client.data(job, size=1000).items) for job in downloads]
        assert all(there <= set(ids) and set(ids.values()) == {1} for ids in found)
        fates = [[(row["id"], row["status"]) for row in client.data(job, size=1000).items] for job in uploads]
        assert all(sorted(told) == [(row + 1, "success") for row in range(ROWS)] for told in fates)
