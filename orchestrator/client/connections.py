"""Connections: credentials at a provider."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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

    def change_connection(self, name: str, **changes: Any) -> Json:
        """Change `baseUrl`, `credentials`, `settings`, `limits` or `reserve`; what is not named stays."""
        return self._json("PATCH", f"/connections/{path(name)}", json=changes)

    def check_connection(self, name: str) -> Json:
        """Make one cheap real call at the provider and say what works."""
        return self._json("POST", f"/connections/{path(name)}/check")

    def objects(self, name: str) -> list[Json]:
        """Return what there is at the provider to be read or written."""
        return self._page(f"/connections/{path(name)}/objects", {}).items

    def fields(self, name: str, object_name: str) -> list[Json]:
        """Return the fields of an object."""
        return self._page(f"/connections/{path(name)}/objects/{path(object_name)}/fields", {}).items

    def connection_limits(self, name: str) -> Json:
        """Return each limit of the connection's budget now, what blocks it, and who waits."""
        return self._json("GET", f"/connections/{path(name)}/limits")

    def vendor_jobs(self, name: str, **parameters: str) -> Json:
        """Return a page of the provider's own job list, by its own parameters: `done`, `records`, `nextRecordsUrl`."""
        return self._json("GET", f"/connections/{path(name)}/vendor-jobs", params=parameters)

    def next_vendor_jobs(self, page: Json) -> Json | None:
        """Return the page behind one; None: that was the last."""
        return self._json("GET", page["nextRecordsUrl"]) if page["nextRecordsUrl"] else None

    def vendor_job(self, name: str, vendor_job: str) -> Json:
        """Return one job of the provider."""
        return self._json("GET", f"/connections/{path(name)}/vendor-jobs/{path(vendor_job)}")

    def move_vendor_job(self, name: str, vendor_job: str, state: str) -> Json:
        """Set a job's state at the provider, in its own word, like Aborted."""
        body = {"state": state}
        return self._json("PUT", f"/connections/{path(name)}/vendor-jobs/{path(vendor_job)}", json=body)

    def batches(self, name: str, vendor_job: str) -> list[Json]:
        """Return the batches of a job at the provider, where jobs have any."""
        return self._page(_batches(name, vendor_job), {}).items

    def batch(self, name: str, vendor_job: str, batch: str) -> Json:
        """Return one batch."""
        return self._json("GET", _batches(name, vendor_job, batch))

    @contextmanager
    def batch_request(self, name: str, vendor_job: str, batch: str) -> Iterator[Iterator[bytes]]:
        """Open what a batch was sent as, byte for byte, as blocks of bytes."""
        with self._blocks(_batches(name, vendor_job, batch, "request"), accept="*/*") as blocks:
            yield blocks

    @contextmanager
    def batch_result(
        self, name: str, vendor_job: str, batch: str, result: str | None = None
    ) -> Iterator[Iterator[bytes]]:
        """Open what came of a batch as blocks of bytes; of a query's batch, the ids of its results, or one of them."""
        below = ("result",) if result is None else ("result", result)
        with self._blocks(_batches(name, vendor_job, batch, *below), accept="*/*") as blocks:
            yield blocks

    def remove_connection(self, name: str) -> None:
        """Remove a connection that nothing uses."""
        self._send("DELETE", f"/connections/{path(name)}")


def _batches(name: str, vendor_job: str, *parts: str) -> str:
    below = "".join(f"/{path(part)}" for part in parts)
    return f"/connections/{path(name)}/vendor-jobs/{path(vendor_job)}/batches{below}"
