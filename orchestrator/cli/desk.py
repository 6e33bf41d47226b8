"""What every subcommand shares: how it finds the API, how it prints, how it ends."""

import functools
import inspect
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

if TYPE_CHECKING:
    from orchestrator.client import ApiError, Client
    from orchestrator.settings import Settings

FAILED, WRONG_USE, PARTIAL, NOT_YET = 1, 2, 3, 4
LAST_JOB = "last-job"
NO_KEY = "Give --api-key or BULKHEAD_API_KEY, or start `bulkhead up`."
ByName = inspect.Parameter.KEYWORD_ONLY
COMMON: dict[str, Any] = {
    "url": Annotated[
        str | None, typer.Option("--url", help="Address of the API; else BULKHEAD_URL, else the one that `up` wrote.")
    ],
    "api_key": Annotated[
        str | None, typer.Option("--api-key", help="API key; else BULKHEAD_API_KEY, else the one that `up` wrote.")
    ],
    "home": Annotated[Path | None, typer.Option("--home", help="Home folder of `up`; else BULKHEAD_HOME.")],
    "as_json": Annotated[bool, typer.Option("--json", help="Print JSON.")],
}


class Desk:
    """One run of a subcommand."""

    def __init__(self, *, url: str | None, api_key: str | None, home: Path | None, as_json: bool) -> None:
        self._url = url
        self._api_key = api_key
        self._home = home
        self.as_json = as_json

    @functools.cached_property
    def settings(self) -> "Settings":
        """The settings, with the home folder that was given."""
        from orchestrator.settings import Settings

        return Settings.load(**({"home": self._home} if self._home else {}))

    @functools.cached_property
    def client(self) -> "Client":
        """The client of the API that options, environment or home folder name; ends the command without a key."""
        from orchestrator.client import Client

        key = self._api_key or self.settings.api_key or self._noted(self.settings.api_key_path)
        return Client(self._address(), key or fail("there is no API key", NO_KEY))

    def close(self) -> None:
        """Close the connections to the API, if there are any."""
        if "client" in self.__dict__:
            self.client.close()

    def _address(self) -> str:
        if self._url:
            return self._url
        configured = str(self.settings.url)
        if "url" in self.settings.model_fields_set:
            return configured
        return self._noted(self.settings.home / "url") or configured

    @staticmethod
    def _noted(path: Path) -> str | None:
        try:
            return path.read_text().strip() or None
        except OSError:
            return None

    def say(self, text: str) -> None:
        """Tell a person something; silent with --json."""
        if not self.as_json:
            typer.echo(text, err=True)

    def show(self, body: Any, text: str | Callable[[], str] = "") -> None:
        """Print the body as JSON, or the text for people."""
        if self.as_json:
            typer.echo(json.dumps(body, ensure_ascii=False))
        else:
            typer.echo(text() if callable(text) else text)

    def table(self, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> None:
        """Print rows as a table (`columns`: field → heading), or as JSON."""
        if self.as_json:
            typer.echo(json.dumps(list(rows), ensure_ascii=False))
            return
        from rich.console import Console
        from rich.table import Table

        table = Table(*columns.values(), box=None, pad_edge=False, header_style="bold")
        for row in rows:
            table.add_row(*(cell(row.get(name)) for name in columns))
        Console().print(table)

    def remember(self, job_id: int) -> None:
        """Note the job that --last stands for."""
        try:
            self.settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.settings.home / LAST_JOB).write_text(f"{self._address()} {job_id}\n")
        except OSError:
            self.say("could not note the job for --last")

    def job(self, job_id: int | None, last: bool) -> int:
        """Return the job that was named; ends the command where none was."""
        if job_id is not None and not last:
            return job_id
        if not last or job_id is not None:
            fail("name one job: its id, or --last")
        return self._last_job()

    def _last_job(self) -> int:
        address, _, noted = (self._noted(self.settings.home / LAST_JOB) or "").partition(" ")
        if noted.isdigit() and address == self._address():
            return int(noted)
        from orchestrator.client import pages

        newest = max((each["id"] for each in pages(lambda token: self.client.jobs(after=token, size=1000))), default=0)
        return newest or fail("there is no job yet")


def cell(value: Any) -> str:
    """Return a value as a table shows it."""
    match value:
        case None:
            return ""
        case dict() | list():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)


def fail(problem: str, advice: str = "", code: int = WRONG_USE) -> Any:
    """Tell what is wrong and end the command."""
    typer.echo(f"error: {problem}", err=True)
    if advice:
        typer.echo(advice, err=True)
    raise typer.Exit(code)


def command(
    app: typer.Typer, name: str, example: str, options: dict[str, Any] | None = None
) -> Callable[[Callable[..., None]], None]:
    """Make `function(desk, …)` a subcommand with the common options, an example in its help, and our exit codes.

    `options` (name → annotated type) are further ones, which the function takes as `**given`.
    """

    def register(function: Callable[..., None]) -> None:
        app.command(name, epilog=f"Example: {example}")(_with_desk(function, options or {}))

    return register


def _with_desk(function: Callable[..., None], options: dict[str, Any]) -> Callable[..., None]:
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    named = [each.replace(kind=ByName) for each in own if each.kind is not inspect.Parameter.VAR_KEYWORD]
    every = named + [_option(name, kind) for name, kind in (options | COMMON).items()]

    @functools.wraps(function)
    def run(**given: Any) -> None:
        desk = Desk(**{name: given.pop(name) for name in COMMON})
        with told(desk), closing(desk):
            function(desk, **given)

    run.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in every}
    return run


def _option(name: str, kind: Any) -> inspect.Parameter:
    is_flag = get_args(kind)[0] is bool
    return inspect.Parameter(name, ByName, annotation=kind, default=False if is_flag else None)


@contextmanager
def told(desk: Desk) -> Iterator[None]:
    """Turn what the API and the settings refuse into a message and an exit code."""
    from orchestrator.client import ApiError
    from orchestrator.job.errors import OrchestratorError

    try:
        yield
    except ApiError as error:
        _refused(desk, error)
    except OrchestratorError as error:
        fail(str(error), code=WRONG_USE)
    except BrokenPipeError:
        sys.stderr.close()
        raise typer.Exit(FAILED) from None


def _refused(desk: Desk, error: "ApiError") -> None:
    if desk.as_json:
        body = {"code": error.code, "field": error.field, "detail": error.detail, "advice": error.advice}
        typer.echo(json.dumps(body | {"requestId": error.request_id}, ensure_ascii=False), err=True)
        raise typer.Exit(WRONG_USE if 400 <= error.status < 500 else FAILED)
    fail(f"{error.detail} ({error.code})", error.advice, WRONG_USE if 400 <= error.status < 500 else FAILED)


def pairs(option: str, given: Iterable[str]) -> dict[str, str]:
    """Return `name=value` words as a dict; ends the command where one is not."""
    found: dict[str, str] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name:
            fail(f"{option} {each} is not name=value")
        found[name] = value
    return found


def without_blanks(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body without what was not given."""
    return {name: value for name, value in body.items() if value not in (None, {}, [], ())}
