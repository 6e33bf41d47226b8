"""bulkhead keys: encryption keys and API keys; works on the database itself, where no API key is needed."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.desk import FAILED, Desk, command, fail

if TYPE_CHECKING:
    from orchestrator.store.store import Store

FIRST_TENANT = "default"
A_DAY = 86_400  # s
SCOPES = ("read", "submit", "admin")
COLUMNS = {"id": "ID", "name": "NAME", "scopes": "SCOPES", "created": "CREATED", "revoked": "REVOKED"}

TenantOption = Annotated[str, typer.Option("--tenant", help="Owner of the key.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Encryption keys and API keys.", no_args_is_help=True)
    command(group, "new", "export BULKHEAD_KEYS=$(bulkhead keys new)")(new)
    command(group, "rotate", "bulkhead keys rotate")(rotate)
    command(group, "init", "bulkhead keys init")(init)
    command(group, "add", "bulkhead keys add reports --scope read")(add)
    command(group, "list", "bulkhead keys list")(list_keys)
    command(group, "renew", "bulkhead keys renew 3")(renew)
    command(group, "revoke", "bulkhead keys revoke 3")(revoke)
    app.add_typer(group, name="keys")


def new(desk: Desk) -> None:
    """Print a new encryption key for BULKHEAD_KEYS; touches nothing."""
    from orchestrator.secrets import generate

    key = generate()
    desk.show({"key": key}, key)


def rotate(desk: Desk) -> None:
    """Seal everything anew with the first of BULKHEAD_KEYS, so that the others can be given up."""
    from orchestrator.lifecycle.resealing import reseal
    from orchestrator.runtime import keyring_of

    with _store(desk) as store:
        ended = reseal(store.sealed, keyring_of(desk.settings))
    desk.show({"resealed": ended.done, "unopenable": list(ended.unopenable)}, f"{ended.done} secrets are sealed anew")
    if ended.unopenable:
        fail(f"no key opens: {', '.join(ended.unopenable)}", "Add the key that sealed them.", FAILED)


def init(desk: Desk, tenant: TenantOption = FIRST_TENANT) -> None:
    """Prepare a new installation: print BULKHEAD_KEYS where it is not set, and the first API key."""
    from orchestrator.secrets import generate, new_api_key
    from orchestrator.store.migrations import upgrade

    upgrade(desk.settings.database_url)
    material = None if desk.settings.keys or desk.settings.is_local else generate()
    made = new_api_key()
    with _store(desk) as store:
        store.keys.add_key(store.keys.ensure_tenant(tenant).id, made.hash, SCOPES, "first")
    lines = [] if material is None else [f"BULKHEAD_KEYS={material}"]
    desk.show({"keys": material, "apiKey": made.text}, "\n".join([*lines, f"BULKHEAD_API_KEY={made.text}"]))


def add(
    desk: Desk,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the key is for.")],
    scope: Annotated[list[str] | None, typer.Option("--scope", help="read, submit, admin; repeatable.")] = None,
    tenant: TenantOption = FIRST_TENANT,
) -> None:
    """Make an API key and print it once; read and submit by default."""
    from orchestrator.secrets import new_api_key

    scopes = scope or ["read", "submit"]
    for each in scopes:
        if each not in SCOPES:
            fail(f"{each} is not a scope", f"Scopes: {', '.join(SCOPES)}.")
    made = new_api_key()
    with _store(desk) as store:
        key = store.keys.add_key(store.keys.ensure_tenant(tenant).id, made.hash, scopes, name)
    desk.show({"id": key.id, "apiKey": made.text}, made.text)


def list_keys(desk: Desk, tenant: TenantOption = FIRST_TENANT) -> None:
    """List API keys; their text is nowhere."""
    with _store(desk) as store:
        found = store.keys.list(store.keys.tenant(tenant).id)
    rows = [
        {
            "id": each.id,
            "name": each.name,
            "scopes": ", ".join(sorted(each.scopes)),
            "created": each.created_at.isoformat(),
            "revoked": each.revoked_at and each.revoked_at.isoformat(),
        }
        for each in found
    ]
    desk.table(rows, COLUMNS)


def renew(
    desk: Desk,
    key_id: Annotated[int, typer.Argument(metavar="ID", help="The key's id, as `keys list` shows it.")],
    overlap: Annotated[int, typer.Option("--overlap", help="Seconds that the old one is good for.", min=0)] = A_DAY,
    tenant: TenantOption = FIRST_TENANT,
) -> None:
    """Make a new API key of the same name and scopes and print it once; the old one is good for a while."""
    from orchestrator.secrets import new_api_key

    made = new_api_key()
    with _store(desk) as store:
        key = store.keys.renew(store.keys.tenant(tenant).id, key_id, made.hash, timedelta(seconds=overlap))
    desk.show({"id": key.id, "apiKey": made.text}, made.text)


def revoke(
    desk: Desk,
    key_id: Annotated[int, typer.Argument(metavar="ID", help="The key's id, as `keys list` shows it.")],
    tenant: TenantOption = FIRST_TENANT,
) -> None:
    """Revoke an API key for good."""
    with _store(desk) as store:
        store.keys.revoke(store.keys.tenant(tenant).id, key_id)
    desk.show({"revoked": key_id}, f"key {key_id} is revoked")


@contextmanager
def _store(desk: Desk) -> Iterator["Store"]:
    from orchestrator.store.store import Store

    store = Store.open(desk.settings.database_url)
    try:
        yield store
    finally:
        store.close()
