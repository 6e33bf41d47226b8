"""What can be known of criteria, settings and answers without a call."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.job.criteria import DownloadCriteria, Operation, UploadCriteria
from orchestrator.job.errors import Invalid, Throttled
from orchestrator.job.status import WaitReason
from orchestrator.job.step import StepKind
from orchestrator.providers.salesforce import SALESFORCE
from orchestrator.providers.salesforce.rows import shaped
from orchestrator.providers.salesforce.soql import written

NOW = datetime(2026, 11, 21, tzinfo=UTC)
UPSERT = UploadCriteria(object_name="Contact", operation=Operation.UPSERT, external_id_field="Key__c")


def checked(**criteria: Any) -> DownloadCriteria:
    found = SALESFORCE.check_criteria(DownloadCriteria(**{"object_name": "Account", **criteria}), {})
    assert isinstance(found, DownloadCriteria)
    return found


def test_criteria_become_one_query() -> None:
    criteria = checked(
        select_fields=("Id", "Owner.Email"),
        filter_date_field="CreatedDate",
        from_=datetime(2025, 2, 1, 8, 0, 0, 1, tzinfo=UTC),
        to=datetime(2025, 2, 1, 23, 59, 59, 999_999, tzinfo=UTC),
        limit=10,
    )

    soql = written(criteria, {"CreatedDate": "datetime"})

    assert soql == (
        "SELECT Id, Owner.Email FROM Account WHERE CreatedDate >= 2025-02-01T08:00:00.001Z "
        "AND CreatedDate <= 2025-02-01T23:59:59.999Z LIMIT 10"
    )


def test_a_date_without_a_time_is_compared_without_one() -> None:
    criteria = checked(select_fields=("Id",), filter_date_field="Birthdate", from_=NOW)

    assert written(criteria, {"Birthdate": "date"}).endswith("WHERE Birthdate >= 2026-11-21")


def test_fields_that_bulk_cannot_read_are_not_asked_for() -> None:
    types = {"Id": "id", "BillingAddress": "address", "Place__c": "location", "Body": "base64", "Name": "string"}

    assert written(checked(), types) == "SELECT Id, Name FROM Account"


@pytest.mark.parametrize(
    "soql",
    [
        "SELECT COUNT(Id) FROM Account",
        "SELECT Name, count(Id) FROM Account GROUP BY Name",
        "SELECT Id FROM Account LIMIT 5 OFFSET 10",
        "SELECT TYPEOF Owner WHEN User THEN Id END FROM Account",
        "SELECT Id, (SELECT Id FROM Contacts) FROM Account",
        "SELECT FIELDS(ALL) FROM Account LIMIT 200",
    ],
)
def test_what_a_bulk_query_cannot_be_is_read_by_rest_or_refused_before_a_job_is_spent(soql: str) -> None:
    by_itself = checked(object_name="", soql=soql)

    with pytest.raises(Invalid) as refused:
        checked(object_name="", soql=soql, bulk_api="2.0")

    assert (by_itself.bulk_api, by_itself.object_name) == ("rest", "Account")
    assert [step.kind for step in SALESFORCE.first_steps(by_itself, {})] == [StepKind.FETCH]
    assert refused.value.field == "soql"


@pytest.mark.parametrize("soql", ["DELETE FROM Account", "FIND {x}"])
def test_what_is_no_query_is_refused(soql: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked(object_name="", soql=soql)

    assert refused.value.field == "soql"


@pytest.mark.parametrize(
    "soql",
    [
        "select Id from Account where Name = 'GROUP BY OFFSET 3 count(x)'",
        "SELECT Id, Name\nFROM Account\nWHERE Name = 'it\\'s from Contact' ORDER BY Name LIMIT 3",
        "SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact)",
    ],
)
def test_a_query_is_known_by_the_object_it_reads(soql: str) -> None:
    found = checked(object_name="", soql=soql)

    assert (found.object_name, written(found, {})) == ("Account", soql)


@pytest.mark.parametrize(
    ("wrong", "field", "code"),
    [
        ({"object_name": "Account; x"}, "objectName", "invalid"),
        ({"select_fields": ("Id", "Name FROM User--")}, "selectFields", "invalid"),
        ({"filter_date_field": "a b"}, "filterDateField", "invalid"),
        ({"query": {"q": "1"}}, "query.q", "invalid"),
        ({"bulk_api": "2.0", "content_type": "XML"}, "contentType", "invalid"),
        ({"bulk_api": "2.0", "concurrency_mode": "Serial"}, "concurrencyMode", "invalid"),
        ({"bulk_api": "2.0", "pk_chunking": {}}, "pkChunking", "invalid"),
        ({"concurrency_mode": "Sideways"}, "concurrencyMode", "invalid"),
        ({"content_type": "PDF"}, "contentType", "invalid"),
        ({"pk_chunking": {"chunkSize": 250_001}}, "pkChunking.chunkSize", "invalid"),
        ({"pk_chunking": {"chunkSize": "1; startRow=x"}}, "pkChunking.chunkSize", "invalid"),
        ({"pk_chunking": {"startRow": "001"}}, "pkChunking.startRow", "invalid"),
        ({"pk_chunking": {"size": 1}}, "pkChunking.size", "invalid"),
    ],
)
def test_a_wrong_download_is_refused_by_field(wrong: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked(**wrong)

    assert (refused.value.field, refused.value.code) == (field, code)


def test_assignment_rules_are_there_from_api_49_on() -> None:
    leads = replace(UPSERT, object_name="Lead", assignment_rule_id="01Q5f000000abcd")

    with pytest.raises(Invalid, match=r"is not there in API 48\.0"):
        SALESFORCE.check_criteria(leads, {"apiVersion": "48.0"})

    assert SALESFORCE.check_criteria(leads, {"apiVersion": "49.0"}) == leads


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"external_id_field": None}, "externalIdField"),
        ({"operation": Operation.INSERT}, "externalIdField"),
        ({"external_id_field": "a,b"}, "externalIdField"),
        ({"type": "person/import"}, "type"),
        ({"bulk_api": "2.0", "content_type": "XML"}, "contentType"),
        ({"bulk_api": "rest"}, "bulkApi"),
        ({"assignment_rule_id": "01Q5f000000abcd"}, "assignmentRuleId"),
        ({"object_name": "Lead", "assignment_rule_id": "new leads"}, "assignmentRuleId"),
        ({"object_name": "Case", "assignment_rule_id": "01Q5f000000abcd", "operation": Operation.DELETE,
          "external_id_field": None}, "assignmentRuleId"),
    ],
)  # fmt: skip
def test_a_wrong_upload_is_refused_by_field(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        SALESFORCE.check_criteria(replace(UPSERT, **wrong), {})

    assert refused.value.field == field


@pytest.mark.parametrize(
    ("record", "becomes"),
    [
        ({"key__C": "1", "Name": "x", "Age": ""}, {"key__C": "1", "Name": "x"}),
        ({"Key__c": 1, "Open": True, "Name": None}, {"Key__c": "1", "Open": "true", "Name": None}),
        ({"Key__c": "1", "Owner": {"Email": "x"}}, {"Key__c": "1", "Owner.Email": "x"}),
        ({"Key__c": "1", "Name": "#N/A"}, {"Key__c": "1", "Name": None}),
        ({"Key__c": "1", "Name": "a\r\nb\rc"}, {"Key__c": "1", "Name": "a\nb\nc"}),
    ],
)
def test_a_record_becomes_what_an_upload_takes(record: dict[str, Any], becomes: dict[str, str | None]) -> None:
    assert shaped(UPSERT, record) == becomes


@pytest.mark.parametrize(
    "record",
    [
        {"Name": "x"},
        {"Key__c": "", "Name": "x"},
        {"Key__c": None},
        {"Key__c": "1", "Name": "x" * 131_073},
        {"Key__c": "1", "Name": "a\0b"},
        {"Key__c": "1", "Owner": ["x"]},
        {"Key__c": "1", " ": "x"},
        {"Key__c": "1"} | {f"F{n}__c": "x" * 100_001 for n in range(4)},
    ],
)
def test_a_record_that_cannot_be_right_is_found_before_it_is_sent(record: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        shaped(UPSERT, record)


def test_a_record_to_be_deleted_is_its_id_alone() -> None:
    delete = UploadCriteria(object_name="Contact", operation=Operation.DELETE)

    assert shaped(delete, {"ID": "003", "Name": "x"}) == {"Id": "003"}


@pytest.mark.parametrize(
    "settings",
    [
        {"apiVersion": "46.0"},
        {"apiVersion": "latest"},
        {"tokenEndpointHostname": "ftp://x"},
        {"tokenEndpointHostname": "https://x/path"},
        {"tokenEndpointHostname": "two words"},
        {"intervalTime": "soon"},
        {"registryPath": 5},
        {"colour": "red"},
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        SALESFORCE.check_settings(settings)

    assert refused.value.field == f"settings.{next(iter(settings))}"


def test_a_host_may_be_named_without_its_scheme() -> None:
    settings = SALESFORCE.check_settings({"tokenEndpointHostname": "test.salesforce.com", "apiVersion": 59})

    assert settings == {"tokenEndpointHostname": "https://test.salesforce.com", "apiVersion": "59.0"}


@pytest.mark.parametrize(
    "header",
    [
        "api-usage=18/15000",
        "api-usage=18/15000; per-app-api-usage=17/250(appName=loader)",
        "api-usage=18/15000; api-bursts=1/750",
    ],
)
def test_the_first_pair_of_the_header_tells_what_is_left(header: str) -> None:
    news = SALESFORCE.news({"sforce-limit-info": header}, NOW)

    assert (news.remaining, news.limits) == ({"api_requests": 14_982}, {"api_requests": 15_000})


@pytest.mark.parametrize("header", ["", "api-usage=x/y", "api-usage=5/0", f"api-usage={'9' * 50}/1"])
def test_a_header_that_cannot_be_true_is_not_believed(header: str) -> None:
    news = SALESFORCE.news({"sforce-limit-info": header}, NOW)

    assert (dict(news.remaining), tuple(news.nonsense)) == ({}, ("sforce-limit-info",))


@pytest.mark.parametrize(
    ("code", "message", "reason", "pause"),
    [
        ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", WaitReason.QUOTA, timedelta(hours=1)),
        ("LIMIT_EXCEEDED", "Max bulk v2 query jobs (10000) per 24 hrs has been reached", WaitReason.QUOTA, None),
        ("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.", WaitReason.RETRY_AFTER, None),
    ],
)
def test_a_refusal_that_passes_is_a_pause(code: str, message: str, reason: WaitReason, pause: timedelta | None) -> None:
    body = f'[{{"message":"{message}","errorCode":"{code}"}}]'.encode()

    found = SALESFORCE.later(403, body)

    assert isinstance(found, Throttled)
    assert found.reason is reason
    assert pause is None or found.pause == pause


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'[{"errorCode":"INVALIDENTITY","message":"no"}]'])
def test_any_other_refusal_is_for_good(body: bytes) -> None:
    assert SALESFORCE.later(400, body) is None
    assert SALESFORCE.refusal(400, body) in ("INVALIDENTITY: no", "no explanation with status 400")


@pytest.mark.parametrize(
    "only_there", [{"concurrency_mode": "serial"}, {"content_type": "json"}, {"pk_chunking": {"chunkSize": 1000}}]
)
def test_what_only_1_0_can_do_chooses_it(only_there: dict[str, Any]) -> None:
    asked = DownloadCriteria(object_name="Account", bulk_api="auto", **only_there)

    checked = SALESFORCE.check_criteria(asked, {})

    assert checked.bulk_api == "1.0"
