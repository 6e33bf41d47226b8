"""Salesforce by Bulk API 1.0, as the tests of whole jobs see it."""

from typing import Any

from orchestrator.sandbox.options import Options
from tests.lifecycle.workshop import Workshop

NASTY = (
    'say "no"',
    "two\nlines",
    "a,b",
    "naïve 😀 \U0002070e",
    "'; drop",
    "a < b && c > d",
    "tab\there",
    "]]>",
)


def an_org(**changed: Any) -> Options:
    """An org without records of its own, and a dozen jobs of other integrations."""
    plain: dict[str, Any] = {"people": 0, "accounts": 0, "others": 0}
    empty: dict[str, Any] = {"sf_accounts": 0, "sf_contacts": 0, "sf_others": 0, "sf_speed": 0, "sf_foreign_jobs": 12}
    return Options(**(plain | empty | changed))


def told(workshop: Workshop) -> Any:
    """Return what Salesforce counted."""
    with workshop.sandbox.world.lock:
        return workshop.sandbox.world.salesforce.stats()


def depots(workshop: Workshop, count: int) -> list[dict[str, Any]]:
    """Put depots into the org, whose notes are as nasty as texts can be; every tenth has none."""
    rows = [
        {
            "Name": f"{NASTY[n % len(NASTY)]} {n}",
            "Depot_Code__c": f"D-{n}",
            "Notes__c": None if n % 10 == 0 else NASTY[n % len(NASTY)] * 3,
        }
        for n in range(count)
    ]
    with workshop.sandbox.world.lock:
        workshop.sandbox.world.salesforce.add({}, {"Depot__c": rows}, [])
    return rows


def records(workshop: Workshop, name: str = "Depot__c") -> list[dict[str, str | None]]:
    """Return what the org holds."""
    with workshop.sandbox.world.lock:
        return workshop.sandbox.world.salesforce.records(name) or []
