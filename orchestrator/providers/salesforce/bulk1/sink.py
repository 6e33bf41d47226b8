"""An upload: jobs of up to 20 batches, each of which starts as soon as it is added.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/asynch_api_batches_create.htm
"""

from collections.abc import Mapping, Sequence, Set
from datetime import datetime, timedelta
from typing import Any

from orchestrator.http.client import VendorClient
from orchestrator.job.criteria import Operation, UploadCriteria
from orchestrator.job.errors import Invalid, Rejected, Unauthorized
from orchestrator.providers.batching import BatchEnd, Files, RowFate
from orchestrator.providers.provider import Phase, RemoteStatus
from orchestrator.providers.salesforce.bulk1.bundles import MOST_FILES
from orchestrator.providers.salesforce.bulk1.fates import end_of, row_fates
from orchestrator.providers.salesforce.bulk1.jobs import ABORTED, CLOSED, OPEN, AsyncJobs
from orchestrator.providers.salesforce.bulk1.kinds import ZIP, check_kind
from orchestrator.providers.salesforce.bulk1.records import batch, check
from orchestrator.providers.salesforce.columns import Study
from orchestrator.providers.salesforce.describe import field_types
from orchestrator.providers.salesforce.jobs import BulkJobs
from orchestrator.providers.salesforce.rows import shaped
from orchestrator.providers.salesforce.table import Record

NOT_OPEN = "InvalidJobState"


class AsyncSink:
    """The jobs of the operation that some criteria ask for."""

    chunk_rows = 10_000  # what one batch may have
    chunk_bytes = 10_000_000  # as JSON; what is more in its own format is halved before it is sent
    chunks_per_job = 20
    settles_in = timedelta(seconds=130)  # the longest call, and a lease: nobody's request is on its way any more

    def __init__(self, http: VendorClient, base: str, async_base: str, criteria: UploadCriteria) -> None:
        self._http = http
        self._base = base
        self._criteria = criteria
        self._kind = check_kind(criteria.content_type)
        if self._kind.startswith(ZIP):
            self.chunk_rows = min(self.chunk_rows, MOST_FILES)
        self._jobs = AsyncJobs(http, async_base, self._kind)
        self._study = Study(http, base, criteria)

    def check_header(self, header: Mapping[str, Any]) -> Sequence[str]:
        """Find what is wrong with the columns as they are. Makes no call; raises Invalid."""
        return self._study.check_header(header)

    def study(self, names: Sequence[str]) -> Mapping[str, str | Invalid]:
        """Hold fields against what the org says of the object; one call, and another where there is no such object."""
        return self._study.study(names)

    def shape(self, record: Mapping[str, Any]) -> Record:
        """Return the record as text by field. Raises Invalid (field = the column)."""
        return check(shaped(self._criteria, record), self._kind)

    def create(self, marker: str) -> str:
        """Open a job without batches, which cannot carry the marker; return its id. One call.

        Raises Invalid, after two more, where the object is refused because there is none of that name.
        """
        criteria = self._criteria
        fields: dict[str, object] = {"operation": criteria.operation, "object": criteria.object_name}
        if criteria.operation is Operation.UPSERT:
            fields["externalIdFieldName"] = str(criteria.external_id_field)
        wanted = {"concurrencyMode": criteria.concurrency_mode, "assignmentRuleId": criteria.assignment_rule_id}
        fields |= {name: value for name, value in wanted.items() if value is not None}
        try:
            return self._jobs.open(fields)
        except Unauthorized:
            raise
        except Rejected:
            field_types(self._http, self._base, criteria.object_name)
            raise

    def find(self, marker: str) -> str | None:
        """Find nothing: one open job looks like any other, and another tool may use our user."""
        return None

    def suspects(self, since: datetime) -> Sequence[str]:
        """Return the open jobs of our user that are like ours, and were made since then; the list of 2.0 shows them."""
        wanted = (self._criteria.object_name.casefold(), str(self._criteria.operation))
        jobs = BulkJobs(self._http, self._base, "ingest").made_since(since, "Classic")
        return [job.id for job in jobs if job.state == OPEN and (job.object.casefold(), job.operation) == wanted]

    def body(self, records: bytes, files: Files | None) -> bytes | None:
        """Return records, with the files they name, as a batch; None where that is more than one may have."""
        return batch(records, self._kind, files)

    def add(self, remote_id: str, body: bytes) -> str | None:
        """Add a batch; return its id, None where the job takes no more. One call."""
        try:
            return self._jobs.add(remote_id, body)
        except Unauthorized:
            raise
        except Rejected as error:
            if error.text.startswith(NOT_OPEN):
                return None
            raise

    def arrived(self, remote_id: str, body: bytes, known: Set[str]) -> str | None:
        """Return the batch that holds just these bytes, and is none of those known; a call, and one for each."""
        for each in self._jobs.batches(remote_id):
            if each.key not in known and self._jobs.request(remote_id, each.key) == body:
                return each.key
        return None

    def release(self, remote_id: str) -> None:
        """Close the job: it takes no more batches. Two calls where it is closed or aborted already."""
        self._jobs.move(remote_id, CLOSED)

    def status(self, remote_id: str) -> RemoteStatus:
        """Tell how far the batches have come; one call. The job itself never says that it is complete."""
        batches = self._jobs.batches(remote_id)
        strange = next((each for each in batches if not each.is_known), None)
        live = next((each for each in batches if each.is_live), None)
        told = strange or live
        phase = Phase.UNKNOWN if strange else Phase.RUNNING if live else Phase.DONE
        return RemoteStatus(
            phase=phase,
            word=told.state if told else CLOSED,
            processed=sum(each.number_records_processed for each in batches),
            errors=sum(each.number_records_failed for each in batches),
            fates_told=True,
        )

    def ends(self, remote_id: str) -> Mapping[str, BatchEnd]:
        """Return how each batch has ended; one call."""
        return {each.key: end_of(each) for each in self._jobs.batches(remote_id)}

    def fates(self, remote_id: str, batch_id: str) -> Sequence[RowFate]:
        """Return what became of the rows of a batch; one call."""
        return row_fates(self._jobs.result(remote_id, batch_id), self._kind)

    def abort(self, remote_id: str, released: bool) -> bool:
        """Stop the job; False where it has ended. Batches that wait are never handled, those that run go on."""
        return self._jobs.move(remote_id, ABORTED)
