"""What query and ingest jobs of Bulk API 2.0 have in common: how they are looked at, listed and stopped.

    Open ── UploadComplete ──▶ (queue) ──▶ InProgress ──▶ JobComplete | Failed
      └──────────── Aborted ◀───────────────┘

A query job is born behind Open. https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/get_all_jobs.htm
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from orchestrator.http.client import VendorClient
from orchestrator.job.errors import Gone, Rejected, Unauthorized
from orchestrator.providers.provider import Phase, RemoteStatus
from orchestrator.providers.salesforce.wire import JSON, Identity, JobInfo, JobList, Refusal, read

PHASES: Mapping[str, Phase] = {
    "Open": Phase.OPEN,
    "UploadComplete": Phase.RUNNING,
    "InProgress": Phase.RUNNING,
    "JobComplete": Phase.DONE,
    "Failed": Phase.FAILED,
    "Aborted": Phase.ABORTED,
}
CLOCKS_DIFFER = timedelta(minutes=5)  # the org's clock and ours, when a job is suspected to be of our making
MOST_PAGES = 20  # of 1,000 jobs each; more would cost a day's calls for a mere suspicion


class BulkJobs:
    """The jobs of one kind, `query` or `ingest`, of one connection."""

    def __init__(self, http: VendorClient, base: str, kind: str) -> None:
        self._http = http
        self._path = f"{base}/jobs/{kind}"

    def create(self, fields: Mapping[str, object]) -> str:
        """Create a job; return its id. One call."""
        return read(self._http.post(self._path, json=fields, headers=JSON), JobInfo).id

    def path(self, remote_id: str, *parts: str) -> str:
        """Return the path of a job, or of a part of it."""
        return "/".join((self._path, remote_id, *parts))

    def look(self, remote_id: str) -> JobInfo:
        """Return the job as it is now. One call."""
        return read(self._http.get(self.path(remote_id), headers=JSON), JobInfo)

    def move(self, remote_id: str, state: str) -> None:
        """Set the job's state; raises Rejected where it cannot be set any more. One call."""
        self._http.patch(self.path(remote_id), json={"state": state}, headers=JSON)

    def status(self, remote_id: str) -> RemoteStatus:
        """Tell how far the job has come. One call."""
        return status_of(self.look(remote_id))

    def abort(self, remote_id: str) -> bool:
        """Stop the job; False where it has ended in another way. A job that is stopped already stays so."""
        try:
            self.move(remote_id, "Aborted")
        except Unauthorized:
            raise
        except Rejected:
            return self.look(remote_id).state == "Aborted"
        return True

    def made_since(self, moment: datetime, kind: str) -> Sequence[JobInfo]:
        """Return the jobs of a type that our user has made since about `moment`; a call per 1,000 jobs, and one."""
        who = read(self._http.get("/services/oauth2/userinfo", headers=JSON), Identity).user_id
        return [job for job in self._all(kind) if _same(job.created_by_id, who) and _is_since(job, moment)]

    def _all(self, kind: str) -> Iterator[JobInfo]:
        answer = self._http.get(self._path, params={"jobType": kind}, headers=JSON)
        for _ in range(MOST_PAGES):
            page = read(answer, JobList)
            yield from (job for job in page.records if job.job_type == kind)
            if page.done or page.next_records_url is None:
                return
            answer = self._http.get(self._http.link(answer, page.next_records_url), headers=JSON)


def status_of(job: JobInfo) -> RemoteStatus:
    """Return what a job's answer says of how far it has come."""
    return RemoteStatus(
        phase=PHASES.get(job.state, Phase.UNKNOWN),
        word=job.state,
        processed=job.number_records_processed or 0,
        errors=job.number_records_failed or 0,
        message=job.error_message,
    )


def gone_if(refused: Rejected, *codes: str) -> Rejected:
    """Return a refusal as Gone where its first code is one of these: the job is there, but not for us any more."""
    code = refused.text.partition(":")[0]
    if isinstance(refused, Gone | Unauthorized) or not Refusal(error_code=code).is_any(*codes):
        return refused
    return Gone(refused.provider, refused.status, refused.text)


def _same(one: str, other: str) -> bool:
    """Whether two ids, of 15 or 18 characters, name the same thing."""
    return one[:15] == other[:15]


def _is_since(job: JobInfo, moment: datetime) -> bool:
    made_at = job.made_at()
    return made_at is None or made_at >= moment - CLOCKS_DIFFER
