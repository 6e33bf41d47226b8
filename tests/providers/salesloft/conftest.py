"""A Salesloft team of our own: the sandbox on a free port, and one turn's real client that counts what it spends."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import msgspec
import pytest

from orchestrator.clock import WallClock
from orchestrator.http.auth import StaticKeeper, bearer, request_token
from orchestrator.http.client import VendorClient
from orchestrator.http.lender import Lender
from orchestrator.http.pool import ClientPool
from orchestrator.http.purse import Purse
from orchestrator.http.tokens import Auth, TokenKeeper
from orchestrator.http.transport import Manners
from orchestrator.job.criteria import DownloadCriteria, Operation, UploadCriteria
from orchestrator.job.step import Cursor
from orchestrator.limits.limit import Seed
from orchestrator.limits.memory import MemoryLimiter
from orchestrator.providers.provider import Page
from orchestrator.providers.salesloft import SALESLOFT
from orchestrator.providers.salesloft.bulk_jobs import SalesloftBulkJobs
from orchestrator.providers.salesloft.provider import Salesloft
from orchestrator.sandbox.faults import Fault, Match
from orchestrator.sandbox.options import Options
from orchestrator.sandbox.server import Running, running

MANNERS = Manners(provider="salesloft", news=SALESLOFT.news, refusal=SALESLOFT.refusal)


class CountingPurse(Purse):
    """A purse that remembers the price of each call."""

    def __init__(self, lender: Lender, prefix: str) -> None:
        super().__init__(lender, prefix)
        self.costs: list[int] = []

    def spend(self, cost: int = 1) -> None:
        super().spend(cost)
        self.costs.append(cost)


class Team:
    """One team at the sandbox, as one turn sees it."""

    def __init__(self, sandbox: Running, pool: ClientPool, keeper: TokenKeeper) -> None:
        self.url = sandbox.url
        self.world = sandbox.world
        lender = Lender(
            provider="salesloft",
            limiter=MemoryLimiter(WallClock()),
            budget="team",
            limits=(),
            cap=1,
            reserve_calls=None,
            seed=Seed,
            may_send=lambda: True,
        )
        self.purse = CountingPurse(lender, "1:1")
        http = pool.client(connection_id=1, base_url=sandbox.url, version=1, manners=MANNERS)
        self.http = VendorClient(http, provider="salesloft", purse=self.purse, keeper=keeper)
        self.provider = Salesloft(self.http)

    def orders(
        self, path: str, *, method: str | None = None, times: int | None = 1, after: int = 0, **fault: Any
    ) -> None:
        """Order a fault for requests to come."""
        self.world.order(Fault(**fault), Match(method=method, path=path), times=times, after=after)

    def requests(self) -> list[tuple[str, str]]:
        """Every request the vendor saw: method, path and query."""
        return [(entry.method, entry.target) for entry in self.world.ledger.log(0, 100_000)]

    def points(self) -> int:
        """The points the vendor charged."""
        return sum(entry.cost for entry in self.world.ledger.log(0, 100_000))

    def records(self, path: str = "people") -> dict[int, Mapping[str, Any]]:
        """Every record of a list, as the vendor has it now."""
        return {id_: row.record() for id_, row in self.world.salesloft.tables[path].rows.items()}

    def put(self, record: Mapping[str, Any], at: int, path: str = "people") -> None:
        """Store a record that changed at an instant, in microseconds since 1970."""
        with self.world.lock:
            self.world.salesloft.tables[path].put(dict(record), at, at)

    def sink(self, **criteria: Any) -> SalesloftBulkJobs:
        """The bulk jobs of an upload of people."""
        return self.provider.sink(upload(**criteria))

    def pages(self, cursor: Cursor | None = None, *, room: int | None = None, **criteria: Any) -> list[Page]:
        """Everything after a cursor, in one go."""
        source = self.provider.source(download(**criteria))
        return list(source.pages(cursor or {}, lambda: True, room))


def download(**criteria: Any) -> DownloadCriteria:
    """Checked criteria of a download; of people, unless said otherwise."""
    checked = SALESLOFT.check_criteria(DownloadCriteria(**{"object_name": "people", **criteria}), {})
    assert isinstance(checked, DownloadCriteria)
    return checked


def upload(**criteria: Any) -> UploadCriteria:
    """Checked criteria of an upload; an upsert of people, unless said otherwise."""
    given = {"object_name": "person", "operation": Operation.UPSERT, "external_id_field": "email_address", **criteria}
    if given["operation"] != Operation.UPSERT:
        given["external_id_field"] = None
    checked = SALESLOFT.check_criteria(UploadCriteria(**given), {})
    assert isinstance(checked, UploadCriteria)
    return checked


def stored(pages: Sequence[Page]) -> list[dict[str, Any]]:
    """The records of the pages, in order."""
    return [msgspec.json.decode(line) for page in pages for line in bytes(page.body).splitlines()]


def ids(pages: Sequence[Page]) -> list[int]:
    """The ids of the pages' records, in order."""
    return [record["id"] for record in stored(pages)]


Teams = Callable[..., Team]


@pytest.fixture
def teams() -> Iterator[Teams]:
    """Make teams, each at a sandbox of its own, with the options given."""
    with ExitStack() as stack:

        def make(keeper: TokenKeeper | None = None, **options: Any) -> Team:
            sandbox = stack.enter_context(running(Options(**{"rate": 0, "speed": 0, **options})))
            pool = ClientPool(allow=["127.0.0.0/8"])
            stack.callback(pool.close)
            token = {"type": "bearer", "token": "sandbox-token"}
            team = Team(sandbox, pool, keeper or StaticKeeper("salesloft", token))
            stack.callback(team.http.close)
            return team

        yield make


@pytest.fixture
def team(teams: Teams) -> Team:
    """A team with 250 people."""
    return teams()


class RotatingKeeper:
    """Keeps a pair of tokens that rotates, for one turn alone."""

    def __init__(self, team_url: Callable[[], str], pool: ClientPool) -> None:
        self._team_url = team_url
        self._pool = pool
        self._token = "sandbox-token"
        self._refresh_token = "sandbox-refresh"
        self.version = 1

    def current(self) -> Auth:
        return Auth(version=self.version, headers=bearer(self._token))

    def refresh(self, seen_version: int) -> None:
        if seen_version < self.version:
            return
        credentials = {
            "type": "oauth2_refresh",
            "clientId": "sandbox-client",
            "clientSecret": "sandbox-secret",
            "refreshToken": self._refresh_token,
        }
        http = self._pool.token_client()
        pair = request_token(http, f"{self._team_url()}/oauth/token", credentials, provider="salesloft")
        self._token, self._refresh_token = pair.access_token, pair.refresh_token or self._refresh_token
        self.version += 1


@pytest.fixture
def rotating(teams: Teams) -> Iterator[tuple[Team, RotatingKeeper]]:
    """A team whose tokens rotate, and who keeps them."""
    pool = ClientPool(allow=["127.0.0.0/8"])
    found: list[Team] = []
    keeper = RotatingKeeper(lambda: found[0].url, pool)
    found.append(teams(keeper))
    yield found[0], keeper
    pool.close()
