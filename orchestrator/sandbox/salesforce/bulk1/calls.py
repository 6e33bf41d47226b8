"""The resources of Bulk API 1.0.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/asynch_api_reference_job_api.htm
"""

import gzip
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from orchestrator.sandbox.exchange import Answer, Refused, Request
from orchestrator.sandbox.options import Switches
from orchestrator.sandbox.salesforce.bulk1.batches import Batches
from orchestrator.sandbox.salesforce.bulk1.jobs import BatchJobs, Caller
from orchestrator.sandbox.salesforce.bulk1.kinds import JSON, XML
from orchestrator.sandbox.salesforce.bulk1.speech import No, refusal
from orchestrator.sandbox.salesforce.jobs import Jobs
from orchestrator.sandbox.salesforce.oauth import Sessions
from orchestrator.sandbox.salesforce.quotas import Quotas
from orchestrator.sandbox.salesforce.records import Org
from orchestrator.sandbox.salesforce.rest import LATEST
from orchestrator.sandbox.told import Clock

PREFIX = "/services/async/"
PATH = re.compile(r"/services/async/(?P<version>\d+\.\d)/(?P<rest>.*)")
OLDEST = 31.0

Handle = Callable[[Caller], Answer]


@dataclass(frozen=True, kw_only=True)
class Route:
    """One path below the version, `*` for its changing parts."""

    path: str
    method: str
    handle: Handle

    def names(self, words: Sequence[str]) -> list[str] | None:
        """Return the changing parts of a path; None: another path."""
        pattern = self.path.split("/")
        if len(pattern) != len(words) or any(p not in ("*", w) for p, w in zip(pattern, words, strict=True)):
            return None
        return [word for part, word in zip(pattern, words, strict=True) if part == "*"]


class Calls:
    """Finds out which call is meant, who makes it, and in what it is answered."""

    def __init__(
        self, clock: Clock, switches: Switches, sessions: Sessions, quotas: Quotas, jobs: Jobs, org: Org
    ) -> None:
        self._switches = switches
        self._sessions = sessions
        self._quotas = quotas
        self._jobs = jobs
        mine = BatchJobs(clock, switches, jobs, org)
        self.batches = batches = Batches(clock, switches, mine, org, quotas)
        self._routes = (
            Route(path="job", method="POST", handle=mine.create),
            Route(path="job/*", method="GET", handle=mine.show),
            Route(path="job/*", method="POST", handle=mine.change),
            Route(path="job/*/batch", method="POST", handle=batches.add),
            Route(path="job/*/batch", method="GET", handle=batches.index),
            Route(path="job/*/batch/*", method="GET", handle=batches.show),
            Route(path="job/*/batch/*/request", method="GET", handle=batches.request),
            Route(path="job/*/batch/*/result", method="GET", handle=batches.result),
            Route(path="job/*/batch/*/result/*", method="GET", handle=batches.rows),
        )

    def answer(self, request: Request) -> Answer:
        """Answer one request."""
        media, route = _media(request), "unknown"
        try:
            version, rest = _version(request.path)
            user = self._user(request)
            self._quotas.request()
            self._jobs.settle()
            found, names = self._found(request.method, rest)
            route = f"{request.method} {PREFIX}XX.X/{found.path.replace('*', '{id}')}"
            caller = Caller(
                request=request, body=_unpacked(request), user=user, version=version, names=names, media=media
            )
            answer = found.handle(caller)
        except No as no:
            answer = refusal(no, no.media or media)
        except Refused as error:  # the day's calls are used up: said as REST says it
            answer = error.answer
        return self._dressed(request, replace(answer, cost=1, route=route))

    def _user(self, request: Request) -> str:
        try:
            return self._sessions.check(f"Bearer {request.headers.get('x-sfdc-session', '')}")
        except Refused as error:
            raise No("InvalidSessionId", "Invalid session id") from error

    def _found(self, method: str, rest: str) -> tuple[Route, list[str]]:
        words = rest.removesuffix("/").split("/")
        fits = [(route, names) for route in self._routes if (names := route.names(words)) is not None]
        if not fits:
            raise No("InvalidUrl", "Destination URL not reset. The URL is unknown", 404)
        for route, names in fits:
            if route.method == method:
                return route, names
        raise No("InvalidUrl", f"Method {method} is not allowed here", 405)

    def _dressed(self, request: Request, answer: Answer) -> Answer:
        wanted = "gzip" in request.headers.get("accept-encoding", "")
        if not (self._switches.now.sf_gzip and wanted and answer.body and answer.status < 300):
            return answer
        headers = (*answer.headers, ("Vary", "Accept-Encoding"), ("Content-Encoding", "gzip"))
        return replace(answer, body=gzip.compress(answer.body, compresslevel=1), headers=headers)


def _media(request: Request) -> str:
    """What job calls are answered in: JSON where the caller sends it or asks for it, else XML."""
    asked = request.value("format") == "json" or request.headers.get("content-type", "").startswith(JSON)
    return JSON if asked else XML


def _version(path: str) -> tuple[str, str]:
    match = PATH.fullmatch(path)
    version = float(match["version"]) if match else 0.0
    if match is None or version > LATEST or version % 1:
        raise No("InvalidVersion", "Invalid API version in the URL")
    if version < OLDEST:
        raise No("Gone", "The requested resource is no longer available", 410)
    return match["version"], match["rest"]


def _unpacked(request: Request) -> bytes:
    packing = request.headers.get("content-encoding")
    if packing is None:
        return request.body
    if packing != "gzip":
        raise No("ClientInputError", f"Content-Encoding {packing} is not supported")
    try:
        return gzip.decompress(request.body)
    except (OSError, EOFError) as error:
        raise No("ClientInputError", "The gzip stream is broken") from error
