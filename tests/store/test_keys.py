"""Tenants and API keys."""

from datetime import timedelta

import pytest

from orchestrator.job.errors import Conflict, Missing
from orchestrator.secrets import hash_api_key, new_api_key
from orchestrator.store.keys import Keys


@pytest.fixture
def keys(database) -> Keys:
    return Keys(database)


def test_a_key_is_found_by_the_hash_of_its_text(keys):
    tenant, made = keys.add_tenant("acme"), new_api_key()
    added = keys.add_key(tenant.id, made.hash, {"read", "submit"}, "laptop")

    found = keys.find(hash_api_key(made.text))

    assert found == added
    assert found.scopes == {"read", "submit"}
    assert keys.find(hash_api_key("bh_guess")) is None


def test_a_revoked_key_opens_nothing_and_stays_in_the_list(keys):
    tenant, made = keys.add_tenant("acme"), new_api_key()
    added = keys.add_key(tenant.id, made.hash, {"read"}, "laptop")

    keys.revoke(tenant.id, added.id)
    keys.revoke(tenant.id, added.id)

    assert keys.find(made.hash) is None
    assert [each.revoked_at is None for each in keys.list(tenant.id)] == [False]


def test_a_revoked_key_does_not_come_back(keys):
    tenant, made = keys.add_tenant("acme"), new_api_key()
    keys.revoke(tenant.id, keys.add_key(tenant.id, made.hash, {"read"}, "laptop").id)

    with pytest.raises(Conflict):
        keys.add_key(tenant.id, made.hash, {"read"}, "laptop")


def test_the_bootstrap_key_may_be_added_at_each_start(keys):
    tenant, made = keys.ensure_tenant("default"), new_api_key()

    first = keys.add_key(tenant.id, made.hash, {"admin"}, "bootstrap")
    second = keys.add_key(keys.ensure_tenant("default").id, made.hash, {"admin"}, "bootstrap")

    assert first == second


def test_a_key_belongs_to_one_tenant(keys):
    one, other, made = keys.add_tenant("one"), keys.add_tenant("other"), new_api_key()
    added = keys.add_key(one.id, made.hash, {"admin"}, "k")

    with pytest.raises(Conflict):
        keys.add_key(other.id, made.hash, {"admin"}, "k")
    with pytest.raises(Missing):
        keys.revoke(other.id, added.id)

    assert keys.list(other.id) == []


def test_tenants_have_names_of_their_own(keys):
    tenant = keys.add_tenant("acme")

    with pytest.raises(Conflict):
        keys.add_tenant("acme")

    assert keys.tenant("acme") == tenant
    assert keys.tenants() == [tenant]
    with pytest.raises(Missing):
        keys.tenant("nobody")


def test_a_renewed_key_is_good_beside_the_new_one_for_a_while(keys, time_told):
    tenant = keys.add_tenant("acme")
    old = keys.add_key(tenant.id, "a" * 64, ["read"], "reports")

    new = keys.renew(tenant.id, old.id, "b" * 64, timedelta(hours=1))

    assert (new.name, new.scopes) == (old.name, old.scopes)
    assert keys.find("a" * 64) is not None
    time_told.passes(timedelta(hours=2))
    assert (keys.find("a" * 64), keys.find("b" * 64)) == (None, new)


def test_a_key_is_renewed_once(keys):
    tenant = keys.add_tenant("acme")
    old = keys.add_key(tenant.id, "a" * 64, ["read"], "reports")
    keys.renew(tenant.id, old.id, "b" * 64, timedelta(hours=1))

    with pytest.raises(Conflict):
        keys.renew(tenant.id, old.id, "c" * 64, timedelta(hours=1))
    with pytest.raises(Missing):
        keys.renew(tenant.id + 1, old.id, "c" * 64, timedelta(hours=1))


def test_a_key_that_was_renewed_can_still_be_revoked_at_once(keys):
    tenant = keys.add_tenant("acme")
    old = keys.add_key(tenant.id, "a" * 64, ["read"], "reports")
    keys.renew(tenant.id, old.id, "b" * 64, timedelta(hours=1))

    keys.revoke(tenant.id, old.id)

    assert keys.find("a" * 64) is None
