"""Runs the sandbox: in this thread, or beside it."""

import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import uvicorn

from orchestrator.sandbox.app import make_app
from orchestrator.sandbox.edge import Sandbox
from orchestrator.sandbox.options import Options
from orchestrator.sandbox.world import World

BACKLOG = 256


def serve(host: str = "127.0.0.1", port: int = 0, options: Options | None = None) -> None:
    """Run a sandbox until it is stopped by a signal.

    Writes one line, `started http://HOST:PORT`, to standard output once connections are taken; port 0 takes a free one.
    """
    app = make_app(options)
    with _listener(host, port) as listener:
        sys.stdout.write(f"started {_address(listener)}\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            _server(app).run(sockets=[listener])


@dataclass(frozen=True, kw_only=True)
class Running:
    """A sandbox that runs beside its caller."""

    url: str
    world: World  # to look at; calls from outside go through the control plane, or hold `world.lock`


@contextmanager
def running(options: Options | None = None, host: str = "127.0.0.1", port: int = 0) -> Iterator[Running]:
    """Run a sandbox in a thread of its own while the block lasts."""
    app = make_app(options)
    with _listener(host, port) as listener:
        server = _server(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True)
        thread.start()
        try:
            yield Running(url=_address(listener), world=app.world)
        finally:
            _stop(server, thread)


def _stop(server: uvicorn.Server, thread: threading.Thread) -> None:
    while not server.started and thread.is_alive():
        time.sleep(0.005)  # a server told to stop before it started would not notice
    server.should_exit = True
    thread.join(timeout=10)


def _listener(host: str, port: int) -> socket.socket:
    """Take the port. Accepted sockets inherit TCP_NODELAY: uvicorn writes head and body apart, asyncio would not set it
    on a socket made here, and each answer would wait 40 ms for the client's delayed ACK."""
    listener = socket.create_server((host, port), backlog=BACKLOG)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _server(app: Sandbox) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}"
