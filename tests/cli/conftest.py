"""The `bulkhead` command against a running API, with a home folder that `up` might have written."""

import io
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.cli.main import main
from orchestrator.sandbox.options import Options
from orchestrator.sandbox.server import Running, running
from orchestrator.store.engine import Database
from tests.api.kit import Served, served
from tests.conftest import TimeTold
from tests.lifecycle.workshop import Workshop


@dataclass(frozen=True)
class Ran:
    """What one command did."""

    code: int
    out: str
    err: str


Command = Callable[..., Ran]


def run(*words: str) -> Ran:
    """Run the command in this process."""
    binary = io.BytesIO()
    out, err = io.TextIOWrapper(binary, encoding="utf-8", write_through=True), io.StringIO()
    code = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main(words)
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Ran(code, binary.getvalue().decode(), err.getvalue())


@pytest.fixture(scope="session")
def vendor() -> Iterator[Running]:
    """A sandbox for all tests of the command line."""
    with running(Options(people=0, rest_records=1_000, rate=0, speed=0)) as sandbox:
        yield sandbox


@pytest.fixture
def api(sqlite_template: Path, tmp_path: Path, time_told: TimeTold, vendor: Running) -> Iterator[Served]:
    """A running API, whose steps take their turns while a command waits."""
    path = tmp_path / "bulkhead.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}", clock_shift=time_told)
    workshop = Workshop(database, time_told, vendor)
    with served(workshop) as api:
        yield api
    workshop.close()
    database.dispose()


@pytest.fixture
def working(api: Served) -> Iterator[None]:
    """A worker that takes every step that is due while the test lasts."""
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(0.05):
            api.workshop.round()

    worker = threading.Thread(target=work)
    worker.start()
    yield
    ended.set()
    worker.join()


@pytest.fixture
def bulkhead(api: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command, with the API's address and key in its home folder."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "url").write_text(f"{api.url}\n")
    (home / "api-key").write_text(f"{api.key}\n")
    monkeypatch.setenv("BULKHEAD_HOME", str(home))
    monkeypatch.setenv("BULKHEAD_DATABASE_URL", str(api.workshop.database.url))
    monkeypatch.delenv("BULKHEAD_URL", raising=False)
    monkeypatch.delenv("BULKHEAD_API_KEY", raising=False)
    return run


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a person types; with nothing in it nobody is there."""
    lines: list[str] = []

    class Keyboard(io.StringIO):
        def readline(self, size: int = -1, /) -> str:
            return lines.pop(0) if lines else ""

    monkeypatch.setattr("sys.stdin", Keyboard())
    return lines
