"""What comes over the wire: bounded in time and size, unpacked, and nothing kept between calls."""

import gzip
import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import httpx
import pytest

from orchestrator.http import wires
from orchestrator.http.wires import GuardedTransport
from orchestrator.job.errors import Unreachable
from tests.http.kit import LOOPBACK, a_turn

Promise = Callable[[int], AbstractContextManager[None]]

BODIES = {"/gzip": gzip.compress(b'{"a": 1}'), "/broken": b"no gzip at all", "/large": b"x" * 5000, "/cookie": b"{}"}

BLOCK, FLOOD = 64 << 10, 64 << 20  # bytes


class Odd(BaseHTTPRequestHandler):
    """A vendor with strange manners."""

    protocol_version = "HTTP/1.1"
    seen: list[dict[str, str]]
    over: Event

    def do_GET(self) -> None:
        self.seen.append(dict(self.headers.items()))
        if self.path == "/drip":
            self._drip()
            return
        if self.path == "/flood":
            self._flood()
            return
        body = BODIES[self.path]
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        if self.path in ("/gzip", "/broken"):
            self.send_header("content-encoding", "gzip")
        self.send_header("set-cookie", "session=1")
        self.end_headers()
        self.wfile.write(body)

    def _drip(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "1000000")
        self.end_headers()
        try:
            while not self.over.wait(0.01):
                self.wfile.write(b" " * 100)
                self.wfile.flush()
        except OSError:
            self.close_connection = True

    def _flood(self) -> None:
        self.send_response(200)
        self.send_header("content-length", str(FLOOD))
        self.end_headers()
        for _ in range(FLOOD // BLOCK):
            self.wfile.write(bytes(BLOCK))

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def odd() -> Iterator[str]:
    Odd.seen, Odd.over = [], Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    Odd.over.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_compressed_answer_is_unpacked(odd: str) -> None:
    with a_turn(odd) as turn:
        response = turn.client.get("/gzip")

    assert response.json() == {"a": 1}


def test_an_answer_that_cannot_be_unpacked_is_no_answer(odd: str) -> None:
    with a_turn(odd) as turn, pytest.raises(Unreachable):
        turn.client.get("/broken")

    assert turn.purse.take_calls() == 1


def test_no_cookie_is_kept_from_call_to_call(odd: str) -> None:
    with a_turn(odd) as turn:
        turn.client.get("/cookie")
        turn.client.get("/cookie")

    assert len(Odd.seen) == 2
    assert "cookie" not in {name.lower() for headers in Odd.seen for name in headers}


def test_an_answer_that_drips_is_given_up_when_its_time_is_over(odd: str) -> None:
    transport = GuardedTransport(allow=LOOPBACK, tls=None, longest=timedelta(seconds=0.1))

    with httpx.Client(transport=transport, timeout=5) as client, pytest.raises(httpx.ReadTimeout):
        client.get(f"{odd}/drip")


def test_an_answer_larger_than_a_worker_should_hold_is_given_up(odd: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wires, "MOST_BYTES", 1000)

    with a_turn(odd) as turn, pytest.raises(Unreachable, match="1000 bytes"):
        turn.client.get("/large")


def test_an_answer_that_nobody_reads_is_left_after_its_first_bytes(odd: str) -> None:
    transport = GuardedTransport(allow=LOOPBACK, tls=None, longest=timedelta(seconds=5))

    with httpx.Client(transport=transport) as client:
        answer = client.get(f"{odd}/large", extensions={wires.ENOUGH: 100})

    assert (answer.status_code, answer.content) == (200, b"")


def test_a_header_of_the_call_does_not_outlive_it_nor_replace_the_credentials(odd: str) -> None:
    with a_turn(odd) as turn:
        turn.client.get("/cookie", headers={"X-API-Key": "mine", "X-Trace": "7"})
        turn.client.get("/cookie")

    first, second = Odd.seen
    assert (first["X-API-Key"], first["X-Trace"]) == ("sandbox-key", "7")
    assert "X-Trace" not in second


def test_an_answer_goes_into_a_file_unpacked(odd: str) -> None:
    file = io.BytesIO()

    with a_turn(odd) as turn:
        response = turn.client.save("/gzip", file)

    assert (file.getvalue(), response.content, turn.purse.take_calls()) == (b'{"a": 1}', b"", 1)


def test_a_large_answer_goes_into_a_file_without_being_held(odd: str, tmp_path: Path, at_most: Promise) -> None:
    with (tmp_path / "answer").open("wb") as file, a_turn(odd) as turn, at_most(8):
        turn.client.save("/flood", file)

    assert (tmp_path / "answer").stat().st_size == FLOOD


def test_an_answer_too_large_for_a_file_is_given_up(odd: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wires, "MOST_SAVED", 1000)

    with a_turn(odd) as turn, pytest.raises(Unreachable, match="1000 bytes"):
        turn.client.save("/large", io.BytesIO())


def test_a_packed_answer_that_is_damaged_does_not_pass_for_a_whole_one(odd: str) -> None:
    with a_turn(odd) as turn, pytest.raises(Unreachable):
        turn.client.save("/broken", io.BytesIO())
