"""Everything that is set from outside: the only reader of the environment. Names start with BULKHEAD_.

`reference_page()` is docs/reference/settings.md; a test keeps the two equal.
"""

import os
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from orchestrator.job.errors import Invalid

PREFIX = "BULKHEAD_"
TESTS_ONLY = frozenset({"BULKHEAD_TEST_DATABASE_URL", "BULKHEAD_TEST_REDIS_URL"})
SECONDS = re.compile(r"[+-]?\d+(\.\d+)?")
LOCAL_REDIS = "redis://127.0.0.1:6379/0"

Data = Mapping[str, Any]


def of_user(name: str) -> str | None:
    """Return a variable of the user's own that a file of theirs names; None where it is not set."""
    return os.environ.get(name)


def _from_home(name: str, scheme: str) -> Callable[[Data], str]:
    return lambda data: f"{scheme}{data['home']}/{name}"


def _redis_of(data: Data) -> str:
    broker = str(data["broker_url"])
    return broker if broker.startswith(("redis://", "rediss://")) else LOCAL_REDIS


class Settings(BaseSettings):
    """The settings of one process; frozen, and its repr shows no secret."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,  # compose passes unset variables on as empty ones
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,  # the input may be a secret
        use_attribute_docstrings=True,
    )

    home: Path = Path("~/.bulkhead")
    """Folder of everything that one computer keeps: database, files, keys. In the user's home, so that it needs no
    rights."""

    database_url: str = Field(default_factory=_from_home("bulkhead.db", "sqlite:///"), repr=False)
    """The database: `sqlite:///file` for one computer, `postgresql://user:password@host/name` for several. SQLite by
    default, because it needs no server."""

    database_pool: int = Field(default=20, ge=1)
    """Connections to the database that a process keeps. More than its threads, so that none waits for another."""

    broker_url: str = Field(default=LOCAL_REDIS, repr=False)
    """Where hints travel: Redis, Valkey or RabbitMQ (`amqp://`). May lose messages; rows are the truth."""

    redis_url: str = Field(default_factory=_redis_of, repr=False)
    """Where rate-limit tokens live: Redis (6.2 or later) or Valkey, with `maxmemory-policy noeviction`. The broker's
    by default, where that is a Redis."""

    store_url: str = Field(default_factory=_from_home("store", "file://"), repr=False)
    """Where results and inputs are kept: `file:///folder`, `s3://bucket/prefix`, `gs://…` or `az://…`. A folder by
    default; several computers need a bucket."""

    keys: str | None = Field(default=None, repr=False)
    """Keys that seal credentials, with commas between: the first seals, all open; make one with `bulkhead keys new`.
    Absent, and with SQLite, a file `keys` in the home folder is made; several computers must be given the same keys."""

    allow_networks: Annotated[tuple[str, ...], NoDecode] = ()
    """Private networks that calls to vendors and webhooks may reach, with commas between, as `10.1.0.0/16`. None, so
    that nobody can look around in your network through us; `bulkhead up` alone allows the loopback."""

    proxy: str | None = Field(default=None, repr=False)
    """HTTP proxy for calls to vendors and webhooks, as `http://user:password@host:port`; networks of
    BULKHEAD_ALLOW_NETWORKS are called directly. None: the usual variables of other programs are not read, because a
    proxy sees where calls go. It resolves the names, so it must itself keep calls out of your network."""

    ca_bundle: Path | None = None
    """File of certificates (PEM) to trust instead of the usual ones. For networks that look into TLS."""

    clock_shift: timedelta = timedelta(0)
    """Seconds added to the time of the database and of the limits. For tests only: time is told, never waited for."""

    api_host: str = "127.0.0.1"
    """Address that the API listens on. The loopback, until you decide otherwise."""

    api_port: int = Field(default=8080, ge=1, le=65535)
    """Port that the API listens on. A usual one that needs no rights."""

    api_rate: float = Field(default=100.0, gt=0)
    """Requests a second that one API key may send to one API process, twice as many at once; more is a 429. Far above
    what polling needs, and low enough that one key cannot starve the others."""

    url: str | None = None
    """Where the command line finds the API. By default the address that `bulkhead up` wrote into the home folder, else
    port 8080 of this computer."""

    api_key: str | None = Field(default=None, repr=False)
    """Key with which the command line speaks to the API. By default the one that `bulkhead up` wrote into the home
    folder."""

    bootstrap_key: str | None = Field(default=None, repr=False, min_length=20)
    """First API key of a new installation, for the tenant `default`, all scopes; `bulkhead migrate` puts it into the
    database. None: make keys with `bulkhead keys add`. At least 20 characters, because it is guessed otherwise."""

    worker_threads: int = Field(default=16, ge=1)
    """Turns that a worker process runs at once. They mostly wait for vendors; 16 threads kept one core busy."""

    flower_port: int = Field(default=5555, ge=1, le=65535)
    """Port of Flower on the loopback. Flower's own default."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least importance of what is logged. INFO tells each move of a job, and no more."""

    retention: timedelta = timedelta(days=30)
    """How long a finished job and its files are kept. A month, to answer last month's questions."""

    @classmethod
    def load(cls, **given: Any) -> Self:
        """Read the environment; what is `given` wins. Raises Invalid with the variable's name and never its value."""
        try:
            return cls(**given)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            name = "_".join(str(each) for each in first["loc"][:1])
            raise Invalid(variable(name), first["msg"], "See docs/reference/settings.md.") from None

    @property
    def is_local(self) -> bool:
        """Whether everything is on this computer, so that keys may be made here."""
        return self.database_url.startswith("sqlite")

    @property
    def keys_path(self) -> Path:
        """The file of keys that is used where `keys` is absent."""
        return self.home / "keys"

    @property
    def api_key_path(self) -> Path:
        """The file into which `up` writes an API key."""
        return self.home / "api-key"

    @field_validator("home", mode="after")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return home.expanduser().absolute()

    @field_validator("clock_shift", "retention", mode="before")
    @classmethod
    def _seconds(cls, value: object) -> object:
        return float(value) if isinstance(value, str) and SECONDS.fullmatch(value) else value

    @field_validator("allow_networks", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        each = value.replace(",", " ").split() if isinstance(value, str) else value
        return tuple(str(ip_network(one)) for one in each) if isinstance(each, list | tuple) else value


class Setting(NamedTuple):
    """One line of the reference."""

    variable: str
    default: str
    description: str


def variable(field: str) -> str:
    """Return the name in the environment of a field."""
    return f"{PREFIX}{field.upper()}"


def unknown_variables() -> list[str]:
    """Return what is set in the environment under our prefix and means nothing: most likely misspelt."""
    known = {variable(field) for field in Settings.model_fields} | TESTS_ONLY
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)


def inherited(*, ours: bool = True) -> dict[str, str]:
    """Return what a child process gets of this one's environment; without our own variables unless `ours`."""
    return {name: value for name, value in os.environ.items() if ours or not name.startswith(PREFIX)}


def reference() -> list[Setting]:
    """Return every setting: its variable, its default as a person would write it, what it is for."""
    symbols = {"home": "$BULKHEAD_HOME", "broker_url": LOCAL_REDIS}
    return [
        Setting(variable(name), _default(field, symbols), " ".join((field.description or "").split()))
        for name, field in Settings.model_fields.items()
    ]


def reference_page() -> str:
    """Return docs/reference/settings.md."""
    lines = [f"| `{each.variable}` | {each.default} | {each.description} |" for each in reference()]
    head = (
        "# Settings",
        "",
        "All settings come from the environment. Durations are seconds, or ISO 8601 as `P30D`. An empty variable counts"
        " as absent.",
        "",
        "| Variable | Default | What it is for |",
        "|---|---|---|",
    )
    return "\n".join((*head, *lines)) + "\n"


def _default(field: FieldInfo, symbols: Data) -> str:
    value = field.get_default(call_default_factory=True, validated_data=dict(symbols))
    match value:
        case None | ():
            return "none"
        case timedelta():
            return f"`P{value.days}D`" if value.days else f"`{value.total_seconds():g}`"
        case _:
            return f"`{value}`"
