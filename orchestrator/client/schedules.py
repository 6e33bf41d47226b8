"""Schedules: jobs that start again and again."""

from collections.abc import Mapping
from typing import Any

from orchestrator.client.calls import Calls, Json, Page, path, repeatable


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
