"""One Salesforce org, through one turn's client."""

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.http.client import VendorClient
from orchestrator.job.criteria import DownloadCriteria, UploadCriteria
from orchestrator.job.errors import Rejected, Unauthorized
from orchestrator.providers.check import Allowance
from orchestrator.providers.provider import Check, Source
from orchestrator.providers.salesforce import describe, soql
from orchestrator.providers.salesforce.answers import API_REQUESTS, BULK_QUERIES
from orchestrator.providers.salesforce.bulk1.choice import CLASSIC
from orchestrator.providers.salesforce.bulk1.query import AsyncQuery
from orchestrator.providers.salesforce.bulk1.sink import AsyncSink
from orchestrator.providers.salesforce.describe import Describer
from orchestrator.providers.salesforce.ingest import SalesforceIngest
from orchestrator.providers.salesforce.listing import SalesforceJobs
from orchestrator.providers.salesforce.query import SalesforceQuery
from orchestrator.providers.salesforce.rest import RestQuery
from orchestrator.providers.salesforce.settings import async_path, base_path
from orchestrator.providers.salesforce.wire import JSON, Identity, Left, Records, read
from orchestrator.providers.schema import FieldType, ObjectType

ALLOWANCES: Mapping[str, str] = {
    "DailyApiRequests": API_REQUESTS.name,
    "DailyBulkV2QueryJobs": BULK_QUERIES,
    "DailyBulkV2QueryFileStorageMB": "bulk_query_megabytes",
    "DailyBulkApiBatches": "bulk_batches",
}
ORGANIZATION = "SELECT Name, IsSandbox FROM Organization"


class Salesforce:
    """The query and ingest jobs of one connection."""

    def __init__(self, http: VendorClient, settings: Mapping[str, Any]) -> None:
        self._http = http
        self._base = base_path(settings)
        self._async_base = async_path(settings)
        self._describer = Describer(http, self._base)

    def check(self) -> Check:
        """Ask who we are, in which org, and what is left of its day; three calls."""
        me = read(self._http.get("/services/oauth2/userinfo", headers=JSON), Identity)
        found = read(self._http.get(f"{self._base}/query", params={"q": ORGANIZATION}, headers=JSON), Records).records
        org = found[0] if found else {}
        name, user = str(org.get("Name") or me.organization_id), me.preferred_username or me.name or me.user_id
        environment = "sandbox" if org.get("IsSandbox") else "production"
        message = f"Connected to the {environment} org {name} as {user}"
        return Check(
            ok=True,
            message=message,
            account=name,
            user=user,
            environment=environment,
            allowances=self._allowances(),
        )

    def _allowances(self) -> Sequence[Allowance]:
        """Return what is left of the limits that our jobs draw on; () where our user may not see them.

        https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_limits.htm
        """
        try:
            told = read(self._http.get(f"{self._base}/limits", headers=JSON), dict[str, Left])
        except Unauthorized:
            raise
        except Rejected:
            return ()
        return [
            Allowance(name=ours, limit=told[theirs].max, remaining=told[theirs].remaining)
            for theirs, ours in ALLOWANCES.items()
            if theirs in told
        ]

    def objects(self) -> Sequence[ObjectType]:
        """Return the org's objects; one call."""
        return describe.objects(self._http, self._base)

    def fields(self, object_name: str) -> Sequence[FieldType]:
        """Return the fields of an object; one call, and a second one where there is no such object."""
        name = soql.check_object(object_name)
        return [describe.shown(field) for field in self._describer.of(name).fields]

    def source(self, criteria: DownloadCriteria) -> Source:
        """Return the list that plain REST queries give."""
        return RestQuery(self._http, self._base, criteria, self._describer)

    def query(self, criteria: DownloadCriteria) -> SalesforceQuery:
        """Return the query that the criteria ask for."""
        if criteria.bulk_api == CLASSIC:
            return AsyncQuery(self._http, self._base, self._async_base, criteria, self._describer)
        return SalesforceQuery(self._http, self._base, criteria, self._describer)

    def sink(self, criteria: UploadCriteria) -> SalesforceIngest | AsyncSink:
        """Return the ingest jobs of the criteria's operation."""
        if criteria.bulk_api == CLASSIC:
            return AsyncSink(self._http, self._base, self._async_base, criteria)
        return SalesforceIngest(self._http, self._base, criteria)

    def jobs(self) -> SalesforceJobs:
        """Return the jobs of the org."""
        return SalesforceJobs(self._http, self._base, self._async_base)
