"""Which due steps get a worker next, and the hint that says so. The home of the Celery app that sends.

Nothing waits in the broker: what is published is derived from rows (ready, due, not leased, not lately hinted), by
the tick each second and by each finishing turn for its own budget. A hint that is lost is given again.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from celery import Celery
from kombu.exceptions import OperationalError

from orchestrator.job.errors import OrchestratorError
from orchestrator.store.budgets import Budget
from orchestrator.store.hints import Hint
from orchestrator.store.store import Store

log = logging.getLogger(__name__)

BROKER_OPTIONS = {
    "visibility_timeout": 600,  # s; a hint delivered twice is harmless, a turn never lasts that long
    "socket_timeout": 10,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "queue_order_strategy": "round_robin",
    "max_retries": 0,  # else a send to a dead broker blocks for 6 s
}
LENGTH_IS_GOOD_FOR = 1.0  # s; asking the broker costs a trip
FULL_IS_GOOD_FOR = 0.05  # s; short turns empty a queue of 2 hints a slot faster than a second
NO_WORKERS_YET = 8  # hints that may wait where no worker has shown itself
AFTER_A_FAILURE = 1.0  # s without trying to publish, so that a dead broker costs each caller little


def make_celery(broker_url: str) -> Celery:
    """Return a Celery app that can send; `workers/app.py` adds the tasks. Connects at the first use."""
    app = Celery("bulkhead", broker=broker_url, set_as_current=False)
    redis = broker_url.startswith(("redis", "rediss", "unix", "sentinel"))
    app.conf.update(
        broker_transport_options=BROKER_OPTIONS if redis else {"max_retries": 0},
        broker_connection_timeout=2,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        task_publish_retry=False,
        task_default_delivery_mode="transient",  # a hint is worth no disk write
    )
    return app


def queue_of(provider: str) -> str:
    """Return the queue of a provider's steps; a stuck provider must not take every worker."""
    return f"p.{provider}"


class Dispatch:
    """Publishes hints. Never raises: what could not be published is found again by the tick."""

    def __init__(
        self, store: Store, celery: Celery, cap_of: Callable[[Budget], int] = lambda budget: budget.cap
    ) -> None:
        self._store = store
        self._cap_of = cap_of
        self._celery = celery
        self._lock = threading.Lock()
        self._lengths: dict[str, tuple[float, int]] = {}
        self._broken_until = 0.0

    def tick(self) -> int:
        """Look at every budget with a due step; return how many hints were published."""
        try:
            return sum(self._budget(budget, patient=False) for budget in self._store.hints.budgets_due())
        except OrchestratorError as error:
            log.warning("dispatch.failed", extra={"cause": str(error)})
            return 0

    def budget(self, budget_id: int) -> None:
        """Look at one budget, because a turn of it has ended or a job was submitted."""
        try:
            self._budget(budget_id, patient=True)
        except OrchestratorError as error:
            log.warning("dispatch.failed", extra={"cause": str(error)})

    def _budget(self, budget_id: int, *, patient: bool) -> int:
        if time.monotonic() < self._broken_until:
            return 0
        provider = self._store.budgets.get(budget_id).provider
        queue = queue_of(provider)
        most = 2 * self._store.workers.live(queue) or NO_WORKERS_YET
        try:
            length = self._length(queue, most)
        except OSError as error:
            return self._failed(error)
        if length >= most:
            return 0
        hints = self._store.hints.take(
            budget_id, room=most - length, queue_empty=length == 0, patient=patient, cap_of=self._cap_of
        )
        self._lengthen(queue, len(hints))
        return self._publish(hints)

    def _publish(self, hints: Sequence[Hint]) -> int:
        try:
            for hint in hints:
                self._celery.send_task(
                    f"bulk.{hint.kind}",
                    (hint.step_id,),
                    queue=queue_of(hint.provider),
                    argsrepr=hint.about,
                    retry=False,
                    ignore_result=True,
                )
        except (OperationalError, OSError) as error:
            return self._failed(error)
        return len(hints)

    def _failed(self, error: Exception) -> int:
        self._broken_until = time.monotonic() + AFTER_A_FAILURE
        log.warning("dispatch.broker_down", extra={"cause": type(error).__name__})
        return 0

    def _length(self, queue: str, most: int) -> int:
        """Return how many hints wait in a queue, as of the last second, a full one as of less. Raises OSError."""
        now = time.monotonic()
        with self._lock:
            asked_at, length = self._lengths.get(queue, (0.0, 0))
            if asked_at and now - asked_at < (FULL_IS_GOOD_FOR if length >= most else LENGTH_IS_GOOD_FOR):
                return length
        length = self._ask_length(queue)
        with self._lock:
            self._lengths[queue] = (now, length)
        return length

    def _lengthen(self, queue: str, hints: int) -> None:
        """Count what is about to be published, so that nobody fills the same room again within the second."""
        with self._lock:
            asked_at, length = self._lengths.get(queue, (0.0, 0))
            self._lengths[queue] = (asked_at, length + hints)

    def _ask_length(self, queue: str) -> int:
        with self._celery.connection_or_acquire() as connection:
            try:
                connection.ensure_connection(max_retries=0)  # `channel()` would sleep 2 s before a second try
                with connection.channel() as channel:
                    return int(channel.queue_declare(queue, passive=True).message_count)
            except connection.channel_errors:
                return 0  # kombu on Redis knows no empty queue
            except (*connection.connection_errors, OperationalError) as error:
                raise ConnectionError(type(error).__name__) from error
