"""Keeps a connection's OAuth tokens: one refresher per connection by a lease in its row, the new pair stored first.

No transaction is open during the call. Whoever holds a new pair stores it, lease or not; others wait.
"""

import secrets as random_source
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec

from orchestrator.clock import Clock
from orchestrator.http.auth import InvalidGrant, NewToken, StaticKeeper, bearer, request_token
from orchestrator.http.tokens import Auth, TokenKeeper
from orchestrator.job.errors import AddressMoved, OrchestratorError, Throttled, Unauthorized, Unreachable
from orchestrator.job.status import WaitReason
from orchestrator.providers.provider import Family
from orchestrator.secrets import Keyring
from orchestrator.store.connections import AuthState, Connection, Connections

OAUTH = frozenset({"oauth2_refresh", "oauth2_client", "jwt_bearer"})
OTHERS_REFRESH = timedelta(seconds=1)
RENEW_AGAIN = 60.0  # s until a token that is too old, and could not be renewed, is tried again by the same turn
LOOK_AGAIN = timedelta(seconds=60)  # after the lease was taken; whoever was faster has stored by then


class OauthKeeper:
    """The tokens of one connection, read again whenever somebody else may have stored newer ones."""

    def __init__(
        self,
        connection: Connection,
        *,
        connections: Connections,
        keyring: Keyring,
        token_url: str,
        token_client: Callable[[], httpx.Client],
        family: Family,
        clock: Clock,
    ) -> None:
        self._base_url = connection.base_url
        self._family = family
        self._clock = clock
        self._renew_again_at = 0.0  # time.monotonic()
        self._connections = connections
        self._keyring = keyring
        self._token_url = token_url
        self._token_client = token_client
        self._take(connection)

    def _take(self, connection: Connection) -> None:
        self._connection = connection
        self._credentials = open_credentials(connection, self._keyring)

    def current(self) -> Auth:
        """Return what to send now; refreshes first where there is no access token yet, or only one that is too old.

        Raises AddressMoved, once, where the token tells that the account lives elsewhere.
        """
        if not self._credentials.get("accessToken"):
            self.refresh(self._connection.credentials_version)
        elif self._is_old() and time.monotonic() >= self._renew_again_at:
            self._renew()
        return Auth(version=self._connection.credentials_version, headers=bearer(self._credentials["accessToken"]))

    def _is_old(self) -> bool:
        age = self._family.token_age and self._family.token_age(self._connection.settings)
        if not age:
            return False
        since = datetime.fromtimestamp(float(self._credentials.get("tokenAt", 0)), UTC)
        return self._clock.now() - since > age  # clocks of workers differ by less than any age that can be set

    def _renew(self) -> None:
        """Refresh, or go on with what there is: an old token may well be good, and a refusal of it refreshes anyway."""
        self._renew_again_at = time.monotonic() + RENEW_AGAIN
        try:
            self.refresh(self._connection.credentials_version)
        except AddressMoved:
            raise
        except (Throttled, Unreachable):
            return

    def refresh(self, seen_version: int) -> None:
        """Make `current` newer than `seen_version`, by one call of one process at a time."""
        self._take(self._connections.by_id(self._connection.id))
        row = self._connection
        if row.credentials_version > seen_version and self._credentials.get("accessToken"):
            self._check_address()
            return
        if row.auth_state is not AuthState.OK:
            raise Unauthorized(row.provider, 401, "the connection must be authorized again")
        owner = random_source.token_hex(16)
        if not self._connections.take_refresh(row.id, owner, row.credentials_version):
            raise Throttled(row.provider, OTHERS_REFRESH, reason=WaitReason.TOKEN_REFRESH)
        self._store(self._ask(owner, taken_before=row.refresh_until is not None))

    def _ask(self, owner: str, *, taken_before: bool) -> NewToken:
        row = self._connection
        try:
            return request_token(self._token_client(), self._token_url, self._credentials, provider=row.provider)
        except InvalidGrant:
            if taken_before:
                self._connections.mark_reauthorize(row.id, row.credentials_version)
                raise
            # Somebody may have used the pair just before us and be about to store the new one: look again later.
            raise Throttled(row.provider, LOOK_AGAIN, reason=WaitReason.TOKEN_REFRESH) from None
        except OrchestratorError:
            self._connections.give_back_refresh(row.id, owner)
            raise

    def _store(self, token: NewToken) -> None:
        now = self._clock.now().timestamp()
        fresh: dict[str, Any] = {**self._credentials, "accessToken": token.access_token, "tokenAt": now}
        if token.refresh_token:
            fresh["refreshToken"] = token.refresh_token
        row = self._connection
        sealed = self._keyring.seal(msgspec.json.encode(fresh), row.context(newer=1))
        self._connections.store_credentials(row.id, sealed, row.credentials_version, base_url=self._moved(token))
        self._take(self._connections.by_id(row.id))
        self._check_address()

    def _moved(self, token: NewToken) -> str | None:
        """Return the address that the account has moved to; None: it stays."""
        if token.base_url is None or self._family.address is None:
            return None
        return self._family.address(self._connection.base_url, self._token_url, token.base_url)

    def _check_address(self) -> None:
        if self._connection.base_url != self._base_url:
            raise AddressMoved(self._connection.provider)


def open_credentials(connection: Connection, keyring: Keyring) -> Mapping[str, Any]:
    """Return the connection's credentials in the clear; never log, store or raise them."""
    opened: Mapping[str, Any] = msgspec.json.decode(keyring.open(connection.credentials, connection.context()))
    return opened


def keeper_of(
    connection: Connection,
    *,
    connections: Connections,
    keyring: Keyring,
    token_url: str | None,
    token_client: Callable[[], httpx.Client],
    family: Family,
    clock: Clock,
) -> TokenKeeper:
    """Return who keeps the credentials of a connection."""
    if connection.credential_type not in OAUTH:
        credentials = open_credentials(connection, keyring)
        return StaticKeeper(connection.provider, credentials, connection.credentials_version)
    stated = open_credentials(connection, keyring).get("tokenUrl") or token_url
    assert stated is not None
    return OauthKeeper(
        connection,
        connections=connections,
        keyring=keyring,
        token_url=stated,
        token_client=token_client,
        family=family,
        clock=clock,
    )
