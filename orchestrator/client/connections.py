"""Connections: credentials at a provider."""

from collections.abc import Mapping
from typing import Any

from orchestrator.client.calls import Calls, Json, Page, path, repeatable


class ConnectionCalls(Calls):
    """What concerns connections."""

    def add_connection(self, connection: Mapping[str, Any], *, idempotency_key: str | None = None) -> Json:
        """Add a connection."""
        return self._json("POST", "/connections", json=connection, headers=repeatable(idempotency_key))

    def connections(self, *, after: int | str = 0, size: int = 200) -> Page:
        """List connections, without secrets."""
        return self._page("/connections", {"id[gt]": after, "pageSize": size})

    def connection(self, name: str) -> Json:
        """Return one connection, without secrets."""
        return self._json("GET", f"/connections/{path(name)}")

    def check_connection(self, name: str) -> Json:
        """Make one cheap real call at the provider and say what works."""
        return self._json("POST", f"/connections/{path(name)}/check")

    def connection_limits(self, name: str) -> Json:
        """Return each limit of the connection's budget now, what blocks it, and who waits."""
        return self._json("GET", f"/connections/{path(name)}/limits")

    def remove_connection(self, name: str) -> None:
        """Remove a connection that nothing uses."""
        self._send("DELETE", f"/connections/{path(name)}")
