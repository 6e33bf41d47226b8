"""One Salesloft team, through one turn's client."""

from collections.abc import Sequence

from orchestrator.http.client import VendorClient
from orchestrator.job.criteria import DownloadCriteria, UploadCriteria
from orchestrator.job.errors import Invalid
from orchestrator.providers.objects import resolve
from orchestrator.providers.provider import Check, Query, Source
from orchestrator.providers.salesloft.bulk_jobs import SalesloftBulkJobs
from orchestrator.providers.salesloft.catalog import LISTS, OBJECTS
from orchestrator.providers.salesloft.fields import described
from orchestrator.providers.salesloft.listing import SalesloftJobs
from orchestrator.providers.salesloft.lists import ByPage, ByTime
from orchestrator.providers.salesloft.wire import ME, Me
from orchestrator.providers.schema import FieldType, ObjectType


class Salesloft:
    """The lists and the bulk jobs of one connection."""

    def __init__(self, http: VendorClient) -> None:
        self._http = http

    def check(self) -> Check:
        """Ask who we are; one call."""
        me = ME.read(self._http.get("/v2/me.json"))
        user, team = me.name or me.email, _team(me)
        message = f"Connected to Salesloft as {user or 'an unnamed user'}" + (f" of {team}" if team else "")
        return Check(ok=True, message=message, account=team, user=user)

    def objects(self) -> Sequence[ObjectType]:
        """Return what can be read or written; makes no call."""
        return OBJECTS

    def fields(self, object_name: str) -> Sequence[FieldType]:
        """Return the fields that bulk jobs know the type of; makes no call."""
        return described(resolve(OBJECTS, object_name).name)

    def source(self, criteria: DownloadCriteria) -> Source:
        """Return the list that the criteria ask for, walked by time where it can be."""
        kind = LISTS[criteria.object_name]
        return ByTime(self._http, kind, criteria) if kind.by_time else ByPage(self._http, kind, criteria)

    def query(self, criteria: DownloadCriteria) -> Query:
        """Raise Invalid: Salesloft has lists only."""
        raise Invalid("connection", "Salesloft runs no queries", "Name one of its objects")

    def sink(self, criteria: UploadCriteria) -> SalesloftBulkJobs:
        """Return the bulk jobs of the criteria's type."""
        return SalesloftBulkJobs(self._http, criteria)

    def jobs(self) -> SalesloftJobs:
        """Return the bulk jobs of the team."""
        return SalesloftJobs(self._http)


def _team(me: Me) -> str | None:
    if me.team is None:
        return None
    return me.team.name or (f"team {me.team.id}" if me.team.id is not None else None)
