"""Who may import whom, and where each library lives."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.law.source import ROOT, modules, obeyed

ANYWHERE_BUT_JOB = tuple(
    f"orchestrator/{each}"
    for each in ("api/", "cli/", "client/", "embedded/", "http/", "lifecycle/", "limits/", "notify.py",
                 "providers/", "results/", "runtime.py", "sandbox/", "store/")
)  # fmt: skip

HOMES: Mapping[str, tuple[str, ...]] = {
    "alembic": ("orchestrator/store/",),
    "anyio": ("orchestrator/api/",),  # FastAPI's own: its threads are where an upload's body is read
    "celery": ("orchestrator/dispatch.py", "workers/"),
    "cronsim": ("orchestrator/lifecycle/timetable.py",),  # a pure function of time
    "cryptography": (
        "orchestrator/secrets.py",
        "orchestrator/sandbox/salesforce/jwt.py",  # checks who signed an assertion, as the vendor does
    ),
    "defusedxml": ("orchestrator/sandbox/salesforce/bulk1/", "orchestrator/providers/salesforce/bulk1/"),  # no entities
    "fastapi_swagger": ("orchestrator/api/",),
    "fastapi": ("orchestrator/api/", "orchestrator/console/", "orchestrator/sandbox/"),
    "httpcore": ("orchestrator/http/",),  # below httpx: addresses are checked where the socket is opened
    "httpx": (
        "orchestrator/client/",
        "orchestrator/http/",
        "orchestrator/hubs/",
        "orchestrator/notify.py",
        "orchestrator/providers/",
        "orchestrator/lifecycle/keeper.py",  # names the type of the client for tokens that it is given; builds none
    ),
    "kombu": ("orchestrator/dispatch.py",),  # Celery's transport: the length of a queue, the errors of a broker
    "lark": ("orchestrator/ceql/",),
    "msgspec": ANYWHERE_BUT_JOB,  # the JSON of the product, as json is of Python
    "obstore": ("orchestrator/results/", "orchestrator/hubs/object_store.py"),
    "opentelemetry": ("orchestrator/http/", "orchestrator/lifecycle/"),
    "prometheus_client": ("orchestrator/api/",),
    "pydantic": (
        "*/wire.py",
        "orchestrator/settings.py",
        "orchestrator/api/strict.py",  # what the wire models of the API have in common
        "orchestrator/api/problems.py",  # its ValidationError becomes a problem
    ),
    "pydantic_settings": ("orchestrator/settings.py",),
    "python_multipart": ("orchestrator/api/",),  # an upload is stored while it arrives
    "hiredis": ("orchestrator/limits/redis.py",),  # packs commands: redis-py's own way costs 6 µs more each
    "redis": ("orchestrator/limits/redis.py",),
    "rich": ("orchestrator/cli/",),
    "sqlalchemy": ("orchestrator/store/",),
    "starlette": ("orchestrator/api/", "orchestrator/console/", "orchestrator/sandbox/"),  # FastAPI stands on it
    "typer": ("orchestrator/cli/",),
    "uvicorn": ("orchestrator/cli/parts.py", "orchestrator/sandbox/server.py"),
    "yaml": ("orchestrator/cli/apply.py",),
    "zstandard": ("orchestrator/results/",),
}


def test_imports_point_down_only():
    lint = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr


def test_each_library_has_one_home():
    known = set(sys.stdlib_module_names) | {"orchestrator", "workers"}

    strangers = [
        f"{module.path} imports {library}"
        for module in modules()
        for library in {name.split(".")[0] for name in module.imports()} - known
        if not module.is_one_of(HOMES.get(library, ()))
    ]

    obeyed("Each library has one home (the table above); a new one needs a line and a reason", strangers)


def test_the_store_knows_jobs_filters_and_clocks_and_nothing_that_could_call_anybody():
    permitted = ("orchestrator.store", "orchestrator.job", "orchestrator.ceql", "orchestrator.clock")

    reaching = [
        f"{module.path} imports {name}"
        for module in modules("orchestrator/store")
        for name in module.imports()
        if name.startswith("orchestrator") and not name.startswith(permitted)
    ]

    obeyed("No call can be made while a transaction is open", reaching)


def test_transactions_never_leave_the_store():
    holders = {"Database"}

    outside = [
        f"{module.path}:{node.lineno} imports {alias.name}"
        for module in modules()
        if not module.is_one_of(["orchestrator/store/"])
        for node in module.nodes()
        if getattr(node, "module", None) == "orchestrator.store.engine"
        for alias in node.names
        if alias.name in holders
    ]

    obeyed("Only the store opens transactions; others ask it and get values", outside)


def test_the_sandbox_and_the_product_share_nothing():
    shared = [
        f"{module.path} imports {name}"
        for module in modules("orchestrator/sandbox")
        for name in module.imports()
        if name.startswith("orchestrator") and not name.startswith("orchestrator.sandbox")
    ]

    obeyed("The sandbox imports nothing of ours: a shared mistake would never be seen", shared)
