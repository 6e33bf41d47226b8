"""Jobs: submit, list, look, wait, and what can be done to one."""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.client.calls import Calls, Json, Page, Receipt, error, receipt, repeatable, told

Look = Callable[[Json], None]

NO_CONTENT = 204
FIRST_LOOK = timedelta(milliseconds=200)
SLOWEST_LOOK = timedelta(seconds=5)
LOOK_GROWTH = 1.5
SETTLED = frozenset({"COMPLETED", "CANCELED", "ABORTED", "THROTTLED"})


class StillRunning(Exception):
    """The job had not settled when the patience of `wait` ran out; it goes on by itself."""

    def __init__(self, status: Json) -> None:
        super().__init__(f"job {status['id']} is still {status['jobStatus']}")
        self.status = status


class JobCalls(Calls):
    """What concerns jobs."""

    def download(self, criteria: Mapping[str, Any], *, idempotency_key: str | None = None) -> Receipt:
        """Start a download."""
        return receipt(self._send("POST", "/bulk/download", json=criteria, headers=repeatable(idempotency_key)))

    def upload(self, meta_data: Mapping[str, Any], file: Path, *, idempotency_key: str | None = None) -> Receipt:
        """Start an upload of a file, streamed; holds one block of it in memory."""
        with file.open("rb") as body:
            parts = {
                "metaData": (None, msgspec.json.encode(meta_data), "application/json"),
                "file": (file.name, body, "application/octet-stream"),
            }
            return receipt(self._send("POST", "/bulk/upload", files=parts, headers=repeatable(idempotency_key)))

    def upload_records(
        self, meta_data: Mapping[str, Any], records: list[Json], *, idempotency_key: str | None = None
    ) -> Receipt:
        """Start an upload of a few records."""
        body, headers = {"metaData": dict(meta_data), "data": records}, repeatable(idempotency_key)
        return receipt(self._send("POST", "/bulk/upload", json=body, headers=headers))

    def jobs(self, *, after: int | str = 0, size: int = 200, **filters: str | None) -> Page:
        """List jobs, oldest first; filters: status, direction, connection, objectName, where."""
        return self._page("/bulk/jobs", {"id[gt]": after, "pageSize": size, **filters})

    def status(self, job_id: int) -> Json:
        """Return the status body."""
        return self._json("GET", f"/bulk/{job_id}/status")

    def events(self, job_id: int, *, after: int | str = 0, size: int = 200) -> Page:
        """Return the job's timeline."""
        return self._page(f"/bulk/{job_id}/events", {"id[gt]": after, "pageSize": size})

    def follow(self, job_id: int, *, after: int = 0) -> Iterator[Json]:
        """Yield the job's events behind `after` as they happen, until it has ended; comes back after a broken line."""
        while True:
            headers, path = {"Last-Event-ID": str(after), "Accept": "text/event-stream"}, f"/bulk/{job_id}/events"
            with told(), self._http.stream("GET", path, params={"follow": "true"}, headers=headers) as answer:
                if not answer.is_success:
                    answer.read()
                    raise error(answer)
                if answer.status_code == NO_CONTENT:
                    return
                for line in answer.iter_lines():
                    if line.startswith("data: "):
                        event = msgspec.json.decode(line.removeprefix("data: "), type=dict[str, Any])
                        after = event["id"]
                        yield event

    def chunks(self, job_id: int, *, after: int | str = 0, size: int = 200) -> Page:
        """Return an upload's chunks and their vendor jobs."""
        return self._page(f"/bulk/{job_id}/chunks", {"id[gt]": after, "pageSize": size})

    def cancel(self, job_id: int) -> Receipt:
        """Stop the job for good."""
        return receipt(self._send("PUT", f"/bulk/{job_id}/cancel"))

    def pause(self, job_id: int) -> Receipt:
        """Stop the job's calls, keep everything."""
        return receipt(self._send("PUT", f"/bulk/{job_id}/pause"))

    def resume(self, job_id: int) -> Receipt:
        """Let a paused job go on."""
        return receipt(self._send("PUT", f"/bulk/{job_id}/resume"))

    def restart(self, job_id: int, *, api_limit: int | None = None) -> Receipt:
        """Let an ABORTED or THROTTLED job go on where it stopped."""
        body = {} if api_limit is None else {"apiLimit": api_limit}
        return receipt(self._send("PUT", f"/bulk/v3/{job_id}/restart", json=body))

    def retry_rows(self, job_id: int, *, only: str = "failed", idempotency_key: str | None = None) -> Receipt:
        """Start an upload of just the rows that did not go through: `transient`, `failed` or `unprocessed` ones."""
        headers = repeatable(idempotency_key)
        return receipt(self._send("POST", f"/bulk/{job_id}/retry", json={"only": only}, headers=headers))

    def wait(self, job_id: int, *, patience: timedelta | None = None, seen: Look | None = None) -> Json:
        """Return the status once the job is COMPLETED, CANCELED, ABORTED or THROTTLED; `seen` gets every look.

        Raises StillRunning when `patience` runs out.
        """
        pause, end = FIRST_LOOK, None if patience is None else time.monotonic() + patience.total_seconds()
        while True:
            status = self.status(job_id)
            if seen is not None:
                seen(status)
            if status["jobStatus"] in SETTLED:
                return status
            if end is not None and time.monotonic() + pause.total_seconds() > end:
                raise StillRunning(status)
            time.sleep(pause.total_seconds())
            pause = min(SLOWEST_LOOK, pause * LOOK_GROWTH)
