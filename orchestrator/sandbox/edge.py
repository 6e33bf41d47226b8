"""The edge between the server and the vendors: reads a request, lets the ordered fault strike, sends the answer.

Raw ASGI, because a cut must really close the connection, and because a list of 25,000 records should not wait for a
framework.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, cast
from urllib.parse import parse_qsl

from orchestrator.sandbox.exchange import Answer, Request
from orchestrator.sandbox.faults import Fault, Moment
from orchestrator.sandbox.world import World

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CONTROL = "/_sandbox"
LOST = Answer(status=0, route="cut")  # the request never arrived


class Sandbox:
    """The whole sandbox as one ASGI app: the vendors under their own paths, the control plane under `/_sandbox`."""

    def __init__(self, world: World, control: App) -> None:
        self.world = world
        self._control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or let its fault happen."""
        if scope["type"] != "http" or scope["path"].startswith(CONTROL):
            await self._control(scope, receive, send)
            return
        request, ledger = self.world.begin(await _read(scope, receive))
        answer = LOST
        try:
            answer = await self._answered(request)
        finally:
            self.world.end(request, answer, ledger)
        await _deliver(answer, request.fault, receive, send)

    async def _answered(self, request: Request) -> Answer:
        """Let the vendor answer, unless the request's fault has it that it never arrives."""
        fault, pause = request.fault, request.fault.delay
        early = fault.when is Moment.BEFORE
        await _wait(self.world.latency + (pause if early else 0))
        if fault.cut is Moment.BEFORE:
            return LOST
        if fault.status is not None and early:
            return _replacement(fault, fault.status, self.world.spoken(request))
        answer = self.world.answer(request)
        await _wait(0 if early else pause)
        return answer if fault.status is None else _replacement(fault, fault.status, self.world.spoken(request))


async def _wait(seconds: float) -> None:
    if seconds:
        await asyncio.sleep(seconds)


def _replacement(fault: Fault, status: int, spoken: Mapping[int, str]) -> Answer:
    pause = [] if fault.retry_after is None else [("retry-after", fault.retry_after)]
    headers = (*fault.headers.items(), *pause)
    media, body = fault.page(spoken)
    return Answer(status=status, body=body.encode(), media=media, headers=headers, route="fault")


async def _deliver(answer: Answer, fault: Fault, receive: Receive, send: Send) -> None:
    if fault.cut in (Moment.BEFORE, Moment.AFTER):
        await _hang_up(receive)
        return
    headers = (("content-type", answer.media), ("content-length", str(len(answer.body))), *answer.headers)
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
    if fault.cut is Moment.BODY:
        half = answer.body[: len(answer.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await _hang_up(receive)
        return
    await send({"type": "http.response.body", "body": answer.body})


async def _hang_up(receive: Receive) -> None:
    """Close the connection without another word; ASGI has no message for that, uvicorn's cycle has the transport."""
    cycle = cast(Any, receive).__self__
    cycle.transport.close()
    while not cycle.disconnected:
        await asyncio.sleep(0.001)


async def _read(scope: Scope, receive: Receive) -> Request:
    body, more = bytearray(), True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    raw_query = scope["query_string"].decode("latin-1")
    return Request(
        method=scope["method"],
        path=scope["path"],
        raw_query=raw_query,
        query=parse_qsl(raw_query, keep_blank_values=True),
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        body=bytes(body),
    )
