"""The marker that ties a vendor job to us, where the vendor has a field for it."""

import secrets


def new_marker() -> str:
    """Return `bulkhead:` and 128 random bits: nobody else's job carries it by chance."""
    return f"bulkhead:{secrets.token_hex(16)}"
