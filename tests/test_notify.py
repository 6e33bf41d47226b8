"""Notifications reach their receiver signed, with a stable id, and are repeated until it takes them."""

import base64
import hashlib
import hmac
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest

from orchestrator.http.pool import ClientPool
from orchestrator.job.status import StopReason
from orchestrator.notify import WAITS, Notifier
from orchestrator.store.control import stop_job
from orchestrator.store.store import Store
from tests.store.given import PEOPLE, a_connection, a_new_job, a_tenant

SECRET = b"0123456789abcdef0123456789abcdef"


@dataclass
class Receiver:
    """A webhook receiver that answers as it is told."""

    url: str = ""
    answers: list[int] = field(default_factory=list)  # the next ones; afterwards 204
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            status = receiver.answers.pop(0) if receiver.answers else 204
            self.send_response(status)
            if status == 302:
                self.send_header("Location", receiver.url)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield receiver
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def pool() -> Iterator[ClientPool]:
    pool = ClientPool(allow=["127.0.0.0/8"])
    yield pool
    pool.close()


@pytest.fixture
def store(database) -> Store:
    return Store(database)


@pytest.fixture
def notifier(store, pool, time_told) -> Notifier:
    return Notifier(store.outbox, client=pool.token_client, secret=lambda _: SECRET, now=time_told.now)


def a_stopped_job(store: Store, url: str) -> int:
    """Let a job that has a notification URL be ABORTED; return its id."""
    connection = a_connection(store.database, a_tenant(store.database))
    wanted = replace(PEOPLE, notification_url=url)
    job = store.jobs.add(a_new_job(connection, criteria=wanted))
    first = store.jobs.due_steps(job.id)[0]
    assert store.claims.claim(first, "worker") is not None
    with store.database.write() as transaction:
        assert stop_job(transaction, store.database, job.id, StopReason.OUTAGE, "the vendor is gone")
    return job.id


def signature(headers: dict[str, str], body: bytes) -> str:
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()


def test_a_notification_is_signed_as_standard_webhooks_want_it(store, notifier, receiver):
    job_id = a_stopped_job(store, receiver.url)

    assert notifier.deliver() == 1

    [(headers, body)] = receiver.got
    assert headers["webhook-signature"] == signature(headers, body)
    assert headers["elements-webhook-signature"].startswith("sha256=")
    told = msgspec.json.decode(body)
    assert (told["id"], told["status"], told["stopReason"]) == (job_id, "ABORTED", "outage")


def test_a_receiver_that_fails_gets_it_again_under_the_same_id(store, notifier, receiver, time_told):
    a_stopped_job(store, receiver.url)
    receiver.answers = [500, 302]

    notifier.deliver()
    nothing_yet = notifier.deliver()
    time_told.passes(timedelta(seconds=WAITS[0] + 1))
    notifier.deliver()
    time_told.passes(timedelta(seconds=WAITS[1] + 1))
    notifier.deliver()
    time_told.passes(timedelta(days=1))

    assert nothing_yet == 0
    assert notifier.deliver() == 0
    assert len(receiver.got) == 3
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1


def test_a_receiver_that_never_answers_well_is_given_up_after_a_day(store, notifier, receiver, time_told):
    job_id = a_stopped_job(store, receiver.url)
    receiver.answers = [500] * 50

    for _ in range(len(WAITS) + 5):
        notifier.deliver()
        time_told.passes(timedelta(hours=9))

    assert len(receiver.got) == len(WAITS) + 1
    assert timedelta(hours=20) < timedelta(seconds=sum(WAITS)) < timedelta(hours=24)
    assert store.outbox.of_job(job_id)[0].due_at is None


def test_a_private_address_is_never_called(store, receiver, time_told):
    strict = ClientPool()
    notifier = Notifier(store.outbox, client=strict.token_client, secret=lambda _: SECRET, now=time_told.now)
    a_stopped_job(store, receiver.url)

    notifier.deliver()

    strict.close()
    assert receiver.got == []
