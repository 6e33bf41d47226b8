"""The parts of an installation, as compose and Kubernetes start them: one subcommand each.

`worker`, `beat` and `flower` become Celery's own programs, so that signals and exit codes are theirs.
"""

import os
import signal
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
import uvicorn

from orchestrator.api.app import make_app
from orchestrator.api.door import Door
from orchestrator.cli.up import PROVIDER_QUEUES
from orchestrator.embedded import commands
from orchestrator.embedded.stack import CONTROL_QUEUES
from orchestrator.runtime import Runtime
from orchestrator.sandbox.__main__ import main as imitate
from orchestrator.secrets import hash_api_key
from orchestrator.settings import Settings
from orchestrator.store.migrations import upgrade
from orchestrator.store.store import Store

KEEP_ALIVE_SECONDS = 75  # longer than the usual proxy in front
FIRST_TENANT = "default"
ALL_SCOPES = ("admin", "read", "submit")
ENDING_SECONDS = 20  # for requests in hand at the end


def register(app: typer.Typer) -> None:
    """Add the parts to the command."""
    app.command()(api)
    app.command()(worker)
    app.command()(beat)
    app.command()(flower)
    app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})(sandbox)
    app.command()(migrate)


def api(
    host: Annotated[str | None, typer.Option(help="Address to listen on; else BULKHEAD_API_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; else BULKHEAD_API_PORT.")] = None,
) -> None:
    """Serve the API and the console.

    Example: bulkhead api --host 0.0.0.0 --port 8080
    """
    _end_well()
    settings = Settings.load()
    runtime = Runtime.make(settings)
    try:
        uvicorn.run(
            make_app(runtime, Door(settings.api_rate)),
            host=host or settings.api_host,
            port=port or settings.api_port,
            access_log=False,
            server_header=False,
            log_level=settings.log_level.lower(),
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=ENDING_SECONDS,
        )
    finally:
        runtime.close()


def worker(
    queues: Annotated[str, typer.Option(help="Queues to consume, with commas; by default all providers'.")] = "",
    slots: Annotated[int | None, typer.Option(help="Turns at once; else BULKHEAD_WORKER_THREADS.", min=1)] = None,
    name: Annotated[str, typer.Option(help="Name before the @ in Flower; one of a kind on its host.")] = "worker",
    control: Annotated[bool, typer.Option("--control", help="Consume the control and notify queues.")] = False,
) -> None:
    """Run steps of jobs.

    Example: bulkhead worker --queues p.salesloft,p.rest --slots 16
    """
    chosen = CONTROL_QUEUES if control else tuple(filter(None, queues.split(","))) or PROVIDER_QUEUES
    _become(commands.worker(queues=chosen, slots=slots or Settings.load().worker_threads, name=name))


def beat() -> None:
    """Give the beat: a tick each second, and the hours of schedules. Two of them do no harm.

    Example: bulkhead beat
    """
    _become(commands.beat())


def flower(
    address: Annotated[str, typer.Option(help="Address to listen on; keep it off public networks.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="Port to listen on; else BULKHEAD_FLOWER_PORT.")] = None,
) -> None:
    """Show workers and tasks in a browser; FLOWER_BASIC_AUTH=user:password asks for a login.

    Example: FLOWER_BASIC_AUTH=me:secret bulkhead flower --port 5555
    """
    _become(commands.flower(address=address, port=port or Settings.load().flower_port))


def sandbox(context: typer.Context) -> None:
    """Imitate the vendors, for rehearsals; every option of the sandbox is a flag.

    Example: bulkhead sandbox --port 9000 --people 25000 --rate 600
    """
    _end_well()
    imitate(context.args)


def migrate() -> None:
    """Bring the database to this version, and make sure that the bootstrap key works, if one is set.

    Example: BULKHEAD_BOOTSTRAP_KEY=… bulkhead migrate
    """
    settings = Settings.load()
    upgrade(settings.database_url)
    if settings.bootstrap_key:
        _allow(settings, settings.bootstrap_key)


def _allow(settings: Settings, key: str) -> None:
    store = Store.open(settings.database_url)
    try:
        tenant = store.keys.ensure_tenant(FIRST_TENANT)
        store.keys.add_key(tenant.id, hash_api_key(key), ALL_SCOPES, "bootstrap")
    finally:
        store.close()


def _end_well() -> None:
    """Exit with 0 at SIGTERM: the web server serves what it has in hand, then raises the signal again."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def _become(command: Sequence[str]) -> None:
    os.execv(command[0], list(command))  # noqa: S606 - our own command, without a shell
