"""One Salesforce org: who may call, at what price, in which version, and which call is meant."""

import gzip
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from orchestrator.sandbox.exchange import Answer, Refused, Request
from orchestrator.sandbox.options import Switches
from orchestrator.sandbox.salesforce.bulk1.calls import PREFIX, Calls
from orchestrator.sandbox.salesforce.call import Call
from orchestrator.sandbox.salesforce.ingest import Ingest
from orchestrator.sandbox.salesforce.jobs import Jobs
from orchestrator.sandbox.salesforce.oauth import Sessions
from orchestrator.sandbox.salesforce.queries import Queries
from orchestrator.sandbox.salesforce.quotas import Quotas
from orchestrator.sandbox.salesforce.records import Org
from orchestrator.sandbox.salesforce.refusals import SPOKEN, missing, refused, wrong_verb
from orchestrator.sandbox.salesforce.rest import LATEST, OLDEST, Rest
from orchestrator.sandbox.salesforce.seeding import foreign, plant, plant_job, seed, setup, shown_record
from orchestrator.sandbox.told import Clock

VERSIONED = re.compile(r"/services/data/v(?P<version>\d+\.0)(?P<rest>/.*)?")
INGEST_SINCE, QUERY_SINCE = 41, 47
CSV = "text/csv"
Handle = Callable[[Call], Answer]


@dataclass(frozen=True, kw_only=True)
class Route:
    """One path below the version, `*` for its changing part, and what answers its methods."""

    path: str
    since: int
    handles: Mapping[str, Handle]


class Salesforce:
    """The imitated vendor."""

    prefixes: tuple[str, ...] = ("/services/", "/id/")
    spoken: Mapping[int, str] = SPOKEN

    def __init__(self, clock: Clock, switches: Switches) -> None:
        self._clock = clock
        self._switches = switches
        self.sessions = Sessions(clock, switches)
        self.org = Org(clock)
        self.quotas = Quotas(clock, switches)
        self.jobs = Jobs(clock, switches)
        self.ingest = Ingest(clock, switches, self.jobs, self.org, self.quotas)
        self.queries = Queries(clock, switches, self.jobs, self.org, self.quotas)
        self.bulk1 = Calls(clock, switches, self.sessions, self.quotas, self.jobs, self.org)
        self.rest = Rest(clock, switches, self.org, self.quotas)
        self._routes = self._table()
        self._seed()

    def _seed(self) -> None:
        options, user = self._switches.now, self.sessions.user()
        setup(self.org, user, options.sf_username)
        counts = {"Account": options.sf_accounts, "Contact": options.sf_contacts}
        for name, count in (counts | {"Lead": options.sf_others, "Task": options.sf_others}).items():
            seed(self.org, name, count, user)
        for number in range(options.sf_foreign_jobs):
            self.plant_job(foreign(number))

    def add(
        self,
        objects: Mapping[str, int],
        records: Mapping[str, Sequence[Mapping[str, Any]]],
        jobs: Sequence[Mapping[str, Any]],
    ) -> list[str]:
        """Add records, and jobs of somebody else; return the ids of the jobs. KeyError: an unknown object or field."""
        user = self.sessions.user()
        for name, count in objects.items():
            seed(self.org, name, count, user)
        for name, given in records.items():
            for fields in given:
                plant(self.org, self.org.tables[name.lower()], fields, user)
        return [self.plant_job(fields) for fields in jobs]

    def records(self, name: str) -> list[dict[str, str | None]] | None:
        """Return every record of an object, those in the bin too; None: there is no such object."""
        self.jobs.settle()
        table = self.org.table(name)
        return None if table is None else [shown_record(table, record) for record in table.all(deleted=True)]

    def plant_job(self, fields: Mapping[str, Any]) -> str:
        """Add a job of somebody else; return its id."""
        user = self.sessions.user(str(fields.get("user", "loader")))
        return plant_job(self.jobs, user, self._clock.now(), fields).id

    def _table(self) -> tuple[Route, ...]:
        ingest, queries, rest = self.ingest, self.queries, self.rest
        results, since = {"GET": ingest.results}, INGEST_SINCE
        return (
            Route(path="", since=OLDEST, handles={"GET": rest.resources}),
            Route(path="limits", since=OLDEST, handles={"GET": rest.limits}),
            Route(path="sobjects", since=OLDEST, handles={"GET": rest.objects}),
            Route(path="sobjects/*", since=OLDEST, handles={"GET": rest.basics}),
            Route(path="sobjects/*/describe", since=OLDEST, handles={"GET": rest.describe}),
            Route(path="query", since=OLDEST, handles={"GET": rest.query}),
            Route(path="queryall", since=OLDEST, handles={"GET": rest.query}),
            Route(path="query/*", since=OLDEST, handles={"GET": rest.more}),
            Route(path="jobs/ingest", since=since, handles={"GET": self.jobs.index, "POST": ingest.create}),
            Route(
                path="jobs/ingest/*",
                since=since,
                handles={"GET": ingest.show, "PATCH": ingest.change, "DELETE": ingest.delete},
            ),
            Route(path="jobs/ingest/*/batches", since=since, handles={"PUT": ingest.fill}),
            Route(path="jobs/ingest/*/successfulresults", since=since, handles=results),
            Route(path="jobs/ingest/*/failedresults", since=since, handles=results),
            Route(path="jobs/ingest/*/unprocessedrecords", since=since, handles=results),
            Route(path="jobs/query", since=QUERY_SINCE, handles={"GET": self.jobs.index, "POST": queries.create}),
            Route(
                path="jobs/query/*",
                since=QUERY_SINCE,
                handles={"GET": queries.show, "PATCH": queries.change, "DELETE": queries.delete},
            ),
            Route(path="jobs/query/*/results", since=QUERY_SINCE, handles={"GET": queries.results}),
            Route(path="jobs/query/*/resultpages", since=QUERY_SINCE, handles={"GET": queries.pages}),
        )

    def answer(self, request: Request) -> Answer:
        """Answer one request, whatever it is."""
        path = request.path.removesuffix("/")
        try:
            if "//" in request.path:
                raise missing()
            if path.startswith(("/services/oauth2/", "/id/")):
                return replace(self._identified(request, path), route=f"{request.method} {_identity(path)}")
            if path.startswith(PREFIX):
                return self.bulk1.answer(request)
            if path == "/services/data":
                return replace(self.rest.versions(), route="GET /services/data")
            user = self.sessions.check(request.headers.get("authorization", ""))
            info = self.quotas.request()
        except Refused as refusal:
            return replace(refusal.answer, route="refused")
        return self._metered(request, path, user, info)

    def _identified(self, request: Request, path: str) -> Answer:
        handles: dict[tuple[str, str], Callable[[Request], Answer]] = {
            ("POST", "/services/oauth2/token"): self.sessions.answer,
            ("POST", "/services/oauth2/revoke"): self.sessions.revoked,
        }
        if handle := handles.get((request.method, path)):
            return handle(request)
        if path == "/services/oauth2/userinfo" or path.startswith("/id/"):
            return self.sessions.identity(request, path)
        raise missing()

    def _metered(self, request: Request, path: str, user: str, info: str) -> Answer:
        self.jobs.settle()
        route = "unknown"
        try:
            version, rest = _version(path)
            found, name = self._found(rest, version)
            route = f"{request.method} {_shown(found)}"
            handle = found.handles.get(request.method)
            if handle is None:
                raise wrong_verb(request.method, list(found.handles))
            last = found.path.rpartition("/")[2]
            answer = handle(Call(request=request, version=f"{version}.0", user=user, name=name, last=last))
        except Refused as refusal:
            answer = refusal.answer
        answer = replace(answer, headers=(*answer.headers, ("Sforce-Limit-Info", info)), cost=1, route=route)
        return self._dressed(request, answer) if answer.media == CSV and answer.body else answer

    def _dressed(self, request: Request, answer: Answer) -> Answer:
        """A CSV answer with what else results sometimes have: a NUL, a packing."""
        options, body = self._switches.now, answer.body
        if options.sf_nul and body.endswith(b'"\n'):
            body = body[:-2] + b'\0"\n'
        headers = [*answer.headers, ("Vary", "Accept-Encoding")]
        if options.sf_gzip and "gzip" in request.headers.get("accept-encoding", ""):
            body = gzip.compress(body, compresslevel=1)
            headers.append(("Content-Encoding", "gzip"))
        return replace(answer, body=body, headers=headers)

    def _found(self, rest: str, version: int) -> tuple[Route, str]:
        """The route of a path and its changing part; words are matched in any case."""
        words = rest.split("/")
        for route in self._routes:
            pattern = route.path.split("/")
            fits = len(pattern) == len(words) and all(
                part in ("*", word.lower()) for part, word in zip(pattern, words, strict=True)
            )
            if fits and version >= route.since:
                return route, next((word for part, word in zip(pattern, words, strict=True) if part == "*"), "")
        raise missing()

    def eat(self, points: int) -> None:
        """Spend requests of the day as another integration would."""
        self.quotas.api.eat(points)

    def stats(self) -> dict[str, Any]:
        """Return what the vendor counted."""
        self.jobs.settle()
        return {
            "refusals": self.quotas.api.refusals,
            "refreshes": self.sessions.refreshes,
            "grants": self.sessions.grants,
            "records": {table.thing.name: len(table.rows) for table in self.org.tables.values()},
            "deleted": {table.thing.name: len(table.bin) for table in self.org.tables.values() if table.bin},
            "jobs": self.jobs.stats(),
            "ingest": self.ingest.stats(),
            "query": self.queries.stats(),
            "bulk1": self.bulk1.batches.stats(),
        }


def _version(path: str) -> tuple[int, str]:
    match = VERSIONED.fullmatch(path)
    version = int(float(match["version"])) if match else LATEST + 1
    if match is None or version > LATEST:
        raise missing()
    if version < OLDEST:
        raise refused(410, "GONE", "The requested resource no longer exists")
    return version, (match["rest"] or "").removeprefix("/")


def _identity(path: str) -> str:
    return "/id/{org}/{user}" if path.startswith("/id/") else path


def _shown(route: Route) -> str:
    return "/services/data/vXX.X/" + route.path.replace("*", "{id}")
