"""What happens to every request before and after the app: an id, a largest body, and an answer that arrives."""

import re
from uuid import uuid4

from fastapi.exceptions import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 1 << 20  # bytes; the largest criteria are a long list of fields
LARGEST_JSON_UPLOAD = 32 << 20  # bytes; held in memory while it is read
DRAINED = 64 << 20  # bytes read and dropped after a refusal
FILES = frozenset({"/bulk/upload", "/bulk/plan"})  # paths that take a file
REQUEST_ID = "x-request-id"
USABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Edge:
    """Gives each request its id, refuses bodies that are too large, and reads what a refused request still sends.

    Without the last, a client that is still sending would get a broken connection in the place of the answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        visit = _Visit(scope, receive, send)
        await self._app(scope, visit.receive, visit.send)


class _Visit:
    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        self._receive, self._send = receive, send
        self._largest = _largest(scope, headers)
        self._got = 0
        self._over = False
        self._id = _request_id(headers)
        scope.setdefault("state", {})["request_id"] = self._id
        self._declared = int(length) if (length := headers.get("content-length", "")).isdigit() else 0

    async def receive(self) -> Message:
        """Return the next message. Raises HTTPException (413) once the body is too large."""
        if self._largest is not None and max(self._declared, self._got) > self._largest:
            raise HTTPException(413, f"the body has more than {self._largest} bytes")
        message = await self._receive()
        self._note(message)
        return message

    def _note(self, message: Message) -> None:
        self._got += len(message.get("body", b""))
        self._over = message["type"] == "http.disconnect" or not message.get("more_body", False)

    async def send(self, message: Message) -> None:
        """Send the next message of the answer."""
        if message["type"] == "http.response.start":
            await self._drain()
            MutableHeaders(scope=message)[REQUEST_ID] = self._id
        await self._send(message)

    async def _drain(self) -> None:
        start = self._got
        while not self._over and self._declared <= start + DRAINED and self._got - start < DRAINED:
            self._note(await self._receive())


def _largest(scope: Scope, headers: Headers) -> int | None:
    if scope["method"] == "POST" and scope["path"] in FILES:
        form = headers.get("content-type", "").lower().startswith("multipart/form-data")
        return None if form else LARGEST_JSON_UPLOAD
    return LARGEST_BODY


def _request_id(headers: Headers) -> str:
    given = headers.get(REQUEST_ID, "")
    return given if USABLE_ID.fullmatch(given) else uuid4().hex
