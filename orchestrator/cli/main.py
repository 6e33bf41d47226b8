"""The console script: imports only the module of the subcommand that was asked for."""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

import typer

ABOUT = """Bulk downloads and uploads against rate-limited APIs.

Start with `bulkhead demo`, or with `bulkhead up` and `bulkhead connection add`.
"""

# module → its subcommands; a module has `register(app)`, or one function of its own name
GROUPS: Mapping[str, Sequence[str]] = {
    "up": ("up",),
    "demo": ("demo",),
    "submit": ("download", "upload"),
    "plan": ("plan",),
    "jobs": ("jobs", "status", "watch", "cancel", "pause", "resume", "restart", "retry"),
    "results": ("results", "data", "errors", "events", "chunks"),
    "connections": ("connection",),
    "schedules": ("schedule",),
    "notifications": ("notifications", "redeliver", "tenant"),
    "apply": ("apply",),
    "keys": ("keys",),
    "parts": ("api", "worker", "beat", "flower", "sandbox", "migrate"),
}


def main(words: Sequence[str] | None = None) -> None:
    """Run one subcommand and exit: 0 done, 1 failed, 2 wrong use, 3 partial, 4 throttled or still running."""
    given = with_wait(sys.argv[1:] if words is None else words)
    make_app(given)(list(given), prog_name="bulkhead")


def make_app(words: Sequence[str]) -> typer.Typer:
    """Return the command with the subcommand that the words name, or with all of them."""
    app = typer.Typer(
        help=ABOUT, no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False, rich_markup_mode=None
    )
    app.callback()(_nothing)
    for name in _modules(words):
        module = import_module(f"orchestrator.cli.{name}")
        if hasattr(module, "register"):
            module.register(app)
        else:
            app.command()(getattr(module, name))
    return app


def _nothing() -> None:
    """Keep a single subcommand a subcommand."""


def _modules(words: Sequence[str]) -> Sequence[str]:
    first = words[0] if words else ""
    named = [module for module, commands in GROUPS.items() if first in commands]
    return named or list(GROUPS)


def with_wait(words: Sequence[str]) -> Sequence[str]:
    """Return the words with `--wait [MINUTES]` as one word; without minutes it waits as long as it takes."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] == "--wait" and _is_number(word):
            joined[-1] = f"--wait={word}"
        else:
            joined.append(word)
    return ["--wait=inf" if word == "--wait" else word for word in joined]


def _is_number(word: str) -> bool:
    return word.replace(".", "", 1).isdigit()
