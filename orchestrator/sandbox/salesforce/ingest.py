"""The ingest resources of Bulk API 2.0.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/bulk_api_2_0.htm
"""

import gzip
import zlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

from orchestrator.sandbox.exchange import Answer
from orchestrator.sandbox.options import Switches
from orchestrator.sandbox.salesforce.call import Call, decoded
from orchestrator.sandbox.salesforce.ingest_job import IngestJob
from orchestrator.sandbox.salesforce.job import State
from orchestrator.sandbox.salesforce.jobs import Jobs, content_url
from orchestrator.sandbox.salesforce.loading import REMOVALS, Loader
from orchestrator.sandbox.salesforce.multipart import Part, parts
from orchestrator.sandbox.salesforce.quotas import Quotas
from orchestrator.sandbox.salesforce.records import Org
from orchestrator.sandbox.salesforce.refusals import refused, shown, wrong_state
from orchestrator.sandbox.salesforce.text import DELIMITERS, ENDINGS
from orchestrator.sandbox.told import Clock

OPERATIONS = ("insert", "update", "upsert", *REMOVALS)
TWICE = (
    "Found multipe contents for job: <{}>, please 'Close' / 'Abort' / 'Delete' the current Job then create a new Job "
    "and make sure you only do 'PUT' once on a given Job."
)
CLOSED = "Closing already Completed Job not allowed"
ABORTED = "Aborting already Completed Job not allowed"
REPORTS = ("successfulresults", "failedresults")
DELETABLE = (State.UPLOADED, State.DONE, State.ABORTED, State.FAILED)


class Ingest:
    """The ingest jobs, and the calls on them."""

    def __init__(self, clock: Clock, switches: Switches, jobs: Jobs, org: Org, quotas: Quotas) -> None:
        self._clock = clock
        self._switches = switches
        self._jobs = jobs
        self._org = org
        self._quotas = quotas
        self._seen: set[int] = set()
        self._uploads: Counter[int] = Counter()  # released, by what was in them

    def create(self, call: Call) -> Answer:
        """`POST /jobs/ingest`: JSON, or a form with the upload in it."""
        kind = call.request.headers.get("content-type", "")
        if not kind.startswith("multipart/form-data"):
            return shown(self._opened(self._made(call, call.fields())))
        form = parts(kind, call.request.body)
        definition, content = form.get("job"), form.get("content")
        if definition is None or content is None:
            raise refused(400, "INVALIDJOB", "The form must have the parts job and content")
        return self._at_once(call, definition, content)

    def _at_once(self, call: Call, definition: Part, content: Part) -> Answer:
        if len(content.body.decode(errors="replace")) > self._switches.now.sf_multipart_chars:
            raise refused(400, "CLIENTINPUTERROR", "The content of a multipart job is limited to 100,000 characters")
        job = self._made(call, decoded(definition.body))
        job.upload, job.size, job.puts = content.body, len(content.body), 1
        self._release(job)
        return shown(job.short() | self._style(job))

    def _made(self, call: Call, fields: Mapping[str, Any]) -> IngestJob:
        operation, external = self._checked(fields)
        self._quotas.may_ingest()
        table = self._org.table(str(fields["object"]))
        if table is None or not table.thing.bulk or table.thing.name in self._switches.now.sf_not_bulk:
            raise refused(400, "INVALIDENTITY", f"Entity '{fields['object']}' is not supported by the Bulk API.")
        job = IngestJob(
            key=self._jobs.next_key(),
            kind="V2Ingest",
            object=table.thing.name,
            operation=operation,
            user=call.user,
            version=call.number,
            created_at=self._clock.now(),
            state=State.OPEN,
            delimiter=str(fields.get("columnDelimiter") or "COMMA"),
            ending=str(fields.get("lineEnding") or "LF"),
            make_loader=self._loader,
            allow=self._quotas.allow,
            external=external,
            seen=self._seen,
        )
        job.extra = {name: fields[name] for name in ("externalIdFieldName", "assignmentRuleId") if fields.get(name)}
        self._jobs.keep(job)
        return job

    def _loader(self, job: IngestJob, header: list[str]) -> Loader:
        table = self._org.tables[job.object.lower()]
        return Loader(self._org, table, job.operation, job.external, header, job.user)

    def _checked(self, fields: Mapping[str, Any]) -> tuple[str, str | None]:
        operation, external = fields.get("operation"), fields.get("externalIdFieldName") or None
        if operation not in OPERATIONS or not fields.get("object"):
            raise refused(400, "INVALIDJOB", f"object and operation are required; operation: {operation}")
        if operation == "hardDelete" and not self._switches.now.sf_hard_delete:
            raise refused(400, "FEATURENOTENABLED", "hardDelete operation requires special user profile permission")
        if operation == "upsert" and external is None:
            raise refused(400, "INVALIDJOB", "External ID was blank for the upsert operation.")
        allowed = {"contentType": ("CSV",), "columnDelimiter": DELIMITERS, "lineEnding": ENDINGS}
        for name, values in allowed.items():
            if fields.get(name) and fields[name] not in values:
                raise refused(400, "INVALIDJOB", f"{name} {fields[name]} is not supported")
        self._check_external(fields, external if operation == "upsert" else None)
        return str(operation), external

    def _check_external(self, fields: Mapping[str, Any], external: str | None) -> None:
        table = self._org.table(str(fields["object"]))
        if external is None or table is None or external.lower() == "id":
            return
        column = table.thing.columns.get(external.lower())
        if column is None or not table.thing.fields[column].external:
            text = f"Field name provided, {external} does not match an External ID, Salesforce Id, or indexed field"
            raise refused(400, "INVALIDJOB", f"{text} for {table.thing.name}")

    def _opened(self, job: IngestJob) -> dict[str, Any]:
        return job.short() | {"contentUrl": content_url(job.id, job.version)} | self._style(job)

    def _style(self, job: IngestJob) -> dict[str, str]:
        return {"lineEnding": job.ending, "columnDelimiter": job.delimiter}

    def show(self, call: Call) -> Answer:
        """`GET /jobs/ingest/{id}`."""
        job = self._jobs.found(call, IngestJob)
        view = job.full(call.request)
        if job.state is State.OPEN:
            view |= {"contentUrl": content_url(job.id, job.version), "numberRecordsProcessed": 0}
            view |= {"numberRecordsFailed": 0}
        return shown(view)

    def fill(self, call: Call) -> Answer:
        """`PUT /jobs/ingest/{id}/batches`: takes almost anything; the data are judged after UploadComplete."""
        job = self._jobs.found(call, IngestJob)
        if job.user != call.user:
            raise refused(400, "INVALIDUSER", "The data must be uploaded by the user who made the job")
        if job.state is not State.OPEN:
            raise wrong_state(f"Job {job.id} is not open")
        body = _unpacked(call)
        if -(-len(body) // 3) * 4 > self._switches.now.sf_upload_bytes:
            raise refused(400, "CLIENTINPUTERROR", "The upload is larger than 150 MB once it is base64")
        job.puts += 1
        if job.puts == 1:
            job.upload, job.size = body, len(body)
        return Answer(status=201, media="text/plain")

    def change(self, call: Call) -> Answer:
        """`PATCH /jobs/ingest/{id}`: UploadComplete or Aborted."""
        job, state = self._jobs.found(call, IngestJob), call.fields().get("state")
        if state == State.ABORTED:
            if job.state.is_final:
                raise wrong_state(ABORTED)
            job.move(State.ABORTED, self._clock.now())
            return shown(job.short())
        if state != State.UPLOADED:
            raise wrong_state(f"The state {state} cannot be set")
        if job.state is not State.OPEN:
            raise wrong_state(CLOSED)
        if job.puts > 1:
            raise refused(400, "INVALIDJOB", TWICE.format(job.id))
        self._release(job)
        return shown(job.short())

    def _release(self, job: IngestJob) -> None:
        now = self._clock.now()
        job.released_at = now
        job.move(State.UPLOADED, now)
        self._uploads[hash((job.object, job.operation, job.upload))] += 1

    def delete(self, call: Call) -> Answer:
        """`DELETE /jobs/ingest/{id}`."""
        job = self._jobs.found(call, IngestJob)
        if job.state not in DELETABLE:
            raise wrong_state(f"Job {job.id} is {job.state} and cannot be deleted")
        self._jobs.forget(job)
        return Answer(status=204)

    def results(self, call: Call) -> Answer:
        """`GET /jobs/ingest/{id}/successfulResults`, `/failedResults`, `/unprocessedrecords`."""
        job, options = self._jobs.found(call, IngestJob), self._switches.now
        if not job.state.is_final:
            raise wrong_state(f"Job {job.id} has not ended")
        count = {"successfulresults": job.processed - job.failed, "failedresults": job.failed}
        rows = count.get(call.last, max(0, job.total - job.processed))
        if options.sf_empty_204 and rows == 0 and (call.last in REPORTS or job.state is State.DONE):
            return Answer(status=204, media="text/csv")
        return Answer(body=job.file(call.last, options.sf_shuffle), media="text/csv", rows=rows)

    def stats(self) -> dict[str, Any]:
        """What was sent up, job by job."""
        jobs = [job for job in self._jobs.all.values() if isinstance(job, IngestJob)]
        return {
            "released": sum(self._uploads.values()),
            "released_twice": sum(count - 1 for count in self._uploads.values()),
            "rows_sent_twice": sum(job.sent_twice for job in jobs),
            "processed": sum(job.processed for job in jobs),
            "failed": sum(job.failed for job in jobs),
            "jobs": [
                {"id": j.id, "object": j.object, "operation": j.operation, "state": j.state, "user": j.user}
                | {"puts": j.puts, "bytes": j.size, "processed": j.processed, "failed": j.failed}
                | {"released": bool(j.released_at), "message": j.message}
                for j in jobs
            ],
        }


def _unpacked(call: Call) -> bytes:
    if call.request.headers.get("content-encoding") != "gzip":
        return call.request.body
    try:
        return gzip.decompress(call.request.body)
    except (OSError, EOFError, zlib.error) as error:
        raise refused(400, "CLIENTINPUTERROR", "The gzip stream is broken") from error
