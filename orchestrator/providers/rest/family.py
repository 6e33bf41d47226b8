"""The family `rest`: any API that lists JSON records, described by the connection's own settings. Reads only."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from orchestrator.http.client import VendorClient
from orchestrator.job.criteria import Criteria, DownloadCriteria, UploadCriteria
from orchestrator.job.errors import Invalid
from orchestrator.job.step import StepKind, Successor
from orchestrator.providers.job_list import JobList
from orchestrator.providers.objects import resolve
from orchestrator.providers.provider import Check, Family, Query, Sink, Source
from orchestrator.providers.rest.estimate import estimate
from orchestrator.providers.rest.headers import news
from orchestrator.providers.rest.source import RestSource
from orchestrator.providers.rest.wire import completed, read
from orchestrator.providers.schema import FieldType, ObjectType

NAME = "rest"
WORDS = ("detail", "message", "error_description", "error", "title", "errors")  # where APIs put their reasons


class RestProvider:
    """One REST connection, through one turn's client."""

    def __init__(self, client: VendorClient, settings: Mapping[str, Any]) -> None:
        self._client = client
        self._settings = read(settings)

    def check(self) -> Check:
        """Make one GET; what comes back is not looked at, only that it does."""
        path = self._settings.check_path or next(iter(self._settings.resources.values())).path
        response = self._client.get(path)
        return Check(ok=True, message=f"{path} answers with {response.status_code}")

    def objects(self) -> Sequence[ObjectType]:
        """Return the lists that the settings name; makes no call."""
        return objects(self._settings.model_dump(mode="json", by_alias=True))

    def fields(self, object_name: str) -> Sequence[FieldType]:
        """Raise Invalid: the settings of a list say nothing of its records."""
        name = resolve(self.objects(), object_name).name
        problem = f"nobody describes the records of {name}"
        advice = "Read one: `bulkhead download` with `--limit 1` shows its fields."
        raise Invalid("object", problem, advice, code="not_described")

    def source(self, criteria: DownloadCriteria) -> Source:
        """Return the list of the resource."""
        return RestSource(self._client, self._settings.resources[criteria.object_name], criteria)

    def query(self, criteria: DownloadCriteria) -> Query:
        """Raise Invalid: this family has lists only."""
        raise Invalid("connection", "a REST connection runs no queries", "Name one of its resources")

    def sink(self, criteria: UploadCriteria) -> Sink:
        """Raise Invalid: this family only reads."""
        raise _reads_only()

    def jobs(self) -> JobList:
        """Raise Invalid: this family runs no jobs."""
        raise Invalid("connection", "a REST API runs no jobs", "Ask a provider that does.", code="no_vendor_jobs")


def objects(settings: Mapping[str, Any]) -> Sequence[ObjectType]:
    """Return one object per resource."""
    return [ObjectType(name=name, label=name, plural=name) for name in read(settings).resources]


def check_criteria(criteria: Criteria, settings: Mapping[str, Any]) -> Criteria:
    """Return the criteria with the resource's own spelling; raises Invalid."""
    if isinstance(criteria, UploadCriteria):
        raise _reads_only()
    return replace(criteria, object_name=resolve(objects(settings), criteria.object_name).name)


def first_steps(criteria: Criteria, settings: Mapping[str, Any]) -> Sequence[Successor]:
    """Return the one fetch step: such a list has one cursor."""
    return [Successor(kind=StepKind.FETCH)]


def refusal(status: int, body: bytes) -> str:
    """Return the reason that the answer gives, wherever APIs usually put it; else the status alone."""
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return f"status {status}"
    if isinstance(said, list) and said:
        said = said[0]
    told = next((said[word] for word in WORDS if said.get(word)), None) if isinstance(said, dict) else said
    if isinstance(told, dict):
        told = told.get("message", told)
    return told if isinstance(told, str) else msgspec.json.encode(told).decode() if told else f"status {status}"


def _reads_only() -> Invalid:
    return Invalid("connection", "a REST connection only reads", "Upload through a provider that has a bulk upload")


REST = Family(
    name=NAME,
    default_base_url=None,
    default_token_url=None,
    default_limits=(),
    credential_types=frozenset({"none", "bearer", "basic", "api_key", "oauth2_refresh", "oauth2_client"}),
    objects=objects,
    check_settings=completed,
    check_criteria=check_criteria,
    first_steps=first_steps,
    news=news,
    refusal=refusal,
    make=RestProvider,
    id_field=lambda name, settings: read(settings).resources[name].paging.key,
    estimate=estimate,
)
