"""What beat asks for, and how often. Every call is idempotent: two beats, or none for a while, do no harm."""

from datetime import timedelta
from typing import Any

from orchestrator.runtime import PROVIDER_QUEUES

# Celery compares this with the worker's wall clock, so it leaves room for clocks that differ.
STALE_SECONDS = 60


def _every(period: timedelta, task: str, queue: str = "control") -> dict[str, Any]:
    return {"task": task, "schedule": period, "options": {"queue": queue, "expires": STALE_SECONDS}}


BEAT = {
    "tick": _every(timedelta(seconds=1), "control.tick"),
    "schedules": _every(timedelta(seconds=1), "control.schedules"),
    "day-turn": _every(timedelta(seconds=10), "control.day_turn"),
    "sweep": _every(timedelta(minutes=1), "control.sweep"),
    "reap": _every(timedelta(hours=1), "control.reap"),
    "tidy": _every(timedelta(hours=1), "control.tidy"),
    "deliver": _every(timedelta(seconds=1), "notify.deliver", queue="notify"),
    **{f"prove-{queue}": _every(timedelta(seconds=2), "worker.prove", queue) for queue in PROVIDER_QUEUES},
}
