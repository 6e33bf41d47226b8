"""The table of statuses is the law, and few may act under it."""

import ast
from collections.abc import Iterator, Mapping

from orchestrator.job.status import NEXT, JobStatus, before
from orchestrator.store.control import RUNS
from tests.law.source import Module, at, modules, named, obeyed

WRITERS: Mapping[str, str] = {
    "orchestrator/store/claims.py": "the first claim: CREATED to STARTED",
    "orchestrator/store/commit.py": "the vendor's first answer: STARTED to RUNNING",
    "orchestrator/store/control.py": "every move of a whole job",
    "orchestrator/store/jobs.py": "a job is born CREATED",
}
ENDED = {JobStatus.COMPLETED, JobStatus.CANCELED}


def test_every_status_is_in_the_table():
    assert set(NEXT) == set(JobStatus)


def test_only_completed_and_canceled_are_final():
    final = {status for status, targets in NEXT.items() if not targets}

    assert final == ENDED


def test_every_status_can_be_reached_and_every_job_can_end():
    reached = {status for status in JobStatus if _reaches(JobStatus.CREATED, status)}
    endless = {status for status in JobStatus if not any(_reaches(status, end) for end in ENDED)}

    assert reached == set(JobStatus)
    assert not endless


def _reaches(source: JobStatus, target: JobStatus) -> bool:
    seen, todo = set[JobStatus](), [source]
    while todo:
        status = todo.pop()
        if status not in seen:
            seen.add(status)
            todo.extend(NEXT[status])
    return target in seen


def test_what_a_turn_may_do_to_a_running_job_is_in_the_table():
    ends = (JobStatus.COMPLETED, JobStatus.ABORTED, JobStatus.THROTTLED)

    for status in ends:
        assert set(RUNS) <= set(before(status))


def test_few_may_write_a_status():
    writers = [
        at(module, node) for module in modules() if module.path not in WRITERS for node in _status_writes(module)
    ]

    obeyed("A status is written by a move of the store, in the transaction that makes it true", writers)


def _status_writes(module: Module) -> Iterator[ast.AST]:
    for call in module.calls():
        if named(call.func).endswith("values") or (isinstance(call.func, ast.Attribute) and call.func.attr == "values"):
            yield from (each.value for each in call.keywords if each.arg == "status" and _is_status(each.value))
            yield from (key for value in (*call.args, *[each.value for each in call.keywords]) for key in _keys(value))


def _keys(value: ast.AST) -> Iterator[ast.AST]:
    if isinstance(value, ast.Dict):
        yield from (
            each
            for key, each in zip(value.keys, value.values, strict=True)
            if isinstance(key, ast.Constant) and key.value == "status" and _is_status(each)
        )


def _is_status(value: ast.AST) -> bool:
    return any("JobStatus" in named(node) for node in ast.walk(value))
