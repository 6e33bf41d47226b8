"""A typed, synchronous client of our own API; the command line uses it and nothing else.

with Client("http://127.0.0.1:8080", key) as bulkhead:
    receipt = bulkhead.download({"connection": "sl", "objectName": "people"})
    bulkhead.wait(receipt.id)
    bulkhead.save_result(receipt.id, Path("people.jsonl"))
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx
import msgspec

Json = dict[str, Any]
Look = Callable[[Json], None]

TIMEOUT = httpx.Timeout(60.0, connect=5.0)  # reads of a large upload's answer wait for the file to be looked into
FIRST_LOOK = timedelta(milliseconds=200)
SLOWEST_LOOK = timedelta(seconds=5)
LOOK_GROWTH = 1.5
SETTLED = frozenset({"COMPLETED", "CANCELED", "ABORTED", "THROTTLED"})
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
MEDIA_TYPES: Mapping[str, str] = {"jsonl": "application/jsonl", "json": "application/json", "csv": "text/csv"}


class ApiError(Exception):
    """The API refused, or gave no usable answer (`status` 0); the fields are those of its problem answer."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(body.get("code") or "unreachable")
        self.field: str | None = body.get("field")
        self.detail = str(body.get("detail") or "the API gave no usable answer")
        self.advice = str(body.get("advice") or "")
        self.request_id: str | None = body.get("requestId")
        super().__init__(f"{self.detail} ({self.code})")


class StillRunning(Exception):
    """The job had not settled when the patience of `wait` ran out; it goes on by itself."""

    def __init__(self, status: Json) -> None:
        super().__init__(f"job {status['id']} is still {status['jobStatus']}")
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """The short answer to a submit, restart, cancel, pause or resume."""

    id: int
    connection_id: int
    status: str
    replayed: bool = False  # the same Idempotency-Key was answered before


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of a list; `next_token` None: it is the last one for now."""

    items: list[Any]
    next_token: str | None
    complete: bool = True  # False: the job runs, there is more to come


class Client:
    """All calls of one Bulkhead. Every method raises ApiError; close it, or use it as a context manager."""

    def __init__(self, url: str, api_key: str, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        host = urlsplit(url).hostname
        # a company's proxy must not be asked for this computer's own address
        self._http = httpx.Client(
            base_url=url.rstrip("/"),
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=timeout,
            trust_env=host not in LOOPBACK,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def download(self, criteria: Mapping[str, Any], *, idempotency_key: str | None = None) -> Receipt:
        """Start a download."""
        return _receipt(self._send("POST", "/bulk/download", json=criteria, headers=_repeatable(idempotency_key)))

    def upload(self, meta_data: Mapping[str, Any], file: Path, *, idempotency_key: str | None = None) -> Receipt:
        """Start an upload of a file, streamed; holds one block of it in memory."""
        with file.open("rb") as body:
            parts = {
                "metaData": (None, msgspec.json.encode(meta_data), "application/json"),
                "file": (file.name, body, "application/octet-stream"),
            }
            return _receipt(self._send("POST", "/bulk/upload", files=parts, headers=_repeatable(idempotency_key)))

    def upload_records(
        self, meta_data: Mapping[str, Any], records: list[Json], *, idempotency_key: str | None = None
    ) -> Receipt:
        """Start an upload of a few records."""
        body, headers = {"metaData": dict(meta_data), "data": records}, _repeatable(idempotency_key)
        return _receipt(self._send("POST", "/bulk/upload", json=body, headers=headers))

    def jobs(self, *, after: int | str = 0, size: int = 200, **filters: str | None) -> Page:
        """List jobs, oldest first; filters: status, direction, connection, objectName."""
        return self._page("/bulk/jobs", {"id[gt]": after, "pageSize": size, **filters})

    def status(self, job_id: int) -> Json:
        """Return the status body."""
        return self._json("GET", f"/bulk/{job_id}/status")

    def data(self, job_id: int, *, after: int | str = 0, size: int = 200, status: str | None = None) -> Page:
        """Return records with row numbers above `after`, also while the job runs."""
        return self._page(f"/bulk/{job_id}/data", {"id[gt]": after, "pageSize": size, "status": status})

    def errors(self, job_id: int, *, after: int | str = 0, size: int = 200) -> Page:
        """Return why rows, or the job itself, did not go through."""
        return self._page(f"/bulk/{job_id}/errors", {"id[gt]": after, "pageSize": size})

    def events(self, job_id: int, *, after: int | str = 0, size: int = 200) -> Page:
        """Return the job's timeline."""
        return self._page(f"/bulk/{job_id}/events", {"id[gt]": after, "pageSize": size})

    def chunks(self, job_id: int, *, after: int | str = 0, size: int = 200) -> Page:
        """Return an upload's chunks and their vendor jobs."""
        return self._page(f"/bulk/{job_id}/chunks", {"id[gt]": after, "pageSize": size})

    def cancel(self, job_id: int) -> Receipt:
        """Stop the job for good."""
        return _receipt(self._send("PUT", f"/bulk/{job_id}/cancel"))

    def pause(self, job_id: int) -> Receipt:
        """Stop the job's calls, keep everything."""
        return _receipt(self._send("PUT", f"/bulk/{job_id}/pause"))

    def resume(self, job_id: int) -> Receipt:
        """Let a paused job go on."""
        return _receipt(self._send("PUT", f"/bulk/{job_id}/resume"))

    def restart(self, job_id: int, *, api_limit: int | None = None) -> Receipt:
        """Let an ABORTED or THROTTLED job go on where it stopped."""
        body = {} if api_limit is None else {"apiLimit": api_limit}
        return _receipt(self._send("PUT", f"/bulk/v3/{job_id}/restart", json=body))

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

    @contextmanager
    def result(self, job_id: int, *, format: str | None = None, partial: bool = False) -> Iterator[Iterator[bytes]]:
        """Open the result as blocks of bytes; `format` is jsonl, json, csv, or a media type."""
        headers = {"Accept": MEDIA_TYPES.get(format, format) if format else "*/*"}
        params = {"partial": "true"} if partial else {}
        with _told(), self._http.stream("GET", f"/bulk/{job_id}", headers=headers, params=params) as answer:
            if not answer.is_success:
                answer.read()
                raise _error(answer)
            yield answer.iter_bytes()

    def save_result(self, job_id: int, file: Path, *, format: str | None = None, partial: bool = False) -> int:
        """Write the result to `file` and return its bytes; the file appears whole or not at all."""
        unfinished = file.with_name(file.name + ".part")
        size = 0
        try:
            with self.result(job_id, format=format, partial=partial) as blocks, unfinished.open("wb") as out:
                for block in blocks:
                    size += out.write(block)
            unfinished.replace(file)
        finally:
            unfinished.unlink(missing_ok=True)
        return size

    def add_connection(self, connection: Mapping[str, Any], *, idempotency_key: str | None = None) -> Json:
        """Add a connection."""
        return self._json("POST", "/connections", json=connection, headers=_repeatable(idempotency_key))

    def connections(self, *, after: int | str = 0, size: int = 200) -> Page:
        """List connections, without secrets."""
        return self._page("/connections", {"id[gt]": after, "pageSize": size})

    def connection(self, name: str) -> Json:
        """Return one connection, without secrets."""
        return self._json("GET", f"/connections/{_path(name)}")

    def check_connection(self, name: str) -> Json:
        """Make one cheap real call at the provider and say what works."""
        return self._json("POST", f"/connections/{_path(name)}/check")

    def connection_limits(self, name: str) -> Json:
        """Return each limit of the connection's budget now, what blocks it, and who waits."""
        return self._json("GET", f"/connections/{_path(name)}/limits")

    def remove_connection(self, name: str) -> None:
        """Remove a connection that nothing uses."""
        self._send("DELETE", f"/connections/{_path(name)}")

    def add_schedule(self, schedule: Mapping[str, Any], *, idempotency_key: str | None = None) -> Json:
        """Add a schedule."""
        return self._json("POST", "/schedules", json=schedule, headers=_repeatable(idempotency_key))

    def schedules(self, *, after: int | str = 0, size: int = 200) -> Page:
        """List schedules."""
        return self._page("/schedules", {"id[gt]": after, "pageSize": size})

    def schedule(self, name: str) -> Json:
        """Return one schedule."""
        return self._json("GET", f"/schedules/{_path(name)}")

    def remove_schedule(self, name: str) -> None:
        """Remove a schedule; its jobs go on."""
        self._send("DELETE", f"/schedules/{_path(name)}")

    def ready(self) -> Json:
        """Return what works and what does not; raises ApiError while Bulkhead is not ready."""
        return self._json("GET", "/health/ready")

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        with _told():
            answer = self._http.request(method, path, **more)
        if not answer.is_success:
            raise _error(answer)
        return answer

    def _json(self, method: str, path: str, **more: Any) -> Json:
        return msgspec.json.decode(self._send(method, path, **more).content, type=dict[str, Any])

    def _page(self, path: str, params: Mapping[str, Any]) -> Page:
        answer = self._send("GET", path, params={name: value for name, value in params.items() if value is not None})
        return Page(
            items=msgspec.json.decode(answer.content, type=list[Any]),
            next_token=answer.headers.get("elements-next-page-token"),
            complete=answer.headers.get("elements-complete") != "false",
        )


def pages(read: Callable[[int | str], Page]) -> Iterator[Any]:
    """Yield the items of all pages; `read` takes the token to go on from."""
    token: int | str = 0
    while True:
        page = read(token)
        yield from page.items
        if page.next_token is None:
            return
        token = page.next_token


def _receipt(answer: httpx.Response) -> Receipt:
    body = msgspec.json.decode(answer.content, type=dict[str, Any])
    known = answer.headers.get("Idempotency-Replayed") == "true"
    return Receipt(id=int(body["id"]), connection_id=body["instanceId"], status=body["status"], replayed=known)


def _repeatable(key: str | None) -> dict[str, str]:
    return {} if key is None else {"Idempotency-Key": key}


def _path(name: str) -> str:
    return quote(name, safe="")


def _error(answer: httpx.Response) -> ApiError:
    try:
        return ApiError(answer.status_code, msgspec.json.decode(answer.content, type=dict[str, Any]))
    except msgspec.MsgspecError:  # a gateway's page, not ours
        return ApiError(answer.status_code, {"detail": f"the API answered {answer.status_code} without a reason"})


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except httpx.TransportError as error:
        advice = "Is Bulkhead running, and is the URL right?"
        raise ApiError(0, {"detail": f"no answer from the API: {error}", "advice": advice}) from error
