"""The org's own list of jobs: everybody's, of every kind, in no order, as far as our user may see them.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/get_all_jobs.htm
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct

from orchestrator.http.client import VendorClient
from orchestrator.job.errors import Gone, Invalid, Misbehaved, Missing
from orchestrator.providers.job_list import JobPage, ListedJob
from orchestrator.providers.provider import RemoteStatus
from orchestrator.providers.salesforce.bulk1.listing import STATES as CLASSIC_STATES
from orchestrator.providers.salesforce.bulk1.listing import AsyncBatches, AsyncJobList
from orchestrator.providers.salesforce.jobs import status_of
from orchestrator.providers.salesforce.wire import JSON, PROVIDER, read
from orchestrator.providers.salesforce.wire import JobList as JobInfos

INGEST, QUERY, CLASSIC = "ingest", "query", "Classic"
JOB_TYPES = ("BigObjectIngest", "Classic", "V2Ingest", "V2Query")
LOCATOR, JOB_TYPE = "queryLocator", "jobType"
PARAMETERS: Mapping[str, Sequence[str]] = {  # and what each may be; empty: any text
    "isPkChunkingEnabled": ("true", "false"),
    JOB_TYPE: JOB_TYPES,
    "concurrencyMode": ("Parallel", "Serial"),
    LOCATOR: (),
}
STATES = ("UploadComplete", "Aborted")
SHORT_ID = 15  # characters; ids of 18 have a check sum behind them
LONGEST = 500  # characters of a locator; those that were seen have 23
ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")


class Listed(Struct, rename="camel", kw_only=True):
    """A page of the list, each job with whatever it has."""

    done: bool
    records: Sequence[dict[str, Any]] = ()
    next_records_url: str | None = None


class SalesforceJobs:
    """The jobs of one org."""

    stop = "Aborted"

    def __init__(self, http: VendorClient, base: str, async_base: str) -> None:
        self._http = http
        self._base = f"{base}/jobs"
        self._classic = AsyncJobList(http, async_base)

    def page(self, asked: Mapping[str, str]) -> JobPage:
        """Return at most 1,000 jobs; one call. Query jobs are in a list of their own, which `jobType` V2Query means."""
        check(asked)
        kind = QUERY if asked.get(JOB_TYPE) == "V2Query" else INGEST
        located = {LOCATOR: asked[LOCATOR]} if LOCATOR in asked else asked  # it stands for the filters too
        page = read(self._http.get(f"{self._base}/{kind}", params=located, headers=JSON), Listed)
        following = None if page.done else _following(page.next_records_url)
        jobs = [_listed(fields, QUERY if fields.get(JOB_TYPE) == "V2Query" else INGEST) for fields in page.records]
        return JobPage(jobs=jobs, following=following)

    def one(self, remote_id: str) -> ListedJob:
        """Return a job of either list, or of Bulk API 1.0; one call to three. Raises Missing."""
        if not ID.fullmatch(remote_id):
            raise Missing("vendor job", remote_id)
        for kind in (INGEST, QUERY):
            try:
                answer = self._http.get(f"{self._base}/{kind}/{remote_id}", headers=JSON)
            except Gone:
                continue
            found = _listed(read(answer, dict[str, Any]), kind)
            if found.fields.get(JOB_TYPE) != CLASSIC:
                return found
            break
        return self._of_classic(self._classic.one(remote_id))

    def batches(self) -> AsyncBatches:
        """Return the batches of jobs of Bulk API 1.0."""
        return AsyncBatches(self._classic)

    def statuses(self, remote_ids: Sequence[str], calls: int) -> Mapping[str, RemoteStatus]:
        """Return how far these ingest jobs have come, by the list; a call for each 1,000 jobs of the org."""
        wanted, found = {each[:SHORT_ID]: each for each in remote_ids}, dict[str, RemoteStatus]()
        asked: Mapping[str, str] = {JOB_TYPE: "V2Ingest"}
        for _ in range(calls):
            page = read(self._http.get(f"{self._base}/{INGEST}", params=asked, headers=JSON), JobInfos)
            for job in page.records:
                if job.id[:SHORT_ID] in wanted:
                    found[wanted[job.id[:SHORT_ID]]] = replace(status_of(job), fates_told=True)
            if page.done or len(found) == len(wanted):
                break
            asked = {LOCATOR: _following(page.next_records_url)[LOCATOR]}
        return found

    def move(self, job: ListedJob, state: str) -> ListedJob:
        """Close a job that waits for data, or stop one that has not ended; one call. Raises Invalid, Rejected."""
        permitted = CLASSIC_STATES if job.kind == CLASSIC else STATES
        if state not in permitted:
            raise Invalid("state", "is no state that such a job is set to", f"Permitted: {', '.join(permitted)}.")
        if job.kind == CLASSIC:
            return self._of_classic({**job.fields, **self._classic.move(job.id, state)})
        answer = self._http.patch(f"{self._base}/{job.kind}/{job.id}", json={"state": state}, headers=JSON)
        return _listed({**job.fields, **read(answer, dict[str, Any])}, job.kind)

    def _of_classic(self, fields: Mapping[str, Any]) -> ListedJob:
        return _listed({**fields, JOB_TYPE: CLASSIC}, CLASSIC)


def check(asked: Mapping[str, str]) -> None:
    """Raise Invalid for a parameter that the list does not have, or a value that it does not take."""
    for name, value in asked.items():
        if name not in PARAMETERS:
            advice = f"Known: {', '.join(PARAMETERS)}."
            raise Invalid(name, "is no parameter of Salesforce's job list", advice, code="unknown_parameter")
        if (permitted := PARAMETERS[name]) and value not in permitted:
            raise Invalid(name, f"is not one of {', '.join(permitted)}", "Correct it, or leave it out.")
        if not 0 < len(value) <= LONGEST:
            raise Invalid(name, "is empty or too long", "Take it from nextRecordsUrl.")


def _listed(fields: Mapping[str, Any], kind: str) -> ListedJob:
    id_ = fields.get("id")
    if not isinstance(id_, str) or not ID.fullmatch(id_):
        raise Misbehaved(PROVIDER, "a job without an id")
    return ListedJob(id=id_, kind=kind, fields=fields)


def _following(link: str | None) -> Mapping[str, str]:
    """Return the locator of a link, which is all that is ever taken of it: the address asked next is our own."""
    parts = urlsplit(link or "")
    locators = parse_qs(parts.query).get(LOCATOR)
    if not locators:
        raise Misbehaved(PROVIDER, "a list of jobs that goes on, but does not say where")
    in_queries = parts.path.rstrip("/").endswith(f"/jobs/{QUERY}")  # the list of queries may go on in the other one
    return {LOCATOR: locators[0]} | ({JOB_TYPE: "V2Query"} if in_queries else {})
