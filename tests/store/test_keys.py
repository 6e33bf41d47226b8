"""Tenants and API keys."""

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
