"""One runtime and one heartbeat for each worker process, made at first use, because nothing survives a fork.

worker ready ──▶ heartbeat                     (prefork: each child by itself)
SIGTERM      ──▶ running turns end after the page in hand, commit, give back
all ended    ──▶ runtime closed
"""

import logging
from collections.abc import Iterable
from threading import Lock, Thread
from typing import Any

from celery import Celery, current_app
from celery.signals import (
    setup_logging,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)

from orchestrator.runtime import Runtime
from orchestrator.settings import Settings
from workers.logs import write_log
from workers.memory import give_large_blocks_back


class Process:
    """The runtime of this process, and nothing of another one's."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._runtime: Runtime | None = None

    def runtime(self) -> Runtime:
        """Return the runtime, made at the first call; any number of threads get the same one."""
        with self._lock:
            if self._runtime is None:
                give_large_blocks_back()
                self._runtime = Runtime.make(Settings.load())
            return self._runtime

    def stop(self) -> None:
        """Ask the running turns to end; returns at once, and is safe in a signal handler."""
        Thread(target=self._stop, name="stop", daemon=True).start()

    def close(self) -> None:
        """Close the runtime; a later use makes a new one."""
        with self._lock:
            runtime, self._runtime = self._runtime, None
        if runtime is not None:
            runtime.close()

    def _stop(self) -> None:
        if self._runtime is not None:
            self._runtime.stop()


PROCESS = Process()
runtime = PROCESS.runtime


def queues(app: Celery) -> list[str]:
    """Return the names of the queues this process consumes."""
    chosen: Iterable[str] = app.amqp.queues.consume_from
    return sorted(chosen)


@worker_ready.connect
def _ready(sender: Any, **_: object) -> None:
    if sender.controller.pool_cls.__module__ != "celery.concurrency.prefork":
        runtime().start_heartbeat(queues(sender.app), sender.controller.concurrency)


@worker_process_init.connect
def _forked(**_: object) -> None:
    runtime().start_heartbeat(queues(current_app), 1)


@worker_shutting_down.connect
def _shutting_down(**_: object) -> None:
    PROCESS.stop()


@worker_shutdown.connect
@worker_process_shutdown.connect
def _ended(**_: object) -> None:
    PROCESS.close()


@setup_logging.connect
def _logging(loglevel: int = logging.INFO, **_: object) -> None:
    write_log(loglevel)
