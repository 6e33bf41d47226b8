"""What no code of ours does, and the few places that may, with their reasons."""

import ast
from collections.abc import Mapping

from tests.law.source import at, modules, named, obeyed

WALL_CLOCKS = frozenset(
    {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "datetime.datetime.now",
     "datetime.date.today", "time.time", "time.time_ns", "time.localtime", "time.gmtime"}
)  # fmt: skip
ENVIRONMENT = frozenset({"os.environ", "os.getenv", "os.environb", "os.putenv"})

MAY_SLEEP: Mapping[str, str] = {
    "orchestrator/api/timeline.py": "looks for events for a person who follows; the event loop waits, no thread",
    "orchestrator/cli/demo.py": "looks at a job for a person who watches",
    "orchestrator/cli/limits.py": "looks at limits for a person who watches",
    "orchestrator/client/jobs.py": "the caller's own thread waits for a job",
    "orchestrator/embedded/": "looks at the processes it started",
    "orchestrator/http/purse.py": "waits for a token for 200 ms at most; a longer wait ends the turn",
    "orchestrator/sandbox/": "imitates slow vendors",
}

PARKED_IN_THE_BROKER = frozenset({"countdown", "eta", "autoretry_for", "retry_backoff", "link", "link_error"})
WORKFLOWS = frozenset({"chain", "chord", "group", "chunks", "signature", "subtask", "starmap"})
TESTS_WITH_REAL_TIME: Mapping[str, str] = {
    "tests/bench/": "measures time",
    "tests/chaos/": "polls real processes",
    "tests/journeys/": "polls real processes",
    "tests/embedded/": "polls real processes",
    "tests/servers.py": "polls real servers",
    "tests/http/test_purse.py": "lets a grant of 20 ms run out; time.monotonic cannot be told",
}


def test_the_environment_is_read_in_the_settings_alone():
    readers = [
        at(module, node, named(node))
        for module in modules()
        if module.path != "orchestrator/settings.py"
        for node in module.nodes()
        if named(node) in ENVIRONMENT or (isinstance(node, ast.ImportFrom) and node.module == "os" and _imports(node))
    ]

    obeyed("settings.py is the only reader of the environment", readers)


def _imports(node: ast.ImportFrom) -> bool:
    return any(f"os.{alias.name}" in ENVIRONMENT for alias in node.names)


def test_the_wall_clock_is_read_in_one_place():
    readers = [
        at(module, node, named(node))
        for module in modules()
        if not module.is_one_of(["orchestrator/clock.py", "orchestrator/sandbox/"])
        for node in module.nodes()
        if named(node) in WALL_CLOCKS
    ]

    obeyed("Time comes from the database, from Redis, or from clock.py (I10)", readers)


def test_nobody_sleeps_but_those_who_have_a_reason():
    sleepers = [
        at(module, call)
        for module in modules()
        if not module.is_one_of(MAY_SLEEP)
        for call in module.calls()
        if named(call.func) in {"time.sleep", "sleep", "asyncio.sleep"}
    ]

    obeyed("What must wait writes due_at in its row and ends its turn", sleepers)


def test_tests_tell_the_time_instead_of_waiting_for_it():
    sleepers = [
        at(module, call)
        for module in modules("tests")
        if not module.is_one_of(TESTS_WITH_REAL_TIME)
        for call in module.calls()
        if named(call.func) in {"time.sleep", "sleep", "asyncio.sleep"}
    ]

    obeyed("Tests do not sleep", sleepers)


def test_nothing_waits_in_the_broker():
    parked = [
        at(module, keyword.value, f"{keyword.arg}=")
        for module in modules()
        for call in module.calls()
        for keyword in call.keywords
        if keyword.arg in PARKED_IN_THE_BROKER
    ]
    retried = [
        at(module, call, named(call.func))
        for module in modules()
        for call in module.calls()
        if named(call.func).endswith((".retry", ".apply_async", ".delay", ".AsyncResult"))
    ]

    obeyed("The row says when to try again, never the broker", parked + retried)


def test_there_are_no_workflows_in_celery():
    imported = [
        at(module, node, alias.name)
        for module in modules()
        for node in module.nodes()
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("celery")
        for alias in node.names
        if alias.name in WORKFLOWS
    ]

    obeyed("Fan-in is a row count; chains, chords and groups lose it with the broker", imported)


def test_hints_are_sent_from_one_place():
    senders = [
        at(module, call)
        for module in modules()
        if module.path != "orchestrator/dispatch.py"
        for call in module.calls()
        if named(call.func).endswith(".send_task")
    ]

    obeyed("dispatch.py is the only sender", senders)


def test_steps_touch_neither_the_store_nor_the_limiter_nor_the_broker():
    beyond = ("orchestrator.store", "orchestrator.limits", "orchestrator.http", "orchestrator.dispatch", "celery")

    reaching = [
        f"{module.path} imports {name}"
        for module in modules("orchestrator/steps")
        for name in module.imports()
        if name.startswith(beyond)
    ]

    obeyed("A step is a function of its turn", reaching)
