"""Notifications reach their receiver signed, with a stable id, and are repeated until it takes them."""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
from standardwebhooks import Webhook

from orchestrator.http.wires import GuardedTransport
from orchestrator.job.criteria import Operation, UploadCriteria
from orchestrator.job.status import Direction, StopReason
from orchestrator.lifecycle.webhook_desk import WebhookDesk
from orchestrator.notify import WAITS, Notifier
from orchestrator.secrets import Keyring, generate
from orchestrator.store.control import stop_job
from orchestrator.store.store import Store
from tests.receiver import HANG, REDIRECT, Receiver, listening
from tests.store.given import PEOPLE, a_connection, a_new_job, a_tenant

IMPATIENCE = timedelta(milliseconds=300)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening("127.0.0.1") as receiver:
        yield receiver


@pytest.fixture
def inside() -> Iterator[Receiver]:
    """Somebody in the private network, who must never be called."""
    with listening("127.0.0.2") as receiver:
        yield receiver


@pytest.fixture
def store(database) -> Store:
    return Store(database)


@pytest.fixture
def desk(store) -> WebhookDesk:
    return WebhookDesk(store.tenants, Keyring.from_text(generate()))


@contextmanager
def notifying(store: Store, desk: WebhookDesk, time_told: Any, *allow: str) -> Iterator[Notifier]:
    """A notifier that may call these networks."""
    wires = GuardedTransport(allow=allow, tls=None, longest=timedelta(seconds=5))
    with httpx.Client(transport=wires, timeout=IMPATIENCE.total_seconds(), trust_env=False) as client:
        yield Notifier(store.outbox, client=lambda: client, keys=desk.keys, now=time_told.now)


@pytest.fixture
def notifier(store, desk, time_told) -> Iterator[Notifier]:
    with notifying(store, desk, time_told, "127.0.0.1/32") as notifier:
        yield notifier


def a_stopped_job(store: Store, url: str | None, reason: StopReason = StopReason.OUTAGE, **more: Any) -> int:
    """Let a job of the tenant `acme` stop; return its id."""
    connection = a_connection(store.database, store.keys.ensure_tenant("acme").id, uuid4().hex)
    wanted = replace(PEOPLE, notification_url=url)
    job = store.jobs.add(a_new_job(connection, **({"criteria": wanted} | more)))
    first = store.jobs.due_steps(job.id)[0]
    assert store.claims.claim(first, "worker") is not None
    with store.database.write() as transaction:
        assert stop_job(transaction, store.database, job.id, reason, "the vendor is gone")
    return job.id


def attempts(store: Store, job_id: int) -> list[tuple[int | None, str | None]]:
    """Return the answer and the cause of every attempt at the job's only notification."""
    (notification,) = store.outbox.of_job(job_id)
    return [(each.status, each.cause) for each in store.outbox.deliveries([notification.id])[notification.id]]


def test_a_notification_is_signed_as_standard_webhooks_want_it(store, desk, notifier, receiver):
    a_stopped_job(store, receiver.url)

    assert notifier.deliver() == 1

    [(headers, body)] = receiver.got
    [secret] = desk.show(store.keys.tenant("acme").id)
    assert Webhook(secret.text).verify(body, headers)["status"] == "ABORTED"
    key = base64.b64decode(secret.text.removeprefix("whsec_"))
    mac = base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()).decode()
    assert headers["elements-webhook-signature"] == f"sha256={mac}"


def test_a_notification_tells_the_whole_status(store, notifier, receiver):
    upload = UploadCriteria(
        object_name="person", operation=Operation.UPSERT, notification_url=receiver.url, callback_payload={"ref": 7}
    )
    job_id = a_stopped_job(store, None, direction=Direction.UPLOAD, criteria=upload)

    notifier.deliver()

    told = msgspec.json.decode(receiver.got[0][1])
    assert (told["id"], told["jobStatus"], told["stopReason"]) == (job_id, "ABORTED", "outage")
    assert (told["callback-payload"], told["notificationUrl"]) == ({"ref": 7}, receiver.url)
    assert {"recordCount", "objectName", "metaData", "jobCriteria", "progress", "reconciliation", "links"} <= set(told)


def test_a_throttled_job_tells_until_when_it_waits(store, notifier, receiver):
    a_stopped_job(store, receiver.url, StopReason.API_LIMIT)

    notifier.deliver()

    told = msgspec.json.decode(receiver.got[0][1])
    assert (told["jobStatus"], told["waiting"]["reason"]) == ("THROTTLED", "api_limit")
    assert told["waiting"]["until"] > told["createdDate"]


def test_a_notification_says_what_was_true_when_it_was_written(store, notifier, receiver):
    job_id = a_stopped_job(store, receiver.url)
    store.control.restart(None, job_id)

    notifier.deliver()

    assert msgspec.json.decode(receiver.got[0][1])["jobStatus"] == "ABORTED"


def test_a_receiver_that_fails_hangs_and_redirects_gets_one_notification_in_the_end(
    store, notifier, receiver, inside, time_told
):
    job_id = a_stopped_job(store, receiver.url)
    receiver.elsewhere, receiver.answers = inside.url, [500, 500, 500, 500, 500, HANG, REDIRECT, 200]

    for wait in WAITS[:8]:
        notifier.deliver()
        time_told.passes(timedelta(seconds=wait + 1))
    notifier.deliver()

    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert len({body for _, body in receiver.got}) == 1
    assert [status for status, _ in attempts(store, job_id)] == [500] * 5 + [None, REDIRECT, 200]
    assert [cause for _, cause in attempts(store, job_id)][5:7] == [
        "ReadTimeout: timed out",
        "a redirect, which is not followed",
    ]
    assert inside.got == []


def test_the_waits_between_attempts_grow(store, notifier, receiver, time_told):
    a_stopped_job(store, receiver.url)
    receiver.answers = [500, 500]

    notifier.deliver()
    nothing_yet = notifier.deliver()
    time_told.passes(timedelta(seconds=WAITS[0] + 1))
    notifier.deliver()
    time_told.passes(timedelta(seconds=WAITS[0] + 1))

    assert nothing_yet == 0
    assert notifier.deliver() == 0
    assert list(WAITS) == sorted(WAITS)


def test_a_receiver_that_never_answers_well_is_given_up_after_a_day(store, notifier, receiver, time_told):
    job_id = a_stopped_job(store, receiver.url)
    receiver.answers = [500] * 50

    for _ in range(len(WAITS) + 5):
        notifier.deliver()
        time_told.passes(timedelta(hours=9))

    assert len(receiver.got) == len(WAITS) + 1
    assert timedelta(hours=20) < timedelta(seconds=sum(WAITS)) < timedelta(hours=24)
    assert store.outbox.of_job(job_id)[0].due_at is None


def test_a_receiver_that_says_it_is_gone_is_left_alone(store, notifier, receiver, time_told):
    a_stopped_job(store, receiver.url)
    receiver.answers = [410]

    notifier.deliver()
    time_told.passes(timedelta(days=1))

    assert notifier.deliver() == 0


def test_a_notification_that_is_sent_once_more_has_all_its_attempts_again(store, notifier, receiver, time_told):
    job_id = a_stopped_job(store, receiver.url)
    receiver.answers = [500] * (len(WAITS) + 2)
    for _ in range(len(WAITS) + 1):
        notifier.deliver()
        time_told.passes(timedelta(hours=9))

    store.outbox.redeliver(job_id, store.outbox.of_job(job_id)[0].id)
    notifier.deliver()
    time_told.passes(timedelta(seconds=WAITS[0] + 1))
    notifier.deliver()

    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert [status for status, _ in attempts(store, job_id)] == [500] * (len(WAITS) + 2) + [204]


def test_a_private_address_is_never_called(store, desk, receiver, time_told):
    job_id = a_stopped_job(store, receiver.url)

    with notifying(store, desk, time_told) as strict:
        strict.deliver()

    assert receiver.got == []
    assert "BULKHEAD_ALLOW_NETWORKS" in str(attempts(store, job_id)[0][1])


def test_a_job_without_an_address_tells_its_tenants(store, notifier, receiver):
    store.tenants.set_notification_url(store.keys.ensure_tenant("acme").id, receiver.url)
    a_stopped_job(store, None)

    notifier.deliver()

    assert msgspec.json.decode(receiver.got[0][1])["notificationUrl"] == receiver.url


def test_a_new_secret_signs_beside_the_old_one_until_the_overlap_ends(store, desk, notifier, receiver, time_told):
    tenant = store.keys.ensure_tenant("acme").id
    [old] = desk.show(tenant)
    desk.renew(tenant, timedelta(hours=1))
    a_stopped_job(store, receiver.url)
    notifier.deliver()
    time_told.passes(timedelta(hours=2))
    [new] = desk.show(tenant)

    a_stopped_job(store, receiver.url)
    notifier.deliver()

    (during, first), (after, second) = receiver.got
    assert len(during["webhook-signature"].split()) == 2
    assert len(after["webhook-signature"].split()) == 1
    assert Webhook(old.text).verify(first, during) == Webhook(new.text).verify(first, during)
    assert new.text != old.text
    assert expected(new.text, after, second) == after["webhook-signature"]


def expected(secret: str, headers: dict[str, str], body: bytes) -> str:
    """Return the signature by the letter of the specification, whatever the age of the message."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def test_each_tenant_has_a_secret_of_its_own_that_outlives_the_encryption_keys(store):
    old, new = generate(), generate()
    acme, other = store.keys.ensure_tenant("acme").id, a_tenant(store.database, "other")
    before = WebhookDesk(store.tenants, Keyring.from_text(old)).show(acme)

    after = WebhookDesk(store.tenants, Keyring.from_text(f"{new},{old}"))

    assert after.show(acme) == before
    assert after.show(other)[0].text != before[0].text
