"""Finish: reconcile the counts, seal the manifest, and say how it went."""

from orchestrator.job.chunk import Stream
from orchestrator.job.commit import Finished, Outcome, Stopped
from orchestrator.job.criteria import DownloadCriteria
from orchestrator.job.record import Job
from orchestrator.job.status import Direction, JobOutcome, StopReason
from orchestrator.steps.step import Turn


def finish(turn: Turn) -> Outcome:
    """Complete the job, unless its counts do not agree: a mismatch is an error, never a green job (I12)."""
    job = turn.job
    wrong = mismatch(job)
    if wrong is not None:
        return Stopped(reason=StopReason.MISMATCH, message=wrong)
    stream = Stream.RECORDS if job.direction is Direction.DOWNLOAD else Stream.OUTCOME
    sealed = turn.seal(stream)
    return Finished(outcome=outcome_of(job), message=message_of(job), sealed={} if sealed is None else {stream: sealed})


def mismatch(job: Job) -> str | None:
    """Return what does not add up, None if everything does."""
    counts = job.counts
    if job.direction is Direction.UPLOAD:
        told = counts.accepted + counts.refused + counts.unprocessed
        return None if told == counts.sent else f"{counts.sent} rows were sent, but {told} fates were told"
    kept = counts.stored + counts.filtered + counts.cut
    if kept != counts.read:
        return f"{counts.read} records were read, but {kept} are accounted for"
    if job.vendor_counted is not None and not _cut_short(job) and counts.read != job.vendor_counted:
        return f"the vendor counted {job.vendor_counted} records, but {counts.read} were read"
    return None


def _cut_short(job: Job) -> bool:
    criteria = job.criteria
    return isinstance(criteria, DownloadCriteria) and criteria.limit is not None and job.counts.stored == criteria.limit


def outcome_of(job: Job) -> JobOutcome:
    """Return how well the job went, by its rows."""
    counts = job.counts
    if job.direction is Direction.DOWNLOAD or not (counts.refused or counts.unprocessed or counts.invalid):
        return JobOutcome.SUCCEEDED
    return JobOutcome.PARTIAL if counts.accepted else JobOutcome.FAILED


def message_of(job: Job) -> str:
    """Return the sentence for people, in the words of Bulk v3."""
    counts = job.counts
    if job.direction is Direction.DOWNLOAD:
        return f"Successfully downloaded {counts.stored} records"
    failed = counts.refused + counts.unprocessed + counts.invalid
    if not failed:
        return f"Successfully uploaded {counts.accepted} records"
    return f"Uploaded {counts.accepted} of {counts.accepted + failed} records; {failed} failed, see errors"
