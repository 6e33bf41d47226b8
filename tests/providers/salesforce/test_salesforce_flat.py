"""Records of plain queries as Bulk would have given them."""

from typing import Any

import msgspec
import pytest

from orchestrator.job.errors import Misbehaved
from orchestrator.providers.salesforce.flat import flat

RECORD = {
    "attributes": {"type": "Contact", "url": "/x"},
    "Id": "003",
    "Owner": {"attributes": {"type": "User"}, "Name": "Ada", "Profile": None},
    "Account": None,
    "Size__c": "9.12260031E8",
    "Count__c": 3,
    "Is__c": False,
    "Made": "2031-04-05T06:07:08.000+0000",
    "Day": "2031-04-05",
    "Nothing": None,
}


def test_parents_become_columns_and_values_text() -> None:
    columns = ("Is__c", "Id", "owner.name", "Owner.Profile.Name", "Account.Owner.Name", "Size__c", "Count__c", "Made")

    shaped = flat(RECORD, (*columns, "Day", "Nothing"))

    assert list(shaped.items()) == [
        ("Is__c", "false"),
        ("Id", "003"),
        ("Owner.Name", "Ada"),
        ("Owner.Profile.Name", None),
        ("Account.Owner.Name", None),
        ("Size__c", "9.12260031E8"),
        ("Count__c", "3"),
        ("Made", "2031-04-05T06:07:08.000Z"),
        ("Day", "2031-04-05"),
        ("Nothing", None),
    ]


@pytest.mark.parametrize("columns", [(), ("Id", "Total__c")])
def test_what_is_not_known_by_name_stays_as_it_came(columns: tuple[str, ...]) -> None:
    assert flat({"attributes": {}, "expr0": 3, "Name": "x"}, columns) == {"expr0": "3", "Name": "x"}


def children(done: bool) -> dict[str, Any]:
    return {"Id": "001", "Contacts": {"totalSize": 2, "done": done, "records": [{"attributes": {}, "Id": "003"}]}}


def test_children_are_a_list_and_never_lost_silently() -> None:
    assert msgspec.json.encode(flat(children(True), ())) == b'{"Id":"001","Contacts":[{"Id":"003"}]}'
    with pytest.raises(Misbehaved):
        flat(children(False), ())
