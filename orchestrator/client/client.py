"""All groups of calls in one client."""

from orchestrator.client.calls import Json
from orchestrator.client.connections import ConnectionCalls
from orchestrator.client.jobs import JobCalls
from orchestrator.client.notifications import NotificationCalls
from orchestrator.client.plans import PlanCalls
from orchestrator.client.results import ResultCalls
from orchestrator.client.schedules import ScheduleCalls


class Client(JobCalls, PlanCalls, ResultCalls, ConnectionCalls, ScheduleCalls, NotificationCalls):
    """All calls of one Bulkhead. Every method raises ApiError; close it, or use it as a context manager."""

    def ready(self) -> Json:
        """Return what works and what does not; raises ApiError while Bulkhead is not ready."""
        return self._json("GET", "/health/ready")
