"""The parts of one computer's Bulkhead and how they find each other: compose's services, as plain processes.

Redis, database migrated, first API key ─▶ sandbox · api · workers · control worker · beat · Flower
"""

import http.client
import json
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from orchestrator.embedded import commands
from orchestrator.embedded.home import Home
from orchestrator.embedded.processes import GRACE, Part, Supervisor, supervised
from orchestrator.embedded.redis import RedisServer, redis_server
from orchestrator.secrets import new_api_key

LOOPBACK = "127.0.0.1"
LOOPBACK_NETWORKS = "127.0.0.0/8"
START_PATIENCE = timedelta(seconds=90)  # a cold disk, one core; usually 5 s
MOST_DEATHS = 5  # while starting: after that it will not come
LOOK_TIMEOUT_SECONDS = 2.0
SLOTS = 16  # turns of one worker process at once
CONTROL_SLOTS = 4
FLOWER_USER = "bulkhead"
CONTROL_QUEUES = ("control", "notify")


class NotStarted(Exception):
    """A part did not come up; the message ends with the last lines of its log."""

    def __init__(self, part: str, tail: str) -> None:
        super().__init__(f"{part} did not start; the end of its log:\n{tail}")
        self.part = part


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to run; ports are of the loopback, None leaves the part out."""

    home: Home
    port: int
    queues: Sequence[str]  # of the provider workers
    workers: int = 1
    flower_port: int | None = None
    sandbox_port: int | None = None
    sandbox_options: Sequence[str] = ()
    grace: timedelta = GRACE


class Stack:
    """A running Bulkhead; call `look` a few times a second, or nothing is restarted."""

    def __init__(self, plan: Plan, supervisor: Supervisor) -> None:
        self._plan = plan
        self._supervisor = supervisor

    @property
    def url(self) -> str:
        """Where the API is."""
        return f"http://{LOOPBACK}:{self._plan.port}"

    @property
    def flower_url(self) -> str | None:
        """Where Flower is, if it runs."""
        return f"http://{LOOPBACK}:{self._plan.flower_port}" if self._plan.flower_port else None

    @property
    def sandbox_url(self) -> str | None:
        """Where the imitated vendors are, if they run."""
        return f"http://{LOOPBACK}:{self._plan.sandbox_port}" if self._plan.sandbox_port else None

    def look(self) -> None:
        """Restart what has died."""
        self._supervisor.look()

    def look_until(self, done: Callable[[], bool], patience: timedelta | None = None) -> bool:
        """Keep everything running until `done()`; False if `patience` ran out first."""
        return self._supervisor.look_until(done, patience)

    def wait_until_ready(self, given_up: Callable[[], bool] = lambda: False) -> bool:
        """Return True once the API answers and a worker consumes, False once `given_up()`; raises NotStarted."""
        self._supervisor.look_until(lambda: given_up() or bool(self._failed()) or self._is_ready(), START_PATIENCE)
        if given_up():
            return False
        if not self._is_ready():
            raise self._not_started(self._failed() or "api")
        return True

    def tasks_in_flower(self) -> frozenset[str]:
        """Return the names of the tasks that Flower has seen, none while it is not up."""
        if self._plan.flower_port is None:
            return frozenset()
        token = b64encode(flower_login(self._plan.home).encode()).decode()
        status, body = _get(self._plan.flower_port, "/api/tasks", {"Authorization": f"Basic {token}"})
        tasks = json.loads(body).values() if status == http.client.OK else ()
        return frozenset(task["name"] for task in tasks if task["name"])

    def _is_ready(self) -> bool:
        sandbox = self._plan.sandbox_port
        up = sandbox is None or _get(sandbox, "/_sandbox/stats")[0] == http.client.OK
        return up and _get(self._plan.port, "/health/ready")[0] == http.client.OK

    def _failed(self) -> str | None:
        return next((name for name, times in self._supervisor.deaths() if times >= MOST_DEATHS), None)

    def _not_started(self, part: str) -> NotStarted:
        lines = self._supervisor.log_of(part).read_text(errors="replace").splitlines()
        return NotStarted(part, "\n".join(lines[-20:]))


@contextmanager
def running(plan: Plan, environment: Mapping[str, str]) -> Iterator[Stack]:
    """Run everything while the block lasts; raises HomeInUse, NoRedisServer, NotStarted.

    The database is migrated, and the home's API key is valid, before the parts start.
    """
    with plan.home.locked() as lock:
        redis = redis_server(plan.home)
        shared = {**environment, **_shared(plan.home, redis)}
        with supervised(plan.home.logs, lock=lock, grace=plan.grace) as supervisor:
            stack = Stack(plan, supervisor)
            supervisor.start(Part(name="redis", command=redis.command, environment=shared, end_round=1))
            _migrate({**shared, "BULKHEAD_BOOTSTRAP_KEY": api_key(plan.home)})
            if not supervisor.look_until(redis.answers, START_PATIENCE):
                raise stack._not_started("redis")
            for part in parts(plan, shared):
                supervisor.start(part)
            yield stack


def parts(plan: Plan, environment: Mapping[str, str]) -> list[Part]:
    """Return everything but Redis, in the order of starting."""
    made = {
        "api": commands.bulkhead("api", "--host", LOOPBACK, "--port", str(plan.port)),
        **dict(_workers(plan)),
        "control": commands.worker(queues=CONTROL_QUEUES, slots=CONTROL_SLOTS, name="control"),
        "beat": commands.beat(),
    }
    ours = [Part(name=name, command=command, environment=environment) for name, command in made.items()]
    return [*_sandbox(plan, environment), *ours, *_flower(plan, environment)]


def _workers(plan: Plan) -> Iterator[tuple[str, Sequence[str]]]:
    for number in range(1, plan.workers + 1):
        name = f"worker-{number}"
        yield name, commands.worker(queues=plan.queues, slots=SLOTS, name=name)


def api_key(home: Home) -> str:
    """Return the first API key of this home, all scopes."""
    return home.secret("api-key", lambda: new_api_key().text)


def flower_login(home: Home) -> str:
    """Return Flower's `user:password` of this home."""
    return f"{FLOWER_USER}:{home.secret('flower-password')}"


def _migrate(environment: Mapping[str, str]) -> None:
    done = subprocess.run(  # noqa: S603 - our own command
        commands.bulkhead("migrate"), env=dict(environment), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotStarted("migrate", done.stderr or done.stdout)


def _shared(home: Home, redis: RedisServer) -> dict[str, str]:
    return {
        "BULKHEAD_HOME": str(home.folder),
        "BULKHEAD_BROKER_URL": redis.broker_url,
        "BULKHEAD_REDIS_URL": redis.redis_url,
        "BULKHEAD_ALLOW_NETWORKS": LOOPBACK_NETWORKS,
    }


def _sandbox(plan: Plan, environment: Mapping[str, str]) -> Iterator[Part]:
    if plan.sandbox_port is not None:
        command = commands.bulkhead("sandbox", "--port", str(plan.sandbox_port), *plan.sandbox_options)
        yield Part(name="sandbox", command=command, environment=environment, end_round=1)


def _flower(plan: Plan, environment: Mapping[str, str]) -> Iterator[Part]:
    if plan.flower_port is not None:
        command = commands.flower(address=LOOPBACK, port=plan.flower_port)
        # in its environment, not on the command line, which every user of this computer can read
        own = {**environment, "FLOWER_BASIC_AUTH": flower_login(plan.home)}
        yield Part(name="flower", command=command, environment=own)


def _get(port: int, path: str, headers: Mapping[str, str] = {}) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=LOOK_TIMEOUT_SECONDS)
    try:
        connection.request("GET", path, headers=dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()
