"""A download: one job, whose batch is the query; or many batches, where the query is split by primary key.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/async_api_headers_enable_pk_chunking.htm
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from orchestrator.http.client import VendorClient
from orchestrator.job.criteria import DownloadCriteria
from orchestrator.job.errors import Misbehaved, Unreachable
from orchestrator.job.step import Cursor
from orchestrator.providers.provider import GoOn, Page, Phase, RemoteStatus
from orchestrator.providers.salesforce.bulk1.chunking import header
from orchestrator.providers.salesforce.bulk1.jobs import ABORTED, CLOSED, OPEN, AsyncJobs
from orchestrator.providers.salesforce.bulk1.kinds import check_kind
from orchestrator.providers.salesforce.bulk1.rows import lines
from orchestrator.providers.salesforce.bulk1.wire import COMPLETED, FAILED, NOT_PROCESSED, Batch
from orchestrator.providers.salesforce.describe import Describer
from orchestrator.providers.salesforce.jobs import BulkJobs
from orchestrator.providers.salesforce.query import QueryResults, SalesforceQuery
from orchestrator.providers.salesforce.wire import PROVIDER


class AsyncQuery(SalesforceQuery):
    """The query that some criteria ask for, run by Bulk API 1.0; what it asks is written as for 2.0."""

    def __init__(
        self, http: VendorClient, base: str, async_base: str, criteria: DownloadCriteria, describer: Describer
    ) -> None:
        super().__init__(http, base, criteria, describer)
        self._kind = check_kind(criteria.content_type)
        self._async = AsyncJobs(http, async_base, self._kind)
        self._jobs = _QueryJobs(http, base, self._async, criteria)

    def suspects(self, since: datetime) -> Sequence[str]:
        """Return the open jobs of our user that read the same object, and were made since then."""
        same = self._criteria.object_name.casefold()
        jobs = self._jobs.made_since(since, "Classic")
        return [job.id for job in jobs if job.object.casefold() == same and job.state == OPEN]

    def splits(self, rows: int) -> bool:
        """Return False: a result is read batch by batch."""
        return False

    def links(self, remote_id: str, walk: Cursor) -> None:
        """Return None: there are none."""

    def results(self, remote_id: str) -> QueryResults:
        """Return the result of a query that is done."""
        return _AsyncResults(self._http, self._async, remote_id, self._criteria, self._kind)


class _QueryJobs(BulkJobs):
    """Jobs of 1.0 that each run one query."""

    def __init__(self, http: VendorClient, base: str, jobs: AsyncJobs, criteria: DownloadCriteria) -> None:
        super().__init__(http, base, "query")  # the list of 2.0 shows jobs of 1.0 too
        self._async = jobs
        self._criteria = criteria

    def create(self, fields: Mapping[str, object]) -> str:
        """Open a job and add the query to it; return the job's id. Three calls; two where it is split.

        A job whose query is split stays open until all of it is read, as the vendor wants it.
        """
        criteria = self._criteria
        wanted = {"operation": fields["operation"], "object": criteria.object_name}
        if criteria.concurrency_mode is not None:
            wanted["concurrencyMode"] = criteria.concurrency_mode
        remote_id = self._async.open(wanted, header(criteria.pk_chunking))
        self._async.add(remote_id, str(fields["query"]).encode())
        if criteria.pk_chunking is None:
            self._close(remote_id)
        return remote_id

    def _close(self, remote_id: str) -> None:
        """Close the job; one that stays open is read all the same, and the vendor closes it after a day."""
        try:
            self._async.move(remote_id, CLOSED)
        except Unreachable:
            return

    def status(self, remote_id: str) -> RemoteStatus:
        """Tell how far the query has come, by its batches. One call, or two."""
        batches = self._async.batches(remote_id)
        processed = sum(batch.number_records_processed for batch in batches)
        phase, batch = self._phase(remote_id, batches)
        is_split = len(batches) > 1
        return RemoteStatus(
            phase=phase,
            word=batch.state if batch else "",
            processed=processed,
            message=batch.state_message if batch else None,
            confirm=f"{len(batches)}:{processed}" if is_split else None,  # more pieces may be on their way
        )

    def _phase(self, remote_id: str, batches: Sequence[Batch]) -> tuple[Phase, Batch | None]:
        """Return the phase, and the batch that tells it; the first one, if split, is replaced by the others."""
        for batch in batches:
            if not batch.is_known:
                return Phase.UNKNOWN, batch
            if batch.plain == FAILED:
                return Phase.FAILED, batch
        original, pieces = batches[:1], batches[1:]
        skipped = next((batch for batch in pieces if batch.plain == NOT_PROCESSED), None)
        if skipped is not None:
            return Phase.ABORTED, skipped
        if not batches or any(batch.is_live for batch in batches):
            return Phase.RUNNING, None
        if pieces or original[0].plain == COMPLETED:
            return Phase.DONE, batches[-1]
        is_aborted = self._async.look(remote_id).state == ABORTED
        return (Phase.ABORTED if is_aborted else Phase.RUNNING), original[0]

    def abort(self, remote_id: str) -> bool:
        """Stop the query; False where it has ended. Batches that run go on."""
        return self._async.move(remote_id, ABORTED)


class _AsyncResults(QueryResults):
    """The results of all batches, in the order of the batches; each is one page."""

    def __init__(
        self, http: VendorClient, jobs: AsyncJobs, remote_id: str, criteria: DownloadCriteria, kind: str
    ) -> None:
        super().__init__(http, "", criteria)
        self._jobs = jobs
        self._remote_id = remote_id
        self._kind = kind
        self._is_split = criteria.pk_chunking is not None

    @property
    def meta(self) -> Mapping[str, Any]:
        """How the result is read."""
        return {"way": "bulk_query_1_0", "contentType": self._kind}

    def pages(self, cursor: Cursor, go_on: GoOn, room: int | None) -> Iterator[Page]:
        """Yield the results behind `cursor`: a call each, one for each batch, one for their list."""
        for body, following in self._bodies(cursor):
            text, rows = lines(body, self._kind, without_nulls=self._without_nulls and self._sieve is None)
            if following is None and self._is_split:
                self._jobs.move(self._remote_id, CLOSED)
            page = self._sifted(bytes(text), rows, following, room)
            yield page
            if page.next is None or not go_on():
                return
            room = None if room is None else room - page.rows

    def _sifted(self, text: bytes, rows: int, following: Cursor | None, room: int | None) -> Page:
        if self._sieve is not None:
            return self._sieve.page(text, rows, following, room)
        return Page(body=text, rows=rows, read=rows, next=following)

    def _bodies(self, cursor: Cursor) -> Iterator[tuple[bytes, Cursor | None]]:
        """Yield each result and the cursor behind it; without any result one body without rows."""
        batches = [batch.id for batch in self._jobs.batches(self._remote_id) if batch.plain == COMPLETED]
        before, found = cursor.get("batch"), False
        if before is not None and before not in batches:
            raise Misbehaved(PROVIDER, f"batch {before} is gone from job {self._remote_id}")
        left = batches[batches.index(before) if before is not None else 0 :]
        for batch in left:
            results = self._jobs.result_ids(self._remote_id, batch)
            if batch == before:
                results = results[results.index(cursor["after"]) + 1 :] if cursor["after"] in results else results
            for result in results:
                is_last = batch == left[-1] and result == results[-1]
                found |= is_last
                body = self._jobs.rows(self._remote_id, batch, result)
                yield body, None if is_last else {"batch": batch, "after": result}
        if not found:
            yield b"[]" if self._kind == "JSON" else b"<none/>" if self._kind == "XML" else b"", None
