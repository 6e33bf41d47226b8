"""All jobs of the org, and the list of them.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/get_all_jobs.htm
"""

import random
from typing import Any, TypeVar

from orchestrator.sandbox.exchange import Answer
from orchestrator.sandbox.options import Options, Switches
from orchestrator.sandbox.salesforce import ids
from orchestrator.sandbox.salesforce.call import Call
from orchestrator.sandbox.salesforce.job import SECOND, Job, State
from orchestrator.sandbox.salesforce.refusals import missing, refused, shown
from orchestrator.sandbox.told import Clock

PREFIX = "750"
KINDS = {
    "ingest": ("V2Ingest", "Classic", "BigObjectIngest"),
    "query": ("V2Query", "Classic", "V2Ingest"),
}
DAY = 86_400 * SECOND
SomeJob = TypeVar("SomeJob", bound=Job)


class Jobs:
    """Every job by its fifteen characters; ended ones vanish after some days."""

    def __init__(self, clock: Clock, switches: Switches) -> None:
        self._clock = clock
        self._switches = switches
        self.all: dict[str, Job] = {}
        self._made = 0  # of all users
        self.made = 0  # of ours, those that are gone too
        self._lists: dict[str, list[str]] = {}  # the keys of a list, as they were when it was asked for first
        self.foreign_writes = 0  # calls that would change or read into a job of somebody else

    def next_key(self) -> str:
        """Return the id of a job to come."""
        self._made += 1
        return ids.short(PREFIX, 40_000 + self._made * 7)

    def keep(self, job: Job) -> None:
        """Add a job."""
        self.all[job.key] = job
        self.made += not job.foreign

    def forget(self, job: Job) -> None:
        """Delete a job and its files."""
        del self.all[job.key]

    def settle(self) -> None:
        """Let happen what is due by now in every job."""
        now, options = self._clock.now(), self._switches.now
        for job in list(self.all.values()):
            since = job.over_since
            if since is None:
                job.settle(now, options)
            elif now - since >= options.sf_retention_days * DAY:
                self.forget(job)

    def found(self, call: Call, kind: type[SomeJob]) -> SomeJob:
        """Return the job that a path names; refuses an unknown one, and one that the caller may not see."""
        job = self.all.get(ids.key_of(call.name) or "")
        if job is not None and job.foreign:
            self.foreign_writes += call.request.method != "GET"
        if not isinstance(job, kind) or not self.sees(call.user, job):
            raise missing()
        return job

    def sees(self, user: str, job: Job) -> bool:
        """Whether a user may see a job: its own, or everyone's with a permission."""
        return self._switches.now.sf_sees_all or job.user == user

    def index(self, call: Call) -> Answer:
        """`GET /jobs/ingest` and `GET /jobs/query`."""
        options, locator = self._switches.now, call.request.value("queryLocator")
        if locator:
            name, _, text = locator.rpartition("-")
            if name not in self._lists or not text.isdigit():
                raise refused(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
            start = int(text)
        else:
            start, name = 0, ids.made("01g", 1 + len(self._lists))
            self._lists[name] = self._keys(call, options)
        return self._page(call, name, start, options)

    def _keys(self, call: Call, options: Options) -> list[str]:
        kinds, only = KINDS[call.last], call.request.value("jobType")
        if only is not None and only not in kinds:
            raise refused(400, "INVALIDJOB", f"jobType {only} is not one of {', '.join(kinds)}")
        chunked = call.request.value("isPkChunkingEnabled") == "true"
        mode = call.request.value("concurrencyMode") or "Parallel"
        free = call.request.fault.ignore_filters
        keys = [
            job.key
            for job in self.all.values()
            if self.sees(call.user, job)
            and job.kind in kinds
            and (free or (job.kind == (only or job.kind) and (job.pk_chunking or not chunked) and mode == "Parallel"))
        ]
        if options.sf_shuffle:
            random.Random(f"{options.sf_shuffle}:{len(self._lists)}").shuffle(keys)
        return keys

    def _page(self, call: Call, name: str, start: int, options: Options) -> Answer:
        keys, end = self._lists[name], start + options.sf_list_page
        page = [self.all[key].full(call.request) for key in keys[start:end] if key in self.all]
        for record in page:
            if record["state"] == State.OPEN and record["jobType"] == "V2Ingest":
                record["contentUrl"] = content_url(record["id"], record["apiVersion"])
        page = page[: len(page) - call.request.fault.drop_rows]
        done = end >= len(keys)
        path = "ingest" if options.sf_list_other_path else call.last
        following = None if done else f"{call.base}/jobs/{path}?queryLocator={name}-{end}"
        return shown({"done": done, "records": page, "nextRecordsUrl": following}, rows=len(page))

    def stats(self) -> dict[str, Any]:
        """What is counted of every job."""
        ours = [job for job in self.all.values() if not job.foreign]
        return {
            "made": self.made,
            "foreign": len(self.all) - len(ours),
            "foreign_writes": self.foreign_writes,
            "states": {state: sum(job.state is state for job in ours) for state in State},
        }


def content_url(id_: str, version: float) -> str:
    """Where an open job takes its upload; without a slash at its start."""
    return f"services/data/v{version:.1f}/jobs/ingest/{id_}/batches"
