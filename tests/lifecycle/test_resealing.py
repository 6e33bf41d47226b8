"""A change of the encryption keys loses no credentials and no webhook secret, whatever happens beside it."""

import pytest

from orchestrator.lifecycle.resealing import reseal
from orchestrator.lifecycle.webhook_desk import WebhookDesk
from orchestrator.secrets import Keyring, generate
from orchestrator.store.engine import Database
from orchestrator.store.store import Store
from tests.store.given import a_new_connection, a_tenant

OLD, NEW = generate(), generate()
TOKEN = b"canary-8c1e-token"


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


@pytest.fixture
def tenant(store: Store) -> int:
    """A tenant with two connections and a webhook secret, all sealed with the old key."""
    tenant, keyring = a_tenant(store.database), Keyring.from_text(OLD)
    for name in ("one", "two"):
        store.connections.add(tenant, a_new_connection(name), lambda context: keyring.seal(TOKEN, context))
    WebhookDesk(store.tenants, keyring).show(tenant)
    return tenant


def test_after_a_rotation_the_new_key_alone_opens_everything(store, tenant):
    before = WebhookDesk(store.tenants, Keyring.from_text(OLD)).show(tenant)

    ended = reseal(store.sealed, Keyring.from_text(f"{NEW},{OLD}"))

    alone = Keyring.from_text(NEW)
    opened = [alone.open(each.credentials, each.context()) for each in store.connections.list(tenant)]
    assert (ended.done, list(ended.unopenable)) == (3, [])
    assert opened == [TOKEN, TOKEN]
    assert WebhookDesk(store.tenants, alone).show(tenant) == before


def test_a_rotation_that_is_repeated_changes_nothing(store, tenant):
    keyring = Keyring.from_text(f"{NEW},{OLD}")
    reseal(store.sealed, keyring)
    before = list(store.sealed.all())

    again = reseal(store.sealed, keyring)

    assert again.done == 0
    assert [each.text for each in store.sealed.all()] == [each.text for each in before]


def test_a_token_that_is_refreshed_meanwhile_is_kept(store, tenant):
    old, keyring = Keyring.from_text(OLD), Keyring.from_text(f"{NEW},{OLD}")
    seen = next(iter(store.sealed.all()))
    connection = store.connections.get(tenant, "one")
    store.connections.store_credentials(connection.id, old.seal(b"fresh", connection.context(newer=1)), 1)

    replaced = store.sealed.replace(seen, keyring.seal(TOKEN, seen.context))
    ended = reseal(store.sealed, keyring)

    after = store.connections.get(tenant, "one")
    assert not replaced
    assert (ended.done, keyring.open(after.credentials, after.context())) == (3, b"fresh")


def test_what_no_key_opens_is_named_and_left_as_it_is(store, tenant):
    before = [each.text for each in store.sealed.all()]

    ended = reseal(store.sealed, Keyring.from_text(NEW))

    assert ended.done == 0
    assert "connection one" in ended.unopenable
    assert [each.text for each in store.sealed.all()] == before


def test_a_removed_connection_has_nothing_to_seal(store, tenant):
    store.connections.remove(tenant, "one")

    ended = reseal(store.sealed, Keyring.from_text(f"{NEW},{OLD}"))

    assert (ended.done, list(ended.unopenable)) == (2, [])
