"""Budgets and what was used of them."""

from datetime import timedelta

import pytest

from orchestrator.job.errors import Conflict, Missing
from orchestrator.store.budgets import Budgets, NewBudget
from orchestrator.store.usage import Usage
from tests.store.given import a_tenant

RATE = {"kind": "rate", "amount": 600, "seconds": 60}


@pytest.fixture
def budgets(database) -> Budgets:
    return Budgets(database)


@pytest.fixture
def tenant(database) -> int:
    return a_tenant(database)


def test_a_budget_keeps_what_it_was_asked_for(budgets, tenant):
    wish = NewBudget(name="team", provider="salesloft", account="7", limits=[RATE], reserve=0.2, cap=4)

    budget = budgets.add(tenant, wish)

    assert (budget.name, budget.provider, budget.account) == ("team", "salesloft", "7")
    assert (budget.limits, budget.reserve, budget.cap) == ([RATE], 0.2, 4)
    assert (budget.failures, budget.blocked_until, budget.learned) == (0, None, {})


def test_a_name_is_taken_once_per_tenant(database, budgets, tenant):
    budgets.add(tenant, NewBudget(name="team", provider="salesloft"))

    other = budgets.add(a_tenant(database, "other"), NewBudget(name="team", provider="salesloft"))

    assert other.name == "team"
    with pytest.raises(Conflict):
        budgets.add(tenant, NewBudget(name="team", provider="salesloft"))


def test_a_tenants_own_budget_is_found_before_the_shared_one(database, budgets, tenant):
    shared = budgets.add(None, NewBudget(name="team", provider="salesloft"))
    mine = budgets.add(tenant, NewBudget(name="team", provider="salesloft"))

    found = budgets.by_name(tenant, "team"), budgets.by_name(a_tenant(database, "other"), "team")

    assert found == (mine, shared)


def test_a_budget_of_another_tenant_is_not_found(database, budgets, tenant):
    budgets.add(tenant, NewBudget(name="team", provider="salesloft"))

    found = budgets.by_name(a_tenant(database, "other"), "team")

    assert found is None


def test_a_change_leaves_what_is_not_given(budgets, tenant):
    budget = budgets.add(tenant, NewBudget(name="team", provider="salesloft", limits=[RATE], reserve=0.2))

    changed = budgets.change(budget.id, cap=2)

    assert (changed.cap, changed.limits, changed.reserve) == (2, [RATE], 0.2)


def test_a_budget_that_is_not_there_is_missing(budgets):
    with pytest.raises(Missing):
        budgets.get(99)


def test_used_units_add_up_within_their_window(database, budgets, tenant, time_told):
    usage, budget = Usage(database), budgets.add(tenant, NewBudget(name="team", provider="salesforce"))
    usage.add(budget.id, {"daily": 100, "points": 1})
    usage.add(budget.id, {"daily": 10})
    time_told.passes(timedelta(hours=5))
    usage.add(budget.id, {"daily": 7})

    day, hour = usage.of(budget.id), usage.of(budget.id, within=timedelta(hours=1))

    assert day == {"daily": 117, "points": 1}
    assert hour == {"daily": 7}


def test_used_units_leave_the_window_and_then_the_table(database, budgets, tenant, time_told):
    usage, budget = Usage(database), budgets.add(tenant, NewBudget(name="team", provider="salesforce"))
    usage.add(budget.id, {"daily": 100})

    time_told.passes(timedelta(hours=26))

    assert usage.of(budget.id) == {}
    assert usage.sweep() == 0
    time_told.passes(timedelta(days=8))
    assert usage.sweep() == 1
