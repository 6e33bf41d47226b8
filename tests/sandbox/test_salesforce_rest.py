"""The plain REST resources of the imitated Salesforce: objects, fields, SOQL."""

import pytest

from .salesforce import BASE, refusal


def found(org, where, thing="Contact"):
    return org.counted(f"SELECT COUNT() FROM {thing} WHERE {where}")


def test_versions_are_told_to_everybody(sandbox):
    versions = sandbox.api.get("/services/data", headers={"authorization": ""}).json()

    assert (versions[-1]["url"], versions[-1]["version"]) == ("/services/data/v66.0", "66.0")
    assert sandbox.api.get(f"{BASE}/").json()["query"] == f"{BASE}/query"


def test_objects_are_listed_and_described(org):
    names = [thing["name"] for thing in org.good(org.api.get(f"{BASE}/sobjects"))["sobjects"]]
    fields = {field["name"]: field for field in org.good(org.api.get(f"{BASE}/sobjects/contact/describe"))["fields"]}

    assert {"Account", "Contact", "Lead", "Task", "Depot__c"} <= set(names)
    assert fields["External_Id__c"] | {"externalId": True, "idLookup": True, "unique": True} == fields["External_Id__c"]
    assert fields["LastName"]["nillable"] is False
    assert fields["AccountId"]["referenceTo"] == ["Account"]
    assert fields["CreatedDate"]["createable"] is False
    assert refusal(org.api.get(f"{BASE}/sobjects/Nothing/describe")) == (404, "NOT_FOUND")


def test_a_query_is_read_page_by_page(sandbox, org):
    sandbox.switch(sf_rest_rows=100)

    first = org.good(org.api.get(f"{BASE}/query", params={"q": "SELECT Id FROM Contact"}))
    second = org.good(org.api.get(first["nextRecordsUrl"]))
    third = org.good(org.api.get(second["nextRecordsUrl"]))

    assert (first["totalSize"], first["done"]) == (250, False)
    assert first["nextRecordsUrl"].startswith(f"{BASE}/query/01g")
    assert first["nextRecordsUrl"].endswith("-100")
    assert (len(third["records"]), third["done"], "nextRecordsUrl" in third) == (50, True, False)
    assert len({record["Id"] for page in (first, second, third) for record in page["records"]}) == 250
    assert refusal(org.api.get(f"{BASE}/query/01gNothing-100")) == (400, "INVALID_QUERY_LOCATOR")


def test_a_caller_may_ask_for_smaller_pages(org):
    headers = {"sforce-query-options": "batchSize=200"}

    page = org.good(org.api.get(f"{BASE}/query", params={"q": "SELECT Id FROM Contact"}, headers=headers))

    assert len(page["records"]) == 200


def test_records_are_typed_and_parents_nested(org):
    account = org.records("SELECT Id FROM Account LIMIT 1")[0]["Id"]
    contact = org.records("SELECT Id FROM Contact LIMIT 1")[0]["Id"]
    org.loaded(f"Id,AccountId\n{contact},{account}\n", operation="update")

    [record] = org.records(f"SELECT Id, DoNotCall, Score__c, Phone, Account.Name FROM Contact WHERE Id = '{contact}'")

    assert record == {
        "attributes": {"type": "Contact", "url": f"{BASE}/sobjects/Contact/{contact}"},
        "Id": contact,
        "DoNotCall": False,
        "Score__c": 1.0,
        "Phone": "+1 555 0001",
        "Account": {"attributes": {"type": "Account"}, "Name": "Quill 1"},
    }


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ("Score__c <= 10", 10),
        ("Score__c > 10 AND Score__c < 20.5", 10),
        ("Score__c < 3 OR Score__c > 249", 3),
        ("NOT Score__c < 250", 1),
        ("(Score__c = 1 OR Score__c = 2) AND DoNotCall = false", 2),
        ("DoNotCall = true", 5),
        ("External_Id__c = 'seed-7'", 1),
        ("External_Id__c LIKE 'SEED-_'", 9),
        ("External_Id__c LIKE 'seed-24%'", 11),
        ("External_Id__c IN ('SEED-1', 'SEED-2', 'NOBODY')", 2),
        ("External_Id__c NOT IN ('SEED-1', 'SEED-2')", 248),
        ("External_Id__c <> 'SEED-1'", 249),
        ("Birthdate = null", 250),
        ("Birthdate != null", 0),
        ("Account.Name = null", 250),
        ("CreatedDate > 2020-01-01T00:00:00Z", 250),
        ("CreatedDate < 2020-01-01T00:00:00+01:00", 0),
        ("CreatedDate = TODAY", 250),
        ("CreatedDate = LAST_N_DAYS:3", 250),
        ("CreatedDate < YESTERDAY", 0),
        ("LastName = 'It\\'s'", 0),
    ],
)
def test_conditions_mean_what_they_say(org, where, count):
    assert found(org, where) == count


def test_ids_are_compared_in_both_lengths(org):
    ids = [record["Id"] for record in org.records("SELECT Id FROM Contact ORDER BY Id")]

    assert ids == sorted(ids)
    assert found(org, f"Id = '{ids[0][:15]}'") == 1
    assert found(org, f"Id > '{ids[9]}'") == 240


def test_rows_come_in_the_order_that_was_asked_for(org):
    org.loaded("LastName,Score__c,External_Id__c\nNone,,X-1\n")

    up = org.records("SELECT Score__c FROM Contact ORDER BY Score__c LIMIT 3")
    down = org.records("SELECT Score__c FROM Contact ORDER BY LastName, Score__c DESC NULLS LAST LIMIT 2 OFFSET 1")

    assert [record["Score__c"] for record in up] == [None, 1.0, 2.0]
    assert [record["Score__c"] for record in down] == [233.0, 224.0]


def test_rows_are_summed_up_where_bulk_would_refuse_it(org):
    groups = org.records("SELECT Industry, COUNT(Id) many, MAX(NumberOfEmployees) FROM Account GROUP BY Industry")

    assert {group["Industry"]: group["many"] for group in groups} == {
        "Printing": 13,
        "Forestry": 13,
        "Energy": 12,
        "Shipping": 12,
    }
    assert groups[0]["attributes"] == {"type": "AggregateResult"}
    assert max(group["expr0"] for group in groups) == 150


def test_setup_data_are_there_for_rest_alone(org):
    assert [record["ApiName"] for record in org.records("SELECT ApiName FROM TaskStatus WHERE IsClosed = true")] == [
        "Completed"
    ]
    assert org.records("SELECT IsSandbox, OrganizationType FROM Organization")[0]["IsSandbox"] is True


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT Id FROM Contact WHERE Colour__c = 1", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE Description = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE Score__c = '1'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE CreatedDate > '2020-01-01'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE Id = 'nonsense'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Contact ORDER BY Description", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact LIMIT many", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact nonsense here", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE LastName ~ 'x'", "MALFORMED_QUERY"),
        ("", "MALFORMED_QUERY"),
    ],
)
def test_a_query_that_can_not_be_read_is_refused(org, soql, code):
    assert refusal(org.api.get(f"{BASE}/query", params={"q": soql})) == (400, code)
