"""An upload: ingest jobs, each filled by one PUT and let go by UploadComplete.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/bulk_api_2_0_ingest.htm
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from orchestrator.http.client import VendorClient
from orchestrator.job.criteria import Operation, UploadCriteria
from orchestrator.job.errors import Invalid, Misbehaved, Rejected, Unauthorized
from orchestrator.job.step import Cursor
from orchestrator.providers.look import Posted, Proof
from orchestrator.providers.provider import FatePage, GoOn, RemoteStatus
from orchestrator.providers.salesforce.columns import Study
from orchestrator.providers.salesforce.describe import described
from orchestrator.providers.salesforce.fates import FILES, fate_pages
from orchestrator.providers.salesforce.jobs import BulkJobs, gone_if
from orchestrator.providers.salesforce.rows import LONGEST_HEADER, MOST_FIELDS, key_field, shaped, value_of
from orchestrator.providers.salesforce.table import Record, Table, written
from orchestrator.providers.salesforce.wire import CSV, PROVIDER

CLOSED = ("INVALIDJOBSTATE", "INVALIDJOB")
LARGEST_FILL = 100_000_000  # bytes; 150 MB as base64, as the vendor counts

_record = msgspec.json.Decoder(dict[str, str | None])


class SalesforceIngest:
    """The ingest jobs of the operation that some criteria ask for."""

    chunk_rows = 50_000  # five of the vendor's own batches; a lost answer costs the chunk again
    chunk_bytes = 14_000_000  # as JSON, so that a chunk fits several times into the 64 MB that a turn may need
    chunks_per_job = 1  # a job takes one PUT

    def __init__(self, http: VendorClient, base: str, criteria: UploadCriteria) -> None:
        self._http = http
        self._base = base
        self._criteria = criteria
        self._jobs = BulkJobs(http, base, "ingest")
        self._study = Study(http, base, criteria)

    def shape(self, record: Mapping[str, Any]) -> Record:
        """Return the record as text by column. Raises Invalid (field = the column)."""
        return shaped(self._criteria, record)

    def check_header(self, header: Mapping[str, Any]) -> Sequence[str]:
        """Find what is wrong with the columns as they are. Makes no call; raises Invalid."""
        return self._study.check_header(header)

    def study(self, names: Sequence[str]) -> Mapping[str, str | Invalid]:
        """Hold fields against what the org says of the object; one call, and another where there is no such object."""
        return self._study.study(names)

    def create(self, marker: str) -> str:
        """Open an empty job, which cannot carry the marker; return its id. One call.

        Raises Invalid, after two more, where the object is refused because there is none of that name.
        """
        criteria = self._criteria
        fields = {"object": criteria.object_name, "operation": criteria.operation, "lineEnding": "LF"}
        if criteria.operation is Operation.UPSERT:
            fields["externalIdFieldName"] = str(criteria.external_id_field)
        if criteria.assignment_rule_id is not None:
            fields["assignmentRuleId"] = criteria.assignment_rule_id
        try:
            return self._jobs.create({"contentType": "CSV", "columnDelimiter": "COMMA", **fields})
        except Unauthorized:
            raise
        except Rejected:
            described(self._http, self._base, criteria.object_name)
            raise

    def find(self, marker: str) -> str | None:
        """Find nothing: one open job looks like any other, and another tool may use our user."""
        return None

    def suspects(self, since: datetime) -> Sequence[str]:
        """Return the open jobs of our user that are like ours, and were made since then."""
        jobs = self._jobs.made_since(since, "V2Ingest")
        return [job.id for job in jobs if job.state == "Open" and self._is_alike(job.object, job.operation)]

    def _is_alike(self, name: str, operation: str) -> bool:
        return (name.casefold(), operation) == (self._criteria.object_name.casefold(), self._criteria.operation)

    def identity(self, record: bytes) -> str | None:
        """Return the row's external id, or its Id; None for a row to be inserted."""
        key = key_field(self._criteria)
        return None if key is None else value_of(_record.decode(record), key)

    def fill(self, remote_id: str, records: bytes) -> None:
        """Send a chunk as CSV. A second PUT would spoil the job. One call.

        Raises Gone where the job takes nothing from us: the vendor has closed it, or another user has made it.
        """
        body = written(records)
        header = body[: body.index(b"\n")]
        if len(body) > LARGEST_FILL or len(header) > LONGEST_HEADER or header.count(b",") >= MOST_FIELDS:
            problem = f"the rows of a chunk become {len(body)} bytes of CSV under a header of {len(header)}"
            advice = f"At most {LARGEST_FILL} and {LONGEST_HEADER} are taken: give rows that have the same fields."
            raise Invalid("file", problem, advice)
        headers = {"content-type": "text/csv; charset=UTF-8"}
        try:
            self._http.put(self._jobs.path(remote_id, "batches"), content=body, headers=headers)
        except Rejected as refused:
            raise gone_if(refused, "INVALIDUSER", "INVALIDJOBSTATE") from None

    def look(self, remote_id: str, posted: Posted, walk: Cursor | None) -> Proof:
        """Abort the job: nothing shows what has arrived, and what is aborted takes no late PUT. Three calls at most.

        One that is another user's stays open, and is never let go. Raises Misbehaved where it has been, and not by us.
        """
        if not self._jobs.abort(remote_id) and self._jobs.look(remote_id).state != "Open":
            raise Misbehaved(PROVIDER, f"job {remote_id} was let go before it was filled, and not by us")
        return Proof.UNPROVEN

    def release(self, remote_id: str) -> None:
        """Let the vendor execute the job. Two calls where it was let go before.

        Raises Gone for a job that was aborted, or that only its own user may let go.
        """
        try:
            self._jobs.move(remote_id, "UploadComplete")
        except Unauthorized:
            raise
        except Rejected as refused:
            job = self._jobs.look(remote_id)
            untouched = job.state == "Aborted" and not job.number_records_processed  # nobody let it go before that
            if job.state == "Open" or untouched:
                raise gone_if(refused, *(["INVALIDUSER"] if job.state == "Open" else CLOSED)) from None

    def status(self, remote_id: str) -> RemoteStatus:
        """Tell how far the job has come; one call. A job that failed has kept what it did."""
        return replace(self._jobs.status(remote_id), fates_told=True)

    def fates(self, remote_id: str, cursor: Cursor, go_on: GoOn) -> Iterator[FatePage]:
        """Yield the rows that went through, then those that did not; one call each, and in no order of ours.

        The files of a job that has ended stay as they are, so that the cursor is a file and the rows read of it. A file
        is read to its end once it is here: it is no larger than a chunk.
        """
        first = int(cursor.get("file", 0))
        for number in range(first, len(FILES)):
            answer = self._http.get(self._jobs.path(remote_id, FILES[number]), headers=CSV)
            skip = int(cursor.get("row", 0)) if number == first else 0
            yield from fate_pages(answer.content, number, skip, key_field(self._criteria))
            if not go_on():
                return

    def unprocessed(self, remote_id: str) -> int:
        """Count the rows that the vendor lists as never handled; one call."""
        answer = self._http.get(self._jobs.path(remote_id, "unprocessedrecords"), headers=CSV)
        return sum(1 for _ in Table(answer.content).rows())

    def abort(self, remote_id: str, released: bool) -> bool:
        """Stop the job; False where it has ended. What it did until then stays."""
        return self._jobs.abort(remote_id)
