"""A receiver of webhooks that answers as it is told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

REDIRECT, HANG = 302, 0


@dataclass
class Receiver:
    """A webhook receiver that answers as it is told."""

    url: str = ""
    elsewhere: str = ""  # where a redirect leads
    answers: list[int] = field(default_factory=list)  # the next ones; afterwards 204
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    awake: threading.Event = field(default_factory=threading.Event)


@contextmanager
def listening(host: str) -> Iterator[Receiver]:
    """Listen on a loopback address while the block lasts."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self._answer(receiver.answers.pop(0) if receiver.answers else 204)

        def do_GET(self) -> None:
            receiver.got.append(({}, b""))
            self._answer(204)

        def _answer(self, status: int) -> None:
            if status == HANG:
                receiver.awake.wait(30)
                self.close_connection = True
                return
            self.send_response(status)
            if status == REDIRECT:
                self.send_header("Location", receiver.elsewhere)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((host, 0), Handler)
    receiver.url = f"http://{host}:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield receiver
    receiver.awake.set()
    server.shutdown()
    server.server_close()
    thread.join()
