"""The jobs of Bulk API 1.0: made, looked at, closed, aborted.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/asynch_api_jobs_create.htm
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.sandbox.exchange import Answer, Request
from orchestrator.sandbox.options import Switches
from orchestrator.sandbox.salesforce import ids
from orchestrator.sandbox.salesforce.bulk1.chunking import asked
from orchestrator.sandbox.salesforce.bulk1.job import BatchJob
from orchestrator.sandbox.salesforce.bulk1.kinds import KINDS
from orchestrator.sandbox.salesforce.bulk1.speech import No, job_fields, shown
from orchestrator.sandbox.salesforce.ingest import OPERATIONS
from orchestrator.sandbox.salesforce.job import State
from orchestrator.sandbox.salesforce.jobs import Jobs
from orchestrator.sandbox.salesforce.records import Org
from orchestrator.sandbox.told import Clock

QUERIES = ("query", "queryAll")
QUERY_ALL_SINCE = 39.0
MODES = {"": False, "parallel": False, "0": False, "serial": True, "1": True}
ENDED = "Job already aborted/closed/completed"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """One authorized call: who asks what of which version."""

    request: Request
    body: bytes  # unpacked
    user: str
    version: str
    names: Sequence[str]  # the changing parts of the path
    media: str  # what a call on a job is answered in

    def header(self, name: str) -> str | None:
        """Return a header."""
        return self.request.headers.get(name)


class BatchJobs:
    """The jobs, among all jobs of the org."""

    def __init__(self, clock: Clock, switches: Switches, jobs: Jobs, org: Org) -> None:
        self._clock = clock
        self._switches = switches
        self._jobs = jobs
        self._org = org

    def all(self) -> list[BatchJob]:
        """Return every job that is still kept."""
        return [job for job in self._jobs.all.values() if isinstance(job, BatchJob)]

    def create(self, caller: Caller) -> Answer:
        """`POST /job`."""
        fields = job_fields(caller.body)
        external = str(fields.get("externalIdFieldName") or "") or None
        self._check(fields, external, float(caller.version))
        content = KINDS[str(fields.get("contentType") or "XML")]
        chunking = asked(caller.header("sforce-enable-pkchunking"))
        if chunking and fields["operation"] not in QUERIES:
            raise No("InvalidJob", "PK chunking is only for queries")
        job = BatchJob(
            key=self._jobs.next_key(),
            kind="Classic",
            object=self._object(str(fields["object"])),
            operation=str(fields["operation"]),
            user=caller.user,
            version=float(caller.version),
            created_at=self._clock.now(),
            state=State.OPEN,
            pk_chunking=chunking is not None,
            content=content,
            serial=MODES[str(fields.get("concurrencyMode") or "").lower()],
            chunking=chunking,
            retries_batches=(caller.header("sforce-disable-batch-retry") or "").lower() != "true",
        )
        job.extra = {name: fields[name] for name in ("externalIdFieldName", "assignmentRuleId") if fields.get(name)}
        self._jobs.keep(job)
        return shown("jobInfo", job.info(), caller.media, status=201)

    def _check(self, fields: Mapping[str, Any], external: str | None, version: float) -> None:
        operation, options = fields.get("operation"), self._switches.now
        if operation not in (*OPERATIONS, *QUERIES) or (operation == "queryAll" and version < QUERY_ALL_SINCE):
            raise No("InvalidJob", f"Unknown operation: {operation}")
        if not fields.get("object"):
            raise No("InvalidJob", "object is required")
        if operation == "hardDelete" and not options.sf_hard_delete:
            raise No(
                "FeatureNotEnabled", "hardDelete operation requires special user profile permission, please contact"
            )
        if (operation == "upsert") != (external is not None):
            problem = "is required for upsert" if operation == "upsert" else f"cannot be given for {operation}"
            raise No("InvalidJob", f"externalIdFieldName {problem}")
        content = str(fields.get("contentType") or "XML")
        if content not in KINDS or (operation in QUERIES and KINDS[content].zipped):
            raise No("InvalidJob", f"contentType {content} is not supported")
        if str(fields.get("concurrencyMode") or "").lower() not in MODES:
            raise No("InvalidJob", f"concurrencyMode {fields['concurrencyMode']} is unknown")
        self._check_external(str(fields["object"]), external)

    def _check_external(self, name: str, external: str | None) -> None:
        table = self._org.table(name)
        if external is None or table is None or external.lower() == "id":
            return
        column = table.thing.columns.get(external.lower())
        if column is None or not table.thing.fields[column].external:
            text = f"Field name provided, {external} does not match an External ID for {table.thing.name}"
            raise No("InvalidJob", text)

    def _object(self, name: str) -> str:
        table = self._org.table(name)
        if table is None or not table.thing.bulk or table.thing.name in self._switches.now.sf_not_bulk:
            raise No("InvalidEntity", f"Entity '{name}' is not supported by the Bulk API.")
        return table.thing.name

    def found(self, caller: Caller) -> BatchJob:
        """Return the job that a path names; refuses an unknown one, and one that the caller may not see."""
        job = self._jobs.all.get(ids.key_of(caller.names[0]) or "")
        if not isinstance(job, BatchJob) or not self._jobs.sees(caller.user, job):
            raise No("InvalidJob", f"Unable to find job for id: {caller.names[0]}")
        return job

    def show(self, caller: Caller) -> Answer:
        """`GET /job/{id}`."""
        job = self.found(caller)
        info = job.info()
        if caller.request.fault.state_word:
            info["state"] = caller.request.fault.state_word
        info["numberRecordsProcessed"] = max(0, info["numberRecordsProcessed"] - caller.request.fault.miscount)
        return shown("jobInfo", info, caller.media)

    def change(self, caller: Caller) -> Answer:
        """`POST /job/{id}`: Closed by its creator, Aborted also by others; nothing else can be changed."""
        job, fields = self.found(caller), job_fields(caller.body)
        if set(fields) != {"state"}:
            raise No("InvalidJob", "Only the state of a job can be changed")
        if fields["state"] == State.ABORTED:
            if job.state is State.ABORTED:
                raise No("InvalidJobState", ENDED)
            job.abort(self._clock.now())
        elif fields["state"] == State.CLOSED:
            if job.user != caller.user:
                raise No("InvalidUser", "The job can only be closed by the user who made it")
            if job.state is not State.OPEN:
                raise No("InvalidJobState", ENDED)
            job.move(State.CLOSED, self._clock.now())
        else:
            raise No("InvalidJob", f"The state {fields['state']} cannot be set")
        return shown("jobInfo", job.info(), caller.media)
