"""The command of each part, for `up`, which starts them, and for `bulkhead worker|beat|flower`, which become them."""

import sys
from collections.abc import Sequence

APP = "workers.app"
MOST_TASKS = 10_000  # that Flower keeps in memory; its own default is ten times as much
OFFLINE_SECONDS = 300  # after which Flower forgets a worker that is gone


def bulkhead(*arguments: str) -> tuple[str, ...]:
    """Return the command of a `bulkhead` subcommand, under this interpreter."""
    return (sys.executable, "-m", "orchestrator.cli", *arguments)


def worker(*, queues: Sequence[str], slots: int, name: str) -> tuple[str, ...]:
    """Return the command of a worker that runs up to `slots` turns at once."""
    chosen = (f"--queues={','.join(queues)}", "--pool=threads", f"--concurrency={slots}", f"--hostname={name}@%h")
    # Workers have nothing to tell each other, and mingling waits a second at each start.
    return _celery("worker", *chosen, "--loglevel=INFO", "--without-gossip", "--without-mingle")


def beat() -> tuple[str, ...]:
    """Return the command of beat; it keeps no file."""
    return _celery("beat", "--loglevel=WARNING")


def flower(*, address: str, port: int) -> tuple[str, ...]:
    """Return the command of Flower, which shows and changes nothing; its login is in FLOWER_BASIC_AUTH."""
    where = (f"--address={address}", f"--port={port}")
    memory = (f"--max_tasks={MOST_TASKS}", f"--purge_offline_workers={OFFLINE_SECONDS}")
    columns = "--tasks_columns=name,uuid,state,args,received,runtime,worker"
    return _celery("flower", *where, "--read_only=True", *memory, columns)


def _celery(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "celery", f"--app={APP}", "--quiet", *arguments)
