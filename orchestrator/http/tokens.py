"""Whoever knows the credentials of a connection, as the transport sees them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Auth:
    """What makes a request authorized; `version` tells which credentials it was made of."""

    version: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)

    def secrets(self) -> tuple[str, ...]:
        """Return every text that must not be shown to anybody, longest first."""
        values = {*self.headers.values(), *self.params.values()}
        bare = {value.partition(" ")[2] for value in self.headers.values()}
        return tuple(sorted(filter(None, values | bare), key=len, reverse=True))


class TokenKeeper(Protocol):
    """Keeps the credentials of one connection."""

    def current(self) -> Auth:
        """Return what to send now; makes no call unless there is no access token yet."""
        ...

    def refresh(self, seen_version: int) -> None:
        """Make `current` newer than `seen_version`: by a call, or by reading what somebody else stored.

        Raises Unauthorized where there is nothing to refresh, Throttled (TOKEN_REFRESH) while another refreshes,
        Unreachable where the token address gave no usable answer.
        """
        ...
