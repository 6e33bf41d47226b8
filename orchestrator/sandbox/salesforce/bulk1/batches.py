"""The batches of Bulk API 1.0: added, looked at, read.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/asynch_api_batches_create.htm
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from orchestrator.sandbox.exchange import Answer
from orchestrator.sandbox.options import Switches
from orchestrator.sandbox.salesforce import ids
from orchestrator.sandbox.salesforce.bulk1.batch import Batch, BatchState
from orchestrator.sandbox.salesforce.bulk1.job import BatchJob
from orchestrator.sandbox.salesforce.bulk1.jobs import QUERIES, BatchJobs, Caller
from orchestrator.sandbox.salesforce.bulk1.kinds import JSON, XML
from orchestrator.sandbox.salesforce.bulk1.load_batch import LoadBatch
from orchestrator.sandbox.salesforce.bulk1.query_batch import QueryBatch
from orchestrator.sandbox.salesforce.bulk1.results import query_file, results_file
from orchestrator.sandbox.salesforce.bulk1.speech import No, document, listed, shown
from orchestrator.sandbox.salesforce.job import SECOND, State
from orchestrator.sandbox.salesforce.loading import Loader
from orchestrator.sandbox.salesforce.query_job import QueryJob
from orchestrator.sandbox.salesforce.quotas import Quotas
from orchestrator.sandbox.salesforce.records import Org
from orchestrator.sandbox.salesforce.refusals import refused
from orchestrator.sandbox.salesforce.selecting import for_bulk
from orchestrator.sandbox.told import Clock

MOST_BYTES = 10_000_000
BATCH_PREFIX, RESULT_PREFIX = "751", "752"


class Batches:
    """The calls on batches, and how many were sent twice."""

    def __init__(self, clock: Clock, switches: Switches, jobs: BatchJobs, org: Org, quotas: Quotas) -> None:
        self._clock = clock
        self._switches = switches
        self._jobs = jobs
        self._org = org
        self._quotas = quotas
        self._made = {BATCH_PREFIX: 0, RESULT_PREFIX: 0}
        self._requests: Counter[int] = Counter()
        self._rows: Counter[int] = Counter()

    def _next(self, prefix: str) -> str:
        self._made[prefix] += 1
        return ids.short(prefix, 90_000 + self._made[prefix] * 3)

    def _in(self, caller: Caller, handle: Callable[[Caller, BatchJob], Answer]) -> Answer:
        """Answer a call about batches: refusals too come in what the job's content type says."""
        job = self._jobs.found(caller)
        try:
            _check_version(caller, job)
            return handle(caller, job)
        except No as no:
            no.media = job.content.answers
            raise

    def add(self, caller: Caller) -> Answer:
        """`POST /job/{id}/batch`: takes almost anything; what is in it is judged when the batch runs."""
        return self._in(caller, self._add)

    def _add(self, caller: Caller, job: BatchJob) -> Answer:
        if not self._quotas.batch():
            raise No("ExceededQuota", "ApiBatchItems Limit exceeded.")
        self._check(caller, job)
        batch = self._batch(caller, job)
        job.batches[batch.key] = batch
        self._requests[hash((job.object, job.operation, batch.request))] += 1
        place = f"{caller.request.path.removesuffix('/')}/{ids.full(batch.key)}"
        answer = shown("batchInfo", batch.shown(), job.content.answers, status=201)
        return replace(answer, headers=(("Location", place),))

    def _check(self, caller: Caller, job: BatchJob) -> None:
        if job.user != caller.user:
            raise No("InvalidUser", "The batch must be added by the user who made the job")
        if job.state is not State.OPEN:
            text = f"Failed to create batch, since the Job is not Open. Current job state is '{job.state}'"
            raise No("InvalidJobState", text)
        if self._clock.now() - job.created_at >= self._switches.now.sf_open_hours * 3600 * SECOND:
            raise No("InvalidJobState", "Failed to create batch, since the Job is older than 24 hours")
        media = (caller.header("content-type") or "").partition(";")[0].strip().lower()
        fits = media == job.content.media or (job.operation in QUERIES and media in ("text/csv", "application/xml"))
        if not fits:
            raise No("ClientInputError", f"Content type {media} does not suit a job of {job.content.name}")
        if not caller.body.strip():
            raise No("ClientInputError", "Unable to find any data to create batch")
        if len(caller.body) > MOST_BYTES:
            raise No("ClientInputError", f"Failed to read request. Exceeded max size limit of {MOST_BYTES}")
        if job.operation in QUERIES and job.chunking and job.batches:
            raise No("InvalidBatch", "A job with PK chunking takes one query")

    def _batch(self, caller: Caller, job: BatchJob) -> Batch:
        key, now, body = self._next(BATCH_PREFIX), self._clock.now(), caller.body
        if job.operation not in QUERIES:
            return LoadBatch(
                key=key,
                job=job.key,
                request=body,
                created_at=now,
                kind=job.content,
                make_loader=lambda header: self._loader(job, header),
                count=lambda row: self._count(job, row),
            )
        return QueryBatch(
            key=key,
            job=job.key,
            request=body,
            created_at=now,
            chunking=job.chunking,
            make_query=lambda soql: self._query(job, soql),
            next_key=lambda: self._next(BATCH_PREFIX),
            next_result=lambda: self._next(RESULT_PREFIX),
        )

    def _loader(self, job: BatchJob, header: Sequence[str]) -> Loader:
        table, external = self._org.tables[job.object.lower()], job.extra.get("externalIdFieldName")
        return Loader(self._org, table, job.operation, external, header, job.user)

    def _count(self, job: BatchJob, row: Sequence[str]) -> None:
        self._rows[hash((job.object, job.operation, *row))] += 1

    def _query(self, job: BatchJob, soql: str) -> QueryJob:
        prepared = for_bulk(self._org, soql, self._switches.now.sf_not_bulk)
        if prepared.table.thing.name != job.object:
            raise refused(400, "InvalidBatch", f"The query reads {prepared.table.thing.name}, the job {job.object}")
        return QueryJob(
            key=job.key,
            kind=job.kind,
            object=job.object,
            operation=job.operation,
            user=job.user,
            version=job.version,
            created_at=job.created_at,
            state=State.RUNNING,
            prepared=prepared,
            deleted=job.operation == "queryAll",
            run=lambda what, deleted: what.run(self._org, self._clock.now(), deleted=deleted),
        )

    def index(self, caller: Caller) -> Answer:
        """`GET /job/{id}/batch`."""
        return self._in(caller, self._index)

    def _index(self, caller: Caller, job: BatchJob) -> Answer:
        shown_all = [batch.shown(caller.request.fault.state_word) for batch in job.batches.values()]
        return listed("batchInfoList", "batchInfo", shown_all, job.content.answers)

    def show(self, caller: Caller) -> Answer:
        """`GET /job/{id}/batch/{batch}`."""
        word = caller.request.fault.state_word
        return self._in(
            caller, lambda call, job: shown("batchInfo", _found(call, job).shown(word), job.content.answers)
        )

    def request(self, caller: Caller) -> Answer:
        """`GET /job/{id}/batch/{batch}/request`: what was sent, byte for byte."""
        return self._in(caller, lambda call, job: Answer(body=_found(call, job).request, media=job.content.media))

    def result(self, caller: Caller) -> Answer:
        """`GET /job/{id}/batch/{batch}/result`: what became of each row, or which results a query has."""
        return self._in(caller, self._result)

    def _result(self, caller: Caller, job: BatchJob) -> Answer:
        batch = _found(caller, job)
        if isinstance(batch, LoadBatch):
            if not batch.state.is_final or not batch.results:
                raise No("InvalidBatch", "Records not processed")
            results = batch.results[: len(batch.results) - caller.request.fault.drop_rows]
            return Answer(body=results_file(results, job.content.rows), media=job.content.files, rows=len(results))
        assert isinstance(batch, QueryBatch)
        if batch.state is not BatchState.DONE:
            raise No("InvalidBatch", "Records not found for this batch")
        if job.content.answers == JSON:
            return Answer(body=b"[%s]" % b",".join(b'"%s"' % each.encode() for each in batch.files), media=JSON)
        inside = "".join(f"<result>{each}</result>" for each in batch.files)
        return Answer(body=document("result-list", inside), media=XML)

    def rows(self, caller: Caller) -> Answer:
        """`GET /job/{id}/batch/{batch}/result/{result}`: rows of a query."""
        return self._in(caller, self._query_rows)

    def _query_rows(self, caller: Caller, job: BatchJob) -> Answer:
        batch, name = _found(caller, job), ids.key_of(caller.names[2]) or ""
        if not isinstance(batch, QueryBatch) or name not in batch.files or batch.query is None:
            raise No("InvalidBatch", f"Unable to find result for id: {caller.names[2]}")
        start, end = batch.files[name]
        window = (start, max(start, end - caller.request.fault.drop_rows))
        body = query_file(batch.query, window, job.content.rows, caller.version, self._switches.now)
        return Answer(body=body, media=job.content.files, rows=end - start)

    def stats(self) -> dict[str, Any]:
        """What was sent up, batch by batch."""
        return {
            "batches_sent_twice": sum(count - 1 for count in self._requests.values()),
            "rows_sent_twice": sum(count - 1 for count in self._rows.values()),
            "jobs": [
                {"id": job.id, "object": job.object, "operation": job.operation, "state": job.state}
                | {"mode": "Serial" if job.serial else "Parallel", "contentType": job.content.name}
                | {"batches": [_counted(batch) for batch in job.batches.values()]}
                for job in self._jobs.all()
            ],
        }


def _counted(batch: Batch) -> dict[str, Any]:
    counts = {"processed": batch.processed, "failed": batch.failed, "bytes": len(batch.request)}
    return {"id": ids.full(batch.key), "state": batch.state} | counts


def _check_version(caller: Caller, job: BatchJob) -> None:
    if job.version != float(caller.version):
        raise No("InvalidVersion", f"The job must be called with its own API version: {job.version}")


def _found(caller: Caller, job: BatchJob) -> Batch:
    batch = job.batches.get(ids.key_of(caller.names[1]) or "")
    if batch is None:
        raise No("InvalidBatch", f"Unable to find batch for id: {caller.names[1]}")
    return batch
