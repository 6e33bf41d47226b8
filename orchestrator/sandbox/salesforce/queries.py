"""The query resources of Bulk API 2.0.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/queries.htm
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from orchestrator.sandbox.exchange import Answer
from orchestrator.sandbox.options import Switches
from orchestrator.sandbox.salesforce.call import Call
from orchestrator.sandbox.salesforce.ingest import ABORTED
from orchestrator.sandbox.salesforce.job import SECOND, State
from orchestrator.sandbox.salesforce.jobs import Jobs
from orchestrator.sandbox.salesforce.query_job import Locator, QueryJob
from orchestrator.sandbox.salesforce.quotas import Quotas
from orchestrator.sandbox.salesforce.records import Org, Record
from orchestrator.sandbox.salesforce.refusals import missing, refused, shown, wrong_state
from orchestrator.sandbox.salesforce.selecting import Prepared, for_bulk
from orchestrator.sandbox.salesforce.text import DELIMITERS, ENDINGS
from orchestrator.sandbox.told import Clock

RUNNING = "Error encountered when deleting the job because the job is not terminated"
PAGES_SINCE = 58.0
SHAPES = {"resultPages": ("resultPages", "resultUrl"), "resultChunks": ("resultChunks", "resultLink")}


class Queries:
    """The query jobs, and the calls on them."""

    def __init__(self, clock: Clock, switches: Switches, jobs: Jobs, org: Org, quotas: Quotas) -> None:
        self._clock = clock
        self._switches = switches
        self._jobs = jobs
        self._org = org
        self._quotas = quotas

    def create(self, call: Call) -> Answer:
        """`POST /jobs/query`."""
        fields = call.fields()
        if fields.get("operation") not in ("query", "queryAll") or not fields.get("query"):
            raise refused(400, "INVALIDJOB", "operation must be query or queryAll, and query is required")
        _check_style(fields)
        prepared = for_bulk(self._org, str(fields["query"]), self._switches.now.sf_not_bulk)
        self._quotas.query_job()
        now = self._clock.now()
        job = QueryJob(
            key=self._jobs.next_key(),
            kind="V2Query",
            object=prepared.table.thing.name,
            operation=str(fields["operation"]),
            user=call.user,
            version=call.number,
            created_at=now,
            released_at=now,
            state=State.UPLOADED,
            delimiter=str(fields.get("columnDelimiter") or "COMMA"),
            ending=str(fields.get("lineEnding") or "LF"),
            prepared=prepared,
            deleted=fields["operation"] == "queryAll",
            run=self._run,
        )
        self._jobs.keep(job)
        return shown(job.short() | {"lineEnding": job.ending, "columnDelimiter": job.delimiter})

    def _run(self, prepared: Prepared, deleted: bool) -> list[Record]:
        return prepared.run(self._org, self._clock.now(), deleted=deleted)

    def show(self, call: Call) -> Answer:
        """`GET /jobs/query/{id}`."""
        job = self._jobs.found(call, QueryJob)
        chunked = not job.prepared.select.order and job.prepared.select.limit is None
        return shown(job.full(call.request) | {"isPkChunkingSupported": chunked})

    def change(self, call: Call) -> Answer:
        """`PATCH /jobs/query/{id}`: Aborted."""
        job, state = self._jobs.found(call, QueryJob), call.fields().get("state")
        if state != State.ABORTED:
            raise wrong_state(f"The state {state} cannot be set")
        if job.state.is_final:
            raise wrong_state(ABORTED)
        job.move(State.ABORTED, self._clock.now())
        return shown(job.short())

    def delete(self, call: Call) -> Answer:
        """`DELETE /jobs/query/{id}`."""
        job = self._jobs.found(call, QueryJob)
        if not job.state.is_final:
            raise refused(400, "API_ERROR", RUNNING)
        self._jobs.forget(job)
        return Answer(status=204)

    def results(self, call: Call) -> Answer:
        """`GET /jobs/query/{id}/results`: one set, and the locator of the next; `null` ends it."""
        job, options, fault = self._readable(call), self._switches.now, call.request.fault
        sent = call.request.value("locator")
        locator = self._located(job, sent) if sent else Locator(job=job.key, offset=0, rows=0, at=0)
        self._check_ready(job, locator)
        size = locator.rows or self._size(call)
        start, total = locator.offset, len(job.rows)
        end = min(total, start + size)
        following = "null"
        if end < total and (self._switches.now.sf_linked_sets or not locator.rows):
            following = str(Locator(job=job.key, offset=end, rows=0, at=self._clock.now()))
        body = job.file(max(0, start - fault.overlap), max(start, end - fault.drop_rows), options)
        headers = (
            ("Sforce-NumberOfRecords", str(end - start - fault.miscount)),
            ("Sforce-Locator", following),
        )
        return Answer(body=body, media="text/csv", headers=headers, rows=end - start)

    def _readable(self, call: Call) -> QueryJob:
        job = self._jobs.found(call, QueryJob)
        if job.version != call.number:
            text = f"The results must be read with the API version of the job: {job.version}"
            raise refused(409, "API_VERSION_MISMATCH", text)
        return job

    def _check_ready(self, job: QueryJob, locator: Locator) -> None:
        """Only a set that resultPages has named can be read before the job is done."""
        is_named = locator.rows > 0 and locator.offset + locator.rows <= job.processed
        if job.state is not State.DONE and not (job.state is State.RUNNING and is_named):
            raise wrong_state(f"Job {job.id} is {job.state}, its results cannot be read")

    def _located(self, job: QueryJob, text: str) -> Locator:
        life = self._switches.now.sf_locator_seconds
        try:
            locator = Locator.read(text)
        except ValueError as error:
            raise refused(400, "INVALID_QUERY_LOCATOR", "invalid query locator") from error
        if locator.job != job.key or (life and self._clock.now() - locator.at >= life * SECOND):
            raise refused(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return locator

    def _size(self, call: Call) -> int:
        text = call.request.value("maxRecords")
        if text is None:
            return self._switches.now.sf_result_rows
        if not text.isdigit() or int(text) < 1:
            raise refused(400, "INVALIDJOB", "maxRecords must be a positive number")
        return int(text)

    def pages(self, call: Call) -> Answer:
        """`GET /jobs/query/{id}/resultPages`: links to sets that can be read side by side, also while the job runs."""
        options = self._switches.now
        if not options.sf_pages or call.number < PAGES_SINCE:
            raise missing()
        job, text = self._readable(call), call.request.value("locator")
        if job.state in (State.FAILED, State.ABORTED):
            raise wrong_state(f"Job {job.id} is {job.state}, its results cannot be read")
        start = self._located(job, text).offset if text else 0
        size, is_done = options.sf_page_rows, job.state is State.DONE
        upto = len(job.rows) if is_done else job.processed // size * size
        stop = min(upto, start + size * options.sf_page_links)
        links = [self._link(call, job, at, min(size, stop - at)) for at in range(start, stop, size)]
        is_last = is_done and stop >= len(job.rows)
        is_full = len(links) == options.sf_page_links
        following = None
        if not is_last and (is_full or options.sf_next_while_short):
            following = self._next(call, job, stop)
        key, each = SHAPES[options.sf_pages]
        shape = {key: [{each: link} for link in links], options.sf_next_name: following, "done": is_last}
        return shown(shape)

    def _link(self, call: Call, job: QueryJob, offset: int, rows: int) -> str:
        options = self._switches.now
        since = job.named.setdefault((offset, rows), self._clock.now())  # asked for again, a link is the same
        locator = Locator(job=job.key, offset=offset, rows=rows, at=since)
        path = f"/jobs/query/{job.id}/results?{urlencode({'locator': str(locator)})}"
        style = options.sf_links or ("path" if options.sf_pages == "resultPages" else "version")
        host = f"http://{call.request.headers.get('host', 'localhost')}"
        return {"absolute": host + call.base, "path": call.base}.get(style, "") + path

    def _next(self, call: Call, job: QueryJob, offset: int) -> str:
        since = job.named.setdefault((offset, 0), self._clock.now())
        locator = Locator(job=job.key, offset=offset, rows=0, at=since)
        return f"{call.base}/jobs/query/{job.id}/resultpages?{urlencode({'locator': str(locator)})}"

    def stats(self) -> list[dict[str, Any]]:
        """What was asked for, job by job."""
        jobs = (job for job in self._jobs.all.values() if isinstance(job, QueryJob))
        return [
            {"id": j.id, "object": j.object, "operation": j.operation, "state": j.state, "rows": len(j.rows)}
            for j in jobs
        ]


def _check_style(fields: Mapping[str, Any]) -> None:
    for name, values in (("contentType", ("CSV",)), ("columnDelimiter", DELIMITERS), ("lineEnding", ENDINGS)):
        if fields.get(name) and fields[name] not in values:
            raise refused(400, "INVALIDJOB", f"{name} {fields[name]} is not supported")
