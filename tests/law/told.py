"""Names that the code gives to the world: events, log lines, error codes."""

import ast
from collections.abc import Iterator

from tests.law.source import Module, modules, named

LEVELS = ("debug", "info", "warning", "error", "critical", "exception")
RAISED = frozenset({"Invalid", "Conflict", "Refused", "RowProblem", "RowError"})


def timeline_events() -> set[str]:
    """Every name that is written into a job's timeline."""
    return {_text(name) for name in _timeline_names() if _text(name)}


def nameless_events() -> list[str]:
    """Where a timeline event has a name that is not written down at that place, forwarders aside."""
    forwarders = {"event", "event.name", "name"}
    return [ast.unparse(name) for name in _timeline_names() if not _text(name) and ast.unparse(name) not in forwarders]


def _timeline_names() -> Iterator[ast.expr]:
    for module in modules():
        for call in module.calls():
            called = named(call.func).rpartition(".")[2] or getattr(call.func, "attr", "")
            match called:
                case "tell":
                    yield from (each.value for each in call.keywords if each.arg == "event")
                case "Event" if not module.is_one_of(["orchestrator/store/events.py", "orchestrator/api/"]):
                    yield from (each.value for each in call.keywords if each.arg == "name")
                case "write_event" if len(call.args) > 3:
                    yield call.args[3]


def log_events() -> set[str]:
    """Every name that is written into a log."""
    return {_text(name) for name in _log_names() if _text(name)}


def log_sentences() -> list[str]:
    """Where a log line is not an event: a text with blanks, or one that is put together."""
    forwarders = {"name"}
    return [
        ast.unparse(name)
        for name in _log_names()
        if " " in _text(name) or (not _text(name) and ast.unparse(name) not in forwarders)
    ]


def _log_names() -> Iterator[ast.expr]:
    for module in modules():
        for call in module.calls():
            name = named(call.func)
            if call.args and (name.endswith("._report") or name in {f"log.{level}" for level in LEVELS}):
                yield call.args[0]


def codes() -> set[str]:
    """Every code that an error of ours can carry to a user."""
    return {code for module in modules() if not module.is_one_of(["orchestrator/sandbox/"]) for code in _codes(module)}


def _codes(module: Module) -> Iterator[str]:
    for call in module.calls():
        called = named(call.func).rpartition(".")[2]
        if called in RAISED:
            yield from (_text(each.value) for each in call.keywords if each.arg == "code" and _text(each.value))
            yield from (_text(call.args[0]) for _ in [0] if called == "Refused" and call.args and _text(call.args[0]))
        elif called == "problem" and len(call.args) > 1 and _text(call.args[1]):
            yield _text(call.args[1])


def _text(value: ast.expr) -> str:
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""
