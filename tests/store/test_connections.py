"""Connections, and who may refresh their credentials."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import update

from orchestrator.job.errors import Conflict, Missing
from orchestrator.job.status import JobStatus
from orchestrator.store.budgets import Budgets, NewBudget
from orchestrator.store.connections import AuthState, Connection, Connections
from orchestrator.store.tables import jobs
from tests.store.given import a_connection, a_job, a_new_connection, a_tenant, seal


@pytest.fixture
def connections(database) -> Connections:
    return Connections(database)


@pytest.fixture
def tenant(database) -> int:
    return a_tenant(database)


@pytest.fixture
def connection(database, tenant) -> Connection:
    return a_connection(database, tenant)


def test_credentials_are_sealed_for_the_row_they_are_stored_in(connection):
    assert connection.credentials == f"sealed for {connection.tenant_id}|{connection.id}|1"
    assert connection.context() == f"{connection.tenant_id}|{connection.id}|1".encode()


def test_a_connection_does_not_show_its_credentials(connection):
    assert "sealed for" not in repr(connection)


def test_a_connection_is_found_by_its_name_and_by_its_number(connections, tenant, connection):
    by_name, by_number = connections.get(tenant, "sl"), connections.get(tenant, connection.id)

    assert by_name == by_number == connections.get(tenant, str(connection.id)) == connection


def test_a_name_that_is_a_number_wins_over_the_number(database, connections, tenant, connection):
    named = a_connection(database, tenant, name=str(connection.id))

    assert connections.get(tenant, str(connection.id)).id == named.id


def test_a_connection_of_another_tenant_looks_as_if_it_were_not_there(database, connections, connection):
    other = a_tenant(database, "other")

    with pytest.raises(Missing):
        connections.get(other, "sl")
    with pytest.raises(Missing):
        connections.get(other, connection.id)
    assert connections.list(other) == []


def test_two_connections_of_a_tenant_cannot_share_a_name(connections, tenant, connection):
    wish = a_new_connection("sl", budget=connection.budget_id)

    with pytest.raises(Conflict):
        connections.add(tenant, wish, seal)


def test_a_connection_that_is_refused_leaves_no_budget_behind(database, connections, tenant, connection):
    wish = a_new_connection("sl", budget=NewBudget(name="fresh", provider="salesloft"))

    with pytest.raises(Conflict):
        connections.add(tenant, wish, seal)

    assert Budgets(database).by_name(tenant, "fresh") is None


def test_connections_may_share_a_budget(database, tenant, connection):
    second = a_connection(database, tenant, name="sl2", budget=connection.budget_id)

    assert second.budget_id == connection.budget_id


def test_connections_are_listed_page_by_page(database, connections, tenant):
    added = [a_connection(database, tenant, name=f"c{number}").id for number in range(5)]

    first = connections.list(tenant, size=3)
    rest = connections.list(tenant, after_id=first[-1].id, size=3)

    assert [each.id for each in (*first, *rest)] == added


def test_a_change_of_settings_leaves_the_credentials(connections, tenant, connection):
    changed = connections.update(tenant, "sl", settings={"apiVersion": "62.0"}, base_url="https://other.test")

    assert (changed.settings, changed.base_url) == ({"apiVersion": "62.0"}, "https://other.test")
    assert (changed.credentials, changed.credentials_version) == (connection.credentials, 1)
    assert changed.updated_at >= connection.updated_at


def test_new_credentials_are_a_new_version_and_make_the_connection_good_again(connections, tenant, connection):
    connections.mark_reauthorize(connection.id, 1)

    changed = connections.update(tenant, "sl", credential_type="basic", seal=seal)

    assert changed.auth_state is AuthState.OK
    assert (changed.credentials_version, changed.credential_type) == (2, "basic")
    assert changed.credentials == f"sealed for {tenant}|{connection.id}|2"


def test_a_removed_connection_is_gone_but_for_its_jobs(database, connections, tenant, connection):
    job = a_job(database, connection)
    with database.write() as open_connection:
        open_connection.execute(update(jobs).where(jobs.c.id == job).values(status=JobStatus.COMPLETED))

    connections.remove(tenant, "sl")

    assert connections.list(tenant) == []
    assert connections.by_id(connection.id).credentials == ""
    assert a_connection(database, tenant, "sl", budget=connection.budget_id).id != connection.id
    with pytest.raises(Missing):
        connections.get(tenant, connection.id)


def test_a_connection_with_a_living_job_cannot_be_removed(database, connections, tenant, connection):
    a_job(database, connection)

    with pytest.raises(Conflict):
        connections.remove(tenant, "sl")

    assert connections.get(tenant, "sl") == connection


def test_only_one_of_many_gets_to_refresh(connections, connection):
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda number: connections.take_refresh(connection.id, f"w{number}", 1), range(8)))

    assert sum(taken) == 1


def test_the_right_to_refresh_runs_out_after_30_seconds(connections, connection, time_told):
    connections.take_refresh(connection.id, "first", 1)
    time_told.passes(timedelta(seconds=29))
    early = connections.take_refresh(connection.id, "second", 1)
    time_told.passes(timedelta(seconds=2))

    late = connections.take_refresh(connection.id, "second", 1)

    assert (early, late) == (False, True)


def test_who_saw_an_old_version_does_not_refresh(connections, connection):
    connections.store_credentials(connection.id, "new", 1)

    taken = connections.take_refresh(connection.id, "late", 1)

    assert not taken


def test_stored_credentials_are_the_next_version_and_end_the_lease(connections, connection):
    connections.take_refresh(connection.id, "me", 1)

    stored = connections.store_credentials(connection.id, "new", 1)

    after = connections.by_id(connection.id)
    assert stored
    assert (after.credentials, after.credentials_version, after.refresh_until) == ("new", 2, None)


def test_who_holds_a_new_pair_stores_it_even_after_the_lease_ran_out(connections, connection, time_told):
    connections.take_refresh(connection.id, "slow", 1)
    time_told.passes(timedelta(seconds=40))
    connections.take_refresh(connection.id, "quick", 1)

    stored = connections.store_credentials(connection.id, "slow one's", 1)
    second = connections.store_credentials(connection.id, "quick one's", 1)

    assert (stored, second) == (True, False)
    assert connections.by_id(connection.id).credentials == "slow one's"


def test_a_right_that_is_given_back_is_free_at_once(connections, connection):
    connections.take_refresh(connection.id, "me", 1)

    connections.give_back_refresh(connection.id, "me")

    assert connections.take_refresh(connection.id, "you", 1)


def test_nobody_gives_back_what_another_holds(connections, connection):
    connections.take_refresh(connection.id, "me", 1)

    connections.give_back_refresh(connection.id, "you")

    assert not connections.take_refresh(connection.id, "you", 1)


def test_a_connection_to_be_reauthorized_is_not_refreshed(connections, connection):
    first, second = connections.mark_reauthorize(connection.id, 1), connections.mark_reauthorize(connection.id, 1)

    taken = connections.take_refresh(connection.id, "me", 1)

    assert (first, second, taken) == (True, False, False)
    assert connections.by_id(connection.id).auth_state is AuthState.REAUTHORIZE


def test_newer_credentials_are_not_called_bad_for_the_sake_of_old_ones(connections, connection):
    connections.store_credentials(connection.id, "new", 1)

    marked = connections.mark_reauthorize(connection.id, 1)

    assert not marked
    assert connections.by_id(connection.id).auth_state is AuthState.OK
