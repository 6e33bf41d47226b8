"""Notifications leave the outbox once per attempt."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from orchestrator.job.errors import Missing
from orchestrator.store.outbox import Outbox
from orchestrator.store.tables import outbox as table

JOB = 7


@pytest.fixture
def outbox(database) -> Outbox:
    return Outbox(database)


@pytest.fixture
def waiting(database) -> int:
    values = {
        "webhook_id": "msg_1",
        "tenant_id": 1,
        "job_id": JOB,
        "url": "https://hooks.test",
        "kind": "job.completed",
    }
    with database.write() as connection:
        connection.execute(
            table.insert().values(**values, body={"id": JOB}, due_at=database.now, created_at=database.now)
        )
        return int(connection.execute(table.select()).mappings().one()["id"])


def test_a_notification_is_due_at_once(outbox, waiting):
    assert outbox.due() == [waiting]


def test_one_of_many_gets_to_deliver(outbox, waiting):
    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(lambda _: outbox.claim(waiting), range(8)))

    taken = [each for each in claimed if each is not None]
    assert [each.attempts for each in taken] == [1]
    assert outbox.due() == []


def test_a_delivery_that_died_is_tried_again_after_a_minute(outbox, waiting, time_told):
    first = outbox.claim(waiting)

    time_told.passes(timedelta(seconds=61))

    second = outbox.claim(waiting)
    assert (second.attempts, second.webhook_id) == (2, first.webhook_id)


def test_a_failed_delivery_waits_as_long_as_it_is_told(outbox, waiting, time_told):
    outbox.mark(outbox.claim(waiting), again_in=timedelta(minutes=5))
    time_told.passes(timedelta(minutes=4))
    early = outbox.due()

    time_told.passes(timedelta(minutes=2))

    assert early == []
    assert outbox.due() == [waiting]


def test_a_delivered_notification_is_done(outbox, waiting, time_told):
    outbox.mark(outbox.claim(waiting), delivered=True)
    time_told.passes(timedelta(days=1))

    again = outbox.claim(waiting)

    assert again is None
    assert outbox.of_job(JOB)[0].delivered_at is not None


def test_a_notification_that_is_given_up_stays_in_the_list(outbox, waiting, time_told):
    outbox.mark(outbox.claim(waiting))
    time_told.passes(timedelta(days=1))

    assert outbox.due() == []
    assert [(each.due_at, each.delivered_at) for each in outbox.of_job(JOB)] == [(None, None)]


def test_a_notification_may_be_sent_once_more_under_its_old_id(outbox, waiting):
    outbox.mark(outbox.claim(waiting), delivered=True)

    again = outbox.redeliver(JOB, waiting)

    assert (again.webhook_id, outbox.due()) == ("msg_1", [waiting])
    with pytest.raises(Missing):
        outbox.redeliver(JOB + 1, waiting)


def test_an_attempt_that_died_stays_in_the_log_without_an_end(outbox, waiting, time_told):
    outbox.claim(waiting)
    time_told.passes(timedelta(seconds=61))

    outbox.mark(outbox.claim(waiting), status=200, delivered=True)

    log = outbox.deliveries([waiting])[waiting]
    assert [(each.number, each.status, each.ended_at is None) for each in log] == [(1, None, True), (2, 200, False)]


def test_an_attempt_that_was_overtaken_changes_nothing_but_the_log(outbox, waiting, time_told):
    slow = outbox.claim(waiting)
    time_told.passes(timedelta(seconds=61))
    outbox.claim(waiting)

    outbox.mark(slow, status=500)

    assert outbox.of_job(JOB)[0].due_at is not None
    assert [each.status for each in outbox.deliveries([waiting])[waiting]] == [500, None]
