"""The heartbeat of one process: carries the leases of its running turns on, and tells each turn that lost its lease.

One thread, one statement each 3 s, whatever the number of turns. A turn is carried on until its own end at the
latest (20 s and the longest call), so that a hung thread is fenced like a dead one.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from orchestrator.job.step import Lease

log = logging.getLogger(__name__)

BEAT = timedelta(seconds=3)
TOO_OLD = timedelta(seconds=6)  # below the lease of 10 s by more than a database round trip

Renew = Callable[[set[tuple[int, int]]], set[tuple[int, int]]]


@dataclass(eq=False)
class Pulse:
    """The life of one running turn, as the heartbeat sees it."""

    lease: Lease
    ends_at: float  # time.monotonic(); not carried on after this
    proved_at: float  # when the lease was last known to be ours
    lost: bool = False

    def is_fresh(self) -> bool:
        """Whether the lease was known to be ours within the last 6 s; else nothing may be sent that has effects."""
        return not self.lost and time.monotonic() - self.proved_at < TOO_OLD.total_seconds()


class Heartbeat:
    """Renews the leases of this process's turns. `renew` takes (step, epoch) pairs and returns those still ours."""

    def __init__(self, renew: Renew, also: Callable[[], None] = lambda: None) -> None:
        self._renew = renew
        self._also = also
        self._lock = threading.Lock()
        self._pulses: set[Pulse] = set()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, lease: Lease, longest: timedelta, claimed_at: float) -> Pulse:
        """Carry the lease on, for `longest` at most; `claimed_at` is time.monotonic() right before the claim."""
        pulse = Pulse(lease=lease, ends_at=claimed_at + longest.total_seconds(), proved_at=claimed_at)
        with self._lock:
            self._pulses.add(pulse)
        return pulse

    def end(self, pulse: Pulse) -> None:
        """Carry it on no further."""
        with self._lock:
            self._pulses.discard(pulse)

    def beat(self) -> None:
        """Renew every lease once; a turn whose lease is gone is told so. Raises StoreDown."""
        asked_at = time.monotonic()
        with self._lock:
            alive = {(p.lease.step_id, p.lease.epoch): p for p in self._pulses if p.ends_at > asked_at}
        ours = self._renew(set(alive))
        for pair, pulse in alive.items():
            if pair in ours:
                pulse.proved_at = asked_at
            else:
                pulse.lost = True

    def start(self) -> None:
        """Beat each 3 s in a thread of its own until `stop`."""
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop beating."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=BEAT.total_seconds())

    def _run(self) -> None:
        while not self._stop.wait(BEAT.total_seconds()):
            try:
                self.beat()
                self._also()
            except Exception:  # a heartbeat that dies would fence every turn; the next one may succeed
                log.exception("heartbeat.failed")
