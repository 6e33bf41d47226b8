"""Puts the sandbox together."""

from dataclasses import replace
from typing import Any

from orchestrator.sandbox.control import make_control
from orchestrator.sandbox.edge import Sandbox
from orchestrator.sandbox.options import Options
from orchestrator.sandbox.world import World


def make_app(options: Options | None = None, **changes: Any) -> Sandbox:
    """Return a new sandbox, an ASGI app with its state in `world`: `make_app(people=25_000, rate=6_000)`."""
    world = World(replace(options or Options(), **changes))
    return Sandbox(world, make_control(world))
