"""A download that goes on from an earlier job: what its body does not say is taken from that one's."""

from typing import TYPE_CHECKING, Any

from orchestrator.api.wire import DownloadBody
from orchestrator.job.errors import Invalid
from orchestrator.job.record import Job

if TYPE_CHECKING:
    from orchestrator.runtime import Runtime

ITS_OWN = frozenset({"from", "to", "continueFromJobId", "expiresAt"})  # of the earlier job alone
DECIDED = ("from", "soql")  # by where the earlier job ended


def continued(runtime: "Runtime", tenant_id: int, body: DownloadBody) -> tuple[DownloadBody, Job | None]:
    """Return the whole body, and the job to go on from; (the body as it is, None) where it names none.

    Raises Invalid where the two cannot be one chain.
    """
    if body.continue_from_job_id is None:
        return body, None
    for name in DECIDED:
        if body.sent.get(name) is not None:
            raise Invalid(name, "is decided by the job to go on from", "Leave it out, or leave continueFromJobId out.")
    earlier = runtime.lifecycle.earlier(tenant_id, int(body.continue_from_job_id))
    before = runtime.store.jobs.request_of(earlier.id)
    inherited = {name: value for name, value in before.items() if name not in ITS_OWN}
    inherited.setdefault("connection", earlier.connection_id)
    return _merged({**inherited, **body.sent}, earlier), earlier


def _merged(whole: dict[str, Any], earlier: Job) -> DownloadBody:
    if whole.get("soql") is not None:
        problem = f"job {earlier.id} sent a query of its own"
        raise Invalid("continueFromJobId", problem, "Write the dates into a new one.")
    return DownloadBody.model_validate(whole)
