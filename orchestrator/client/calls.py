"""One call of our own API: sent, refused or answered; what every group of calls stands on."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx
import msgspec

Json = dict[str, Any]

TIMEOUT = httpx.Timeout(60.0, connect=5.0)  # reads of a large upload's answer wait for the file to be looked into
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


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


class Calls:
    """One API, and how it is asked; groups of calls are mixed into `Client`."""

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

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        with told():
            answer = self._http.request(method, path, **more)
        if not answer.is_success:
            raise error(answer)
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

    @contextmanager
    def _blocks(self, path: str, *, accept: str, params: Mapping[str, str] | None = None) -> Iterator[Iterator[bytes]]:
        headers = {"Accept": accept}
        with told(), self._http.stream("GET", path, headers=headers, params=dict(params or {})) as answer:
            if not answer.is_success:
                answer.read()
                raise error(answer)
            yield answer.iter_bytes()


def pages(read: Callable[[int | str], Page]) -> Iterator[Any]:
    """Yield the items of all pages; `read` takes the token to go on from."""
    token: int | str = 0
    while True:
        page = read(token)
        yield from page.items
        if page.next_token is None:
            return
        token = page.next_token


def receipt(answer: httpx.Response) -> Receipt:
    """Read the short answer to a submit, restart, cancel, pause or resume."""
    body = msgspec.json.decode(answer.content, type=dict[str, Any])
    known = answer.headers.get("Idempotency-Replayed") == "true"
    return Receipt(id=int(body["id"]), connection_id=body["instanceId"], status=body["status"], replayed=known)


def repeatable(key: str | None) -> dict[str, str]:
    """Return the header that makes a POST harmless when repeated."""
    return {} if key is None else {"Idempotency-Key": key}


def path(name: str) -> str:
    """Return a name as one segment of a path."""
    return quote(name, safe="")


def error(answer: httpx.Response) -> ApiError:
    """Return what a refusal means."""
    try:
        return ApiError(answer.status_code, msgspec.json.decode(answer.content, type=dict[str, Any]))
    except msgspec.MsgspecError:  # a gateway's page, not ours
        return ApiError(answer.status_code, {"detail": f"the API answered {answer.status_code} without a reason"})


@contextmanager
def told() -> Iterator[None]:
    """Turn a call without an answer into an ApiError."""
    try:
        yield
    except httpx.TransportError as error:
        advice = "Is Bulkhead running, and is the URL right?"
        raise ApiError(0, {"detail": f"no answer from the API: {error}", "advice": advice}) from error
