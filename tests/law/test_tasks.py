"""Tasks are addressed envelopes: an explicit name, ids, one call, nothing returned."""

import ast
from collections.abc import Mapping

from orchestrator.job.step import StepKind
from orchestrator.lifecycle.take import STEPS
from tests.law.source import Module, at, modules, named, obeyed
from workers.schedule import BEAT

LONGEST_TASK = 5  # lines


def the_module() -> Module:
    return next(module for module in modules("workers") if module.path == "workers/tasks.py")


def tasks() -> Mapping[str, ast.FunctionDef]:
    """Return the tasks by their names in Celery; empty for a task without one."""
    return {_name(node): node for node in the_module().tree.body if isinstance(node, ast.FunctionDef)}


def _name(function: ast.FunctionDef) -> str:
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and named(decorator.func) == "shared_task":
            given = {each.arg: each.value for each in decorator.keywords}
            return str(getattr(given.get("name"), "value", ""))
    return ""


def test_every_kind_of_step_has_a_task_of_its_name():
    wanted = {f"bulk.{kind}" for kind in StepKind}

    found = {name for name in tasks() if name.startswith("bulk.")}

    assert found == wanted


def test_every_kind_of_step_has_its_function():
    missing = set(StepKind) - STEPS.keys()

    assert not missing


def test_beat_asks_for_every_other_task_and_for_no_more():
    asked = {entry["task"] for entry in BEAT.values()}

    others = {name for name in tasks() if not name.startswith("bulk.")}

    assert others == asked


def test_tasks_are_envelopes():
    letters = [
        at(the_module(), task, f"{task.name} has {length} lines")
        for task in tasks().values()
        if (length := (task.end_lineno or 0) - task.lineno + 1) > LONGEST_TASK
    ]

    obeyed(f"A task has at most {LONGEST_TASK} lines", letters)


def test_tasks_take_ids_and_return_nothing():
    answering = [at(the_module(), node) for node in the_module().nodes() if isinstance(node, ast.Return)]
    wordy = [
        at(the_module(), task, task.name)
        for name, task in tasks().items()
        if [each.arg for each in task.args.args] != (["step_id"] if name.startswith("bulk.") else [])
    ]

    obeyed("A message carries a step's id at most (I8), and nobody waits for an answer", answering + wordy)
