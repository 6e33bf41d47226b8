"""What can be known of a query by its text alone."""

import pytest

from orchestrator.providers.salesforce.soql import behind

KEY = "0039Q00000Kt3mPQAR"


@pytest.mark.parametrize(
    ("soql", "rest"),
    [
        ("SELECT Id FROM Contact ORDER BY Id", f"SELECT Id FROM Contact WHERE Id > '{KEY}' ORDER BY Id"),
        (
            "select Name, id\nfrom Contact where Name = 'a) order by id' or (A__c IN (1, 2))\norder by ID asc ",
            f"select Name, id\nfrom Contact where (Name = 'a) order by id' or (A__c IN (1, 2))) AND Id > '{KEY}'"
            "\norder by ID asc",
        ),
        (
            "SELECT Id FROM Contact WHERE Id IN (SELECT ContactId FROM Case WHERE A__c = 'it\\'s') ORDER BY Id",
            "SELECT Id FROM Contact WHERE (Id IN (SELECT ContactId FROM Case WHERE A__c = 'it\\'s')) "
            f"AND Id > '{KEY}' ORDER BY Id",
        ),
    ],
)
def test_a_query_in_the_order_of_ids_can_go_on_behind_one(soql: str, rest: str) -> None:
    assert behind(soql, KEY) == rest


@pytest.mark.parametrize(
    "soql",
    [
        "SELECT Id FROM Contact",
        "SELECT Name FROM Contact ORDER BY Id",
        "SELECT Id FROM Contact ORDER BY Id DESC",
        "SELECT Id FROM Contact ORDER BY Id NULLS LAST",
        "SELECT Id FROM Contact ORDER BY Name, Id",
        "SELECT Id FROM Contact ORDER BY Id, Name",
        "SELECT Id FROM Contact ORDER BY Id LIMIT 10",
        "SELECT c.Id FROM Contact c ORDER BY c.Id",
        "SELECT Id FROM Contact WHERE Name = ' ORDER BY Id'",
        "SELECT Id FROM Contact WHERE Name != 'x' WITH SECURITY_ENFORCED ORDER BY Id",
        "SELECT Id FROM Contact USING SCOPE mine ORDER BY Id",
        "SELECT Id, (SELECT Id FROM Cases ORDER BY Id) FROM Contact",
    ],
)
def test_any_other_query_cannot(soql: str) -> None:
    assert behind(soql, KEY) is None


def test_what_is_no_id_never_gets_into_a_query() -> None:
    assert behind("SELECT Id FROM Contact ORDER BY Id", "x' OR Name != '") is None
