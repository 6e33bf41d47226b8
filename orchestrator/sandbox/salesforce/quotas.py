"""What an org may use in 24 hours that roll."""

from typing import Any

from orchestrator.sandbox.limiter import Limiter, Rule
from orchestrator.sandbox.options import Switches
from orchestrator.sandbox.salesforce.refusals import refused
from orchestrator.sandbox.told import Clock

DAY = 86_400.0  # seconds
SHOWN = 15_000  # as the maximum, where there is no limit


class Quotas:
    """Counts requests, batches, rows and query jobs."""

    def __init__(self, clock: Clock, switches: Switches) -> None:
        self._switches = switches
        self.api, self.batches, self.records, self.query_jobs = (Limiter(clock) for _ in range(4))
        self._used = 0

    def request(self) -> str:
        """Count one request and return its `Sforce-Limit-Info`; refuses it where the day's requests are used up."""
        rule = self._rule(self._switches.now.sf_api_requests)
        verdict = self.api.take(1, rule)
        if not verdict.granted:
            info = ("sforce-limit-info", f"api-usage={rule.amount}/{rule.amount}")
            raise refused(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", info)
        self._used += 1
        used = rule.amount - verdict.remaining if rule.amount else self._used
        tail = "; per-app-api-usage=17/250(appName=loader)" if self._switches.now.sf_limit_tail else ""
        return f"api-usage={used}/{rule.amount or SHOWN}{tail}"

    def may_ingest(self) -> None:
        """Refuse a new ingest job where the day's batches are used up."""
        rule = self._rule(self._switches.now.sf_batches)
        if rule.amount and self.batches.take(0, rule).remaining < 1:
            raise refused(400, "EXCEEDEDQUOTA", "ApiBatchItems Limit exceeded.")

    def batch(self) -> bool:
        """Count a batch of 1.0; False where the day's batches are used up."""
        return self.batches.take(1, self._rule(self._switches.now.sf_batches)).granted

    def query_job(self) -> None:
        """Count a query job, or refuse it."""
        rule = self._rule(self._switches.now.sf_query_jobs)
        if not self.query_jobs.take(1, rule).granted:
            message = f"Max bulk v2 query jobs ({rule.amount}) per 24 hrs has been reached"
            raise refused(400, "LIMIT_EXCEEDED", message)

    def allow(self, first: int, count: int) -> int:
        """Count rows of a job from its `first` on, and the batches they begin; return how many of them may happen."""
        options, wanted = self._switches.now, count
        size = options.sf_batch_rows
        if options.sf_records:
            rule = self._rule(options.sf_records)
            wanted = min(wanted, self.records.take(0, rule).remaining)
        begun = -(-first // size)  # batches that the rows before have begun
        more = -(-(first + wanted) // size) - begun
        if options.sf_batches:
            left = self.batches.take(0, self._rule(options.sf_batches)).remaining
            more = min(more, left)
            wanted = min(wanted, (begun + more) * size - first)
        if wanted:
            self.records.eat(wanted)
        if more:
            self.batches.eat(more)
        return wanted

    def limits(self) -> dict[str, Any]:
        """What `/limits` shows."""
        options = self._switches.now
        return {
            "DailyApiRequests": self._shown(self.api, options.sf_api_requests),
            "DailyBulkApiBatches": self._shown(self.batches, options.sf_batches),
            "DailyBulkV2QueryJobs": self._shown(self.query_jobs, options.sf_query_jobs),
            "DailyBulkV2QueryFileStorageMB": {"Max": 976_562, "Remaining": 976_562},
        }

    def _shown(self, limiter: Limiter, amount: int) -> dict[str, int]:
        remaining = limiter.take(0, self._rule(amount)).remaining if amount else SHOWN
        return {"Max": amount or SHOWN, "Remaining": remaining}

    def _rule(self, amount: int) -> Rule:
        return Rule(amount=amount, seconds=DAY, sliding=True)
