"""The Celery app that workers, beat and Flower run: `celery -A workers.app …` works with it too.

It is the app that `orchestrator.dispatch` sends with, plus the tasks and what only a consumer needs to know.
A message is no more than a hint (the row is the truth), so it is acknowledged at once, never retried, never answered.
"""

from datetime import timedelta

from celery import Celery

from orchestrator.dispatch import make_celery
from orchestrator.settings import Settings
from workers.schedule import BEAT

SOFT_SHUTDOWN = timedelta(seconds=25)  # a turn ends after the page in hand, or drops its call after 20 s

CONSUMING = {
    "include": ["workers.tasks", "workers.process"],
    "worker_pool": "threads",  # turns wait for other people's computers; 16 threads take a tenth of prefork's memory
    "worker_prefetch_multiplier": 1,
    "worker_soft_shutdown_timeout": SOFT_SHUTDOWN.total_seconds(),
    "worker_send_task_events": True,  # for Flower
    "worker_hijack_root_logger": False,
    "worker_redirect_stdouts": False,
    "worker_cancel_long_running_tasks_on_connection_loss": False,  # a turn does not need the broker
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,  # for ever: a worker outlives any outage of its broker
    "task_acks_late": False,
    "task_ignore_result": True,
    "task_store_errors_even_if_ignored": False,
    "result_backend": None,
    "accept_content": ["json"],
    "enable_utc": True,
    "timezone": "UTC",
    "beat_schedule": BEAT,
    "beat_scheduler": "celery.beat:Scheduler",  # remembers nothing: what is due is written in the rows
    "beat_max_loop_interval": 1.0,  # seconds
}


def make_app(broker_url: str) -> Celery:
    """Return the app that consumes from this broker; connects to nothing yet."""
    app = make_celery(broker_url)
    app.conf.update(CONSUMING)
    return app


app = make_app(Settings.load().broker_url)
