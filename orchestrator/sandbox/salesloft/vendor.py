"""One Salesloft team: who may call, at what price, and which call is meant."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import ceil
from typing import Any

from orchestrator.sandbox.exchange import Answer, Refused, Request, as_json
from orchestrator.sandbox.faults import SPOKEN
from orchestrator.sandbox.limiter import Limiter, Rule, Verdict
from orchestrator.sandbox.options import Switches
from orchestrator.sandbox.salesloft.bulk import BulkJobs
from orchestrator.sandbox.salesloft.catalogue import CATALOGUE
from orchestrator.sandbox.salesloft.lists import cost, listed, one
from orchestrator.sandbox.salesloft.oauth import Tokens
from orchestrator.sandbox.salesloft.refusals import missing
from orchestrator.sandbox.salesloft.seeding import seed
from orchestrator.sandbox.salesloft.table import Table
from orchestrator.sandbox.salesloft.upserts import Upserts
from orchestrator.sandbox.told import Clock

Call = Callable[[Request], Answer]
BULK = re.compile(r"/v2/bulk_jobs(?:/(?P<id>\d+)(?:/(?P<part>job_data|results))?)?")
LIST = re.compile(r"/v2/(?P<path>[a-z_/]+?)(?:/(?P<id>\d+))?(?:\.json)?")
TEAM = {"id": 1, "name": "Sandbox team", "_href": "/v2/team"}
ME = {"id": 1, "guid": "sandbox-user", "name": "Sandbox User", "email": "user-1@team.test", "active": True}


class Salesloft:
    """The imitated vendor."""

    prefixes: tuple[str, ...] = ("/v2/", "/oauth/")
    spoken: Mapping[int, str] = SPOKEN

    def __init__(self, clock: Clock, switches: Switches) -> None:
        self._switches = switches
        self.tables: Mapping[str, Table] = {path: Table(spec.unique) for path, spec in CATALOGUE.items()}
        self.tokens = Tokens(clock, switches)
        self.limiter = Limiter(clock)
        self.bulk = BulkJobs(clock, switches, Upserts(clock, self.tables))
        self._seed()

    def _seed(self) -> None:
        options = self._switches.now
        counts = {"people": options.people, "accounts": options.accounts}
        for path, table in self.tables.items():
            seed(table, path, counts.get(path, options.others), ties=options.ties, mixed=options.mixed_times)

    def answer(self, request: Request) -> Answer:
        """Answer one request, whatever it is."""
        try:
            if request.path == "/oauth/token" and request.method == "POST":
                return replace(self.tokens.answer(request), route="POST /oauth/token")
            self.tokens.check(request.headers.get("authorization", ""))
        except Refused as refusal:
            return replace(refusal.answer, route="refused")
        return self._metered(request)

    def _metered(self, request: Request) -> Answer:
        """Answer a request of a known caller, if the team's points allow it."""
        options, points = self._switches.now, cost(request)
        rule = Rule(amount=options.rate, seconds=options.window, sliding=options.sliding)
        verdict = self.limiter.take(points, rule)
        headers = self._headers(points, verdict)
        if not verdict.granted:
            return _refused(verdict, headers, told=options.retry_after)
        self.bulk.settle()
        route, call = self._route(request)
        try:
            answer = call(request)
        except Refused as refusal:
            answer = refusal.answer
        return replace(answer, headers=(*answer.headers, *headers), cost=points, route=f"{request.method} {route}")

    def _headers(self, points: int, verdict: Verdict) -> list[tuple[str, str]]:
        options, headers = self._switches.now, [("x-ratelimit-endpoint-cost", str(points))]
        if options.rate:
            headers.append(("x-ratelimit-remaining-minute", str(verdict.remaining)))
        if options.limit_header:
            headers.append(("x-ratelimit-limit-minute", str(options.rate)))
        return headers

    def _route(self, request: Request) -> tuple[str, Call]:
        if match := BULK.fullmatch(request.path):
            return self._bulk_call(request.method, match["id"], match["part"])
        match = LIST.fullmatch(request.path)
        if match and request.method == "GET":
            return self._list_call(match["path"], match["id"])
        return "unknown", _unknown

    def _bulk_call(self, method: str, job_id: str | None, part: str | None) -> tuple[str, Call]:
        calls: dict[tuple[str, str | None], Callable[[Request, int], Answer]] = {
            ("GET", None): self.bulk.show,
            ("PUT", None): self.bulk.update,
            ("GET", "job_data"): self.bulk.job_data,
            ("POST", "job_data"): self.bulk.fill,
            ("GET", "results"): self.bulk.results,
        }
        if job_id is None:
            calls_of_all = {"GET": self.bulk.index, "POST": self.bulk.create}
            return "/v2/bulk_jobs", calls_of_all.get(method, _unknown)
        call = calls.get((method, part))
        route = "/v2/bulk_jobs/{id}" + (f"/{part}" if part else "")
        return route, (lambda request: call(request, int(job_id))) if call else _unknown

    def _list_call(self, path: str, record_id: str | None) -> tuple[str, Call]:
        if path in ("me", "team") and record_id is None:
            body = TEAM if path == "team" else ME | {"team": TEAM}
            return f"/v2/{path}", lambda _: as_json({"data": body})
        if path not in CATALOGUE:
            return "unknown", _unknown
        spec, table = CATALOGUE[path], self.tables[path]
        if record_id is None:
            return f"/v2/{path}", lambda request: listed(spec, table, request)
        return f"/v2/{path}/{{id}}", lambda _: one(table, int(record_id))

    def eat(self, points: int) -> None:
        """Spend points as another integration of the team would."""
        self.limiter.eat(points)

    def stats(self) -> dict[str, Any]:
        """Return what the vendor counted."""
        self.bulk.settle()
        return {
            "refusals": self.limiter.refusals,
            "refreshes": self.tokens.refreshes,
            "records": {path: len(table.rows) for path, table in self.tables.items()},
            "bulk": self.bulk.stats(),
        }


def _unknown(_: Request) -> Answer:
    raise missing()


def _refused(verdict: Verdict, headers: list[tuple[str, str]], *, told: bool) -> Answer:
    """The vendor documents the status alone; the body is not JSON, so that nobody relies on one."""
    pause = [("retry-after", str(ceil(verdict.wait)))] if told else []
    return Answer(status=429, body=b"Retry later\n", media="text/plain", headers=(*headers, *pause), route="refused")
