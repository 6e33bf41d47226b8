"""Schedules: jobs that start again and again."""

from collections.abc import Mapping
from typing import Any

from orchestrator.client.calls import Calls, Json, Page, Receipt, path, receipt, repeatable


class ScheduleCalls(Calls):
    """What concerns schedules."""

    def add_schedule(self, schedule: Mapping[str, Any], *, idempotency_key: str | None = None) -> Json:
        """Add a schedule."""
        return self._json("POST", "/schedules", json=schedule, headers=repeatable(idempotency_key))

    def schedules(self, *, after: int | str = 0, size: int = 200) -> Page:
        """List schedules."""
        return self._page("/schedules", {"id[gt]": after, "pageSize": size})

    def schedule(self, name: str) -> Json:
        """Return one schedule."""
        return self._json("GET", f"/schedules/{path(name)}")

    def remove_schedule(self, name: str) -> None:
        """Remove a schedule; its jobs go on."""
        self._send("DELETE", f"/schedules/{path(name)}")

    def change_schedule(self, name: str, changes: Mapping[str, Any]) -> Json:
        """Change what is given, leave the rest; `enabled` pauses and resumes."""
        return self._json("PATCH", f"/schedules/{path(name)}", json=changes)

    def run_schedule(self, name: str, *, idempotency_key: str | None = None) -> Receipt:
        """Start a job of the schedule at once."""
        route = f"/schedules/{path(name)}/run"
        return receipt(self._send("POST", route, headers=repeatable(idempotency_key)))

    def schedule_fires(self, name: str) -> list[Any]:
        """Return the latest fires, newest first, and what came of them."""
        found: list[Any] = self._send("GET", f"/schedules/{path(name)}/fires").json()
        return found

    def latest_of_schedule(self, name: str) -> Json:
        """Return the status of the job that the schedule started last."""
        return self._json("GET", f"/schedules/{path(name)}/latest")
