"""Salesforce as a family: its defaults, and what can be known of criteria without a call."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from orchestrator.http.client import VendorClient
from orchestrator.job.criteria import Criteria, DownloadCriteria, Operation, UploadCriteria
from orchestrator.job.errors import Invalid
from orchestrator.job.step import StepKind, Successor
from orchestrator.providers.provider import Family, Provider
from orchestrator.providers.salesforce import soql
from orchestrator.providers.salesforce.addresses import address
from orchestrator.providers.salesforce.answers import API_REQUESTS, CONCURRENT, dress, is_stale, later, news, refusal
from orchestrator.providers.salesforce.bulk1.choice import choose
from orchestrator.providers.salesforce.estimate import estimate, upload_calls
from orchestrator.providers.salesforce.provider import Salesforce
from orchestrator.providers.salesforce.query import LARGEST_SET, SET_ROWS
from orchestrator.providers.salesforce.rest import WHY
from orchestrator.providers.salesforce.rows import REMOVALS
from orchestrator.providers.salesforce.settings import DEFAULT_VERSION, check_settings, token_age, token_url
from orchestrator.providers.schema import ObjectType

ASSIGNED = frozenset({"case", "lead"})
ASSIGNS_FROM = 49.0  # API version
RULE = re.compile(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?")
BUILT = ("auto", "1.0", "2.0")  # ways to read and write that are there
REST = "rest"  # plain queries, for downloads


def check_criteria(criteria: Criteria, settings: Mapping[str, Any]) -> Criteria:
    """Return the criteria completed. Makes no call; raises Invalid. Whether an object exists is found out later."""
    built = (*BUILT, REST) if isinstance(criteria, DownloadCriteria) else BUILT
    if criteria.bulk_api is not None and criteria.bulk_api not in built:
        raise Invalid("bulkApi", f"{criteria.bulk_api} is not built yet", "Use 2.0.", code="not_available_yet")
    if isinstance(criteria, DownloadCriteria):
        return _download(choose(criteria))
    chosen = choose(criteria)
    _check_assignment(chosen, str(settings.get("apiVersion", DEFAULT_VERSION)))
    return _upload(chosen)


def first_steps(criteria: Criteria, settings: Mapping[str, Any]) -> Sequence[Successor]:
    """Return the step a job starts with: a query is started, an upload is cut into chunks first."""
    if isinstance(criteria, DownloadCriteria):
        if criteria.bulk_api == REST:
            why = "asked_for" if soql.not_in_bulk(criteria.soql or "") is None else "not_in_bulk"
            return (Successor(kind=StepKind.FETCH, cursor={WHY: why}),)
        return (Successor(kind=StepKind.CREATE, vendor_seq=1),)
    return (Successor(kind=StepKind.SPLIT),)


def objects(settings: Mapping[str, Any]) -> Sequence[ObjectType]:
    """Return none: each org has its own, and only a call can tell them."""
    return ()


def _download(criteria: DownloadCriteria) -> DownloadCriteria:
    for name in criteria.query:
        raise Invalid(f"query.{name}", "a query has no parameters", "Use selectFields, from, to or soql.")
    name = soql.check_object(criteria.object_name) if criteria.soql is None else soql.object_of(criteria.soql)
    for field in criteria.select_fields or ():
        soql.check_field(field, "selectFields")
    if criteria.filter_date_field is not None:
        soql.check_field(criteria.filter_date_field, "filterDateField")
    size = min(criteria.page_size or SET_ROWS, LARGEST_SET)
    partitions = 1 if criteria.page_size is not None else criteria.partitions  # sets of a size are read one by one
    way = _way(criteria)
    return replace(criteria, object_name=name, page_size=size, partitions=partitions, bulk_api=way)


def _way(criteria: DownloadCriteria) -> str | None:
    """Return how the query is to be read: by REST alone where its text tells that Bulk cannot."""
    what = None if criteria.soql is None else soql.not_in_bulk(criteria.soql)
    if what is None or criteria.bulk_api == REST:
        return criteria.bulk_api
    if criteria.bulk_api in (None, "auto"):
        return REST
    raise Invalid("soql", f"a bulk query has no {what}", "Leave bulkApi out, and it is read by REST.")


def _upload(criteria: UploadCriteria) -> UploadCriteria:
    name = soql.check_object(criteria.object_name)
    key = criteria.external_id_field
    if criteria.type is not None:
        raise Invalid("type", "Salesforce has operations only", "Leave it out.")
    if criteria.operation is Operation.UPSERT and key is None:
        raise Invalid("externalIdField", "is needed by upsert", "Name the external id field, or Id.")
    if criteria.operation is not Operation.UPSERT and key is not None:
        raise Invalid("externalIdField", "belongs to upsert alone", "Leave it out.")
    if key is not None:
        soql.check_field(key, "externalIdField")
    return replace(criteria, object_name=name)


def _check_assignment(criteria: UploadCriteria, version: str) -> None:
    """Assignment rules are of cases and leads, and of API 49.0 on; a rule's name is known by no job."""
    field, rule = "assignmentRuleId", criteria.assignment_rule_id
    if rule is None:
        return
    if not RULE.fullmatch(rule):
        raise Invalid(field, f"{rule!r} is no id", "15 or 18 letters and digits, like 01Q5f000000abcd.")
    if criteria.object_name.casefold() not in ASSIGNED:
        raise Invalid(field, f"{criteria.object_name} has no assignment rules", "Case and Lead have; leave it out.")
    if criteria.operation in REMOVALS:
        raise Invalid(field, f"does not go with {criteria.operation}", "Leave it out.")
    if float(version) < ASSIGNS_FROM:
        raise Invalid(field, f"is not there in API {version}", f"Set apiVersion to {ASSIGNS_FROM} or later.")


def polls_by_list(criteria: Criteria) -> bool:
    """Return whether the org's list shows of the vendor jobs what is to be known; of Bulk 1.0 it does not."""
    return isinstance(criteria, UploadCriteria) and criteria.bulk_api != "1.0"


def _make(http: VendorClient, settings: Mapping[str, Any]) -> Provider:
    return Salesforce(http, settings)


SALESFORCE = Family(
    name="salesforce",
    default_base_url=None,  # each org has its own
    default_token_url=None,
    default_limits=(API_REQUESTS, CONCURRENT),
    credential_types=frozenset({"bearer", "oauth2_refresh", "oauth2_client", "jwt_bearer"}),
    objects=objects,
    check_settings=check_settings,
    check_criteria=check_criteria,
    first_steps=first_steps,
    news=news,
    refusal=refusal,
    make=_make,
    longest_call=timedelta(seconds=120),  # a PUT of tens of megabytes
    native_upload=True,
    native_query=True,
    later=later,
    dress=dress,
    is_stale=is_stale,
    time_field=lambda name, settings: "SystemModstamp",
    id_field=lambda name, settings: "Id",
    token_url=token_url,
    address=address,
    token_age=token_age,
    estimate=estimate,
    upload_calls=upload_calls,
    polls_by_list=polls_by_list,
)
