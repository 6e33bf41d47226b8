"""Filters as conditions of SOQL, by the types that the org tells."""

import pytest

from orchestrator.job.errors import Invalid
from orchestrator.providers.salesforce.conditions import conditions
from orchestrator.providers.salesforce.wire import FieldInfo

FIELDS = [
    FieldInfo(name=name, type=kind, filterable=kind not in ("address", "encryptedstring"))
    for name, kind in {
        "Name": "string", "Size__c": "double", "Staff": "int", "Open__c": "boolean", "At__c": "datetime",
        "Day__c": "date", "OwnerId": "reference", "Tags__c": "multipicklist", "Secret__c": "encryptedstring",
        "Place": "address", "Body": "base64", "Opens__c": "time",
    }.items()
]  # fmt: skip


def said(where: str) -> list[str]:
    return list(conditions(where, "Depot__c", FIELDS).soql)


@pytest.mark.parametrize(
    ("where", "soql"),
    [
        ("name = 'O''Neil \\ \n'", r"Name = 'O\'Neil \\ \n'"),
        ("Name = ''", "Name = null"),
        ("Name != 'x'", "(Name != 'x' OR Name = null)"),
        ("Name LIKE '50\\% _\\_\\\\%'", r"Name LIKE '50\% _\_\\%'"),
        ("Name NOT LIKE 'x%'", "((NOT Name LIKE 'x%') OR Name = null)"),
        ("Name IN ('a', 'b')", "Name IN ('a', 'b')"),
        ("Name NOT IN ('a', 'b')", "(Name NOT IN ('a', 'b') OR Name = null)"),
        ("Name IS NOT NULL", "Name != null"),
        ("Name >= 'm'", "Name >= 'm'"),
        ("Size__c = 1e3", "Size__c = 1000.0"),
        ("Size__c > '5'", "Size__c > 5"),
        ("NOT Size__c > 5", "(Size__c <= 5 OR Size__c = null)"),
        ("Open__c = 'TRUE'", "Open__c = TRUE"),
        ("At__c = 2025-01-31", "(At__c >= 2025-01-31T00:00:00.000Z AND At__c <= 2025-01-31T23:59:59.999Z)"),
        ("At__c != 2025-01-31",
         "(At__c < 2025-01-31T00:00:00.000Z OR At__c > 2025-01-31T23:59:59.999Z OR At__c = null)"),
        ("At__c > '2025-01-31'", "At__c > 2025-01-31T23:59:59.999Z"),
        ("At__c >= 2025-01-31T10:00:00.0001+02:00", "At__c >= 2025-01-31T08:00:00.001Z"),
        ("At__c <= 2025-01-31T10:00:00.0009Z", "At__c <= 2025-01-31T10:00:00.000Z"),
        ("Day__c <= 2025-01-31", "Day__c <= 2025-01-31"),
        ("Day__c < 2025-01-31T12:00:00Z", "Day__c < 2025-02-01"),
        ("Day__c = 2025-01-31T00:00:00Z", "Day__c = 2025-01-31"),
        ("Owner.Name = '2025-01-31'", "Owner.Name = '2025-01-31'"),
        ("Owner.CreatedDate < 2025-01-31", "Owner.CreatedDate < 2025-01-31T00:00:00.000Z"),
        ("OwnerId = '005000000000001'", "OwnerId = '005000000000001'"),
        ("Name = 'a' OR (Staff = 1 AND NOT Staff < 5)",
         "(Name = 'a' OR (Staff = 1 AND (Staff >= 5 OR Staff = null)))"),
    ],
)  # fmt: skip
def test_a_term_becomes_one_condition(where: str, soql: str) -> None:
    assert said(where) == [soql]


@pytest.mark.parametrize(
    "where",
    [
        "Secret__c = 'x'",
        "Name = 5",
        "Size__c = 'five'",
        "Size__c = 1e+300",
        "Size__c LIKE '1%'",
        "OwnerId LIKE '005%'",
        "OwnerId < '005'",
        "Tags__c LIKE '%a%'",
        "Opens__c = '10:00'",
        "Open__c = 'perhaps'",
        "At__c = 2025-01-31T10:00:00.000500Z",
        "Day__c = 2025-01-31T12:00:00Z",
        "Name LIKE ''",
        "Name IN ('a', '')",
        "Name = 'a' OR Secret__c = 'x'",
    ],
)
def test_what_soql_cannot_say_exactly_is_left_to_us(where: str) -> None:
    found = conditions(where, "Depot__c", FIELDS)

    assert (found.soql, found.parted.meta["where"]) == ([], {"pushedDown": None, "appliedHere": where})


def test_a_filter_is_parted_at_its_ands() -> None:
    found = conditions("NOT (name != 'a' OR Secret__c = 'x') AND staff > 3", "Depot__c", FIELDS)

    assert found.soql == ["Name = 'a'", "Staff > 3"]
    assert found.fields_here == ["Secret__c"]


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("Nme = 'x'", "The nearest are Name"),
        ("Place = 'x'", "its parts"),
        ("Body IS NULL", "cannot be filtered"),
        ("`Owner.Name) OR (Id` = 'x'", "has no field"),
        ("`Name = 'x' OR Name` = 'x'", "has no field"),
    ],
)
def test_a_field_that_cannot_be_had_is_refused(where: str, words: str) -> None:
    with pytest.raises(Invalid, match=words) as refused:
        conditions(where, "Depot__c", FIELDS)

    assert (refused.value.field, refused.value.code) == ("where", "invalid_filter")
