"""`bulkhead up`: everything on one computer, until Ctrl-C or SIGTERM."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Annotated

import msgspec
import typer

from orchestrator.dispatch import queue_of
from orchestrator.embedded.home import Home, HomeInUse
from orchestrator.embedded.redis import NoRedisServer, free_port, is_free
from orchestrator.embedded.stack import NotStarted, Plan, Stack, running
from orchestrator.runtime import FAMILIES
from orchestrator.settings import Settings, inherited

PROVIDER_QUEUES = tuple(map(queue_of, FAMILIES))
SANDBOX_PORT = 9000
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def up(
    home: Annotated[Path | None, typer.Option(help="Folder that keeps everything; else BULKHEAD_HOME.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the API; 0 takes a free one.", min=0, max=65535)] = None,
    workers: Annotated[int, typer.Option(help="Worker processes; each runs 16 turns at once.", min=1)] = 1,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Imitate the vendors too, to rehearse against.")] = False,
    flower: Annotated[bool, typer.Option(help="Show workers and tasks in a browser.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON when it is ready.")] = False,
) -> None:
    """Run everything on this computer: Redis, SQLite, API, workers, beat, Flower. Ctrl-C stops it cleanly.

    Example: bulkhead up --home ./bulk --port 0 --sandbox
    """
    settings = Settings.load(**({"home": home} if home else {}))
    folder = Home.at(settings.home)
    plan = Plan(
        home=folder,
        port=_port(settings.api_port if port is None else port),
        queues=PROVIDER_QUEUES,
        workers=workers,
        flower_port=_flower_port(settings, port) if flower else None,
        sandbox_port=_sandbox_port(folder, port) if sandbox else None,
    )
    _refuse_taken_ports(plan)
    try:
        _run(plan, as_json=as_json)
    except (HomeInUse, NoRedisServer, NotStarted) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


@contextmanager
def endings() -> Iterator[Event]:
    """Give an event that is set by Ctrl-C, SIGTERM or a closed terminal while the block lasts."""
    ended = Event()
    before = {each: signal.signal(each, lambda *_: ended.set()) for each in ENDINGS}
    try:
        yield ended
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _run(plan: Plan, *, as_json: bool) -> None:
    with endings() as ended, running(plan, inherited()) as stack:
        if not stack.wait_until_ready(ended.is_set):
            return
        plan.home.note("url", stack.url)
        plan.home.note("pid", str(os.getpid()))
        try:
            _say(plan, stack, as_json=as_json)
            stack.look_until(ended.is_set)
        finally:
            plan.home.forget("url", "pid")


def _refuse_taken_ports(plan: Plan) -> None:
    for port in (plan.port, plan.flower_port, plan.sandbox_port):
        if port is not None and not is_free(port):
            typer.echo(f"port {port} is in use on this computer; --port 0 takes free ones for everything", err=True)
            raise typer.Exit(1)


def _say(plan: Plan, stack: Stack, *, as_json: bool) -> None:
    folder = plan.home.folder
    if as_json:
        told = {"url": stack.url, "apiKeyFile": str(folder / "api-key"), "flower": stack.flower_url}
        typer.echo(msgspec.json.encode({**told, "sandbox": stack.sandbox_url, "logs": str(plan.home.logs)}))
        return
    typer.echo(f"API key in {folder / 'api-key'}, logs in {plan.home.logs}")
    if stack.flower_url:
        typer.echo(f"Flower: {stack.flower_url} (user bulkhead, password in {folder / 'flower-password'})")
    if stack.sandbox_url:
        typer.echo(f"sandbox: {stack.sandbox_url} (Salesloft token sandbox-token, REST key sandbox-key)")
    typer.echo(f"bulkhead is ready: {stack.url}")


def _port(wanted: int) -> int:
    return wanted or free_port()


def _flower_port(settings: Settings, port: int | None) -> int:
    return free_port() if port == 0 else settings.flower_port


def _sandbox_port(home: Home, port: int | None) -> int:
    """The same at each start, because connections name it."""
    if port != 0:
        return SANDBOX_PORT
    before = int(home.noted("sandbox-port") or 0)
    chosen = before if before and is_free(before) else free_port()
    home.note("sandbox-port", str(chosen))
    return chosen
