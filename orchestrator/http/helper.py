"""One helper thread of one turn. A daemon: a call that hangs must not keep a worker from stopping."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")


class Helper:
    """Does calls one after another in a thread of its own; must be closed, or the thread waits for ever."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        threading.Thread(target=self._run, name="ahead", daemon=True).start()

    def submit(self, call: Callable[[], T]) -> "Future[T]":
        """Do a call as soon as the ones before it are done, unless the future is cancelled first."""
        future: Future[T] = Future()
        self._calls.put(lambda: _settle(future, call))
        return future

    def close(self) -> None:
        """Let the thread end after the call it is at; does not wait."""
        self._calls.put(None)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            call()


def _settle(future: "Future[T]", call: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        answer = call()
    except BaseException as error:  # noqa: BLE001 - whoever waits for the answer gets it
        future.set_exception(error)
    else:
        future.set_result(answer)
