"""The secrets that sign a tenant's notifications, in the form that receivers are given them (`whsec_…`)."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import token_bytes

from orchestrator.secrets import Keyring
from orchestrator.store.tenants import Tenants, WebhookSecret

SECRET_BYTES = 32  # the specification asks for 24 to 64
PREFIX = "whsec_"


@dataclass(frozen=True, kw_only=True)
class SigningSecret:
    """A secret as its receiver needs it. `signs_until` None: it is the latest."""

    text: str = field(repr=False)
    signs_until: datetime | None
    created_at: datetime


class WebhookDesk:
    """Opens, makes and changes the secrets of notifications."""

    def __init__(self, tenants: Tenants, keyring: Keyring) -> None:
        self._tenants = tenants
        self._keyring = keyring

    def keys(self, tenant_id: int) -> Sequence[bytes]:
        """Return the keys that sign now, the latest first."""
        return [self._open(each) for each in self._tenants.webhook_secrets(tenant_id, self._new)]

    def show(self, tenant_id: int) -> Sequence[SigningSecret]:
        """Return the secrets that sign now, the latest first."""
        return [self._shown(each) for each in self._tenants.webhook_secrets(tenant_id, self._new)]

    def renew(self, tenant_id: int, overlap: timedelta) -> Sequence[SigningSecret]:
        """Make a new secret; what signed before goes on beside it for `overlap`. Return all that sign now."""
        return [self._shown(each) for each in self._tenants.new_webhook_secret(tenant_id, self._new, overlap)]

    def _new(self, context: bytes) -> str:
        return self._keyring.seal(token_bytes(SECRET_BYTES), context)

    def _open(self, secret: WebhookSecret) -> bytes:
        return self._keyring.open(secret.secret, secret.context())

    def _shown(self, secret: WebhookSecret) -> SigningSecret:
        text = PREFIX + b64encode(self._open(secret)).decode()
        return SigningSecret(text=text, signs_until=secret.signs_until, created_at=secret.created_at)
