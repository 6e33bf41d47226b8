"""The tasks are addressed envelopes, and beat asks for nothing that is not there."""

import pytest
from celery import Celery

from orchestrator.job.step import StepKind
from orchestrator.runtime import PROVIDER_QUEUES
from workers.app import make_app
from workers.schedule import BEAT


@pytest.fixture
def app() -> Celery:
    app = make_app("redis://127.0.0.1:1/0")
    app.loader.import_default_modules()
    return app


def ours(app: Celery) -> set[str]:
    return {name for name in app.tasks if not name.startswith("celery.")}


def test_every_kind_of_step_has_its_task(app):
    kinds = {f"bulk.{kind}" for kind in StepKind}

    named = {name for name in ours(app) if name.startswith("bulk.")}

    assert named == kinds


def test_beat_asks_for_tasks_that_exist_on_queues_that_somebody_consumes(app):
    asked = {entry["task"] for entry in BEAT.values()}
    queues = {entry["options"]["queue"] for entry in BEAT.values()}

    assert asked <= ours(app)
    assert queues == {"control", "notify", *PROVIDER_QUEUES}


def test_every_provider_queue_is_asked_to_prove_that_it_is_consumed():
    proved = {entry["options"]["queue"] for entry in BEAT.values() if entry["task"] == "worker.prove"}

    assert proved == set(PROVIDER_QUEUES)


def test_a_tick_may_be_late_by_a_minute_because_clocks_differ():
    assert {entry["options"]["expires"] for entry in BEAT.values()} == {60}


def test_a_message_is_a_hint_acknowledged_at_once_and_never_answered(app):
    tasks = [app.tasks[name] for name in ours(app)]

    assert not any(task.acks_late for task in tasks)
    assert all(task.ignore_result for task in tasks)
    assert app.conf.accept_content == ["json"]
    assert app.conf.worker_prefetch_multiplier == 1
    assert app.conf.broker_transport_options["visibility_timeout"] >= 600


def test_what_beat_repeats_is_kept_out_of_flower(app):
    repeated = {entry["task"] for entry in BEAT.values()}

    assert not any(app.tasks[name].send_events for name in repeated)
    assert app.tasks["bulk.fetch"].send_events
