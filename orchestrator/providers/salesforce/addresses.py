"""Where an org lives: each token names its instance, and an org can move.

https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_endpoints.htm
"""

from urllib.parse import SplitResult, urlsplit

OWN = ("salesforce.com", "force.com", "salesforce.mil")  # the vendor's domains: an org lives below one of them


def address(current: str, token_url: str, told: str) -> str | None:
    """Return the base URL that a token tells; None where it is not to be taken.

    It is taken only over https below the vendor's own domains, or from the very server that gave the token; and only in
    place of such a one. An address of somebody's own, a gateway's for instance, stays as it was given.
    """
    new, now, login = _origin(told), _origin(current), _origin(token_url)
    if new is None or now is None or login is None or new == now:
        return None
    if not (_is_own(new) or new.hostname == login.hostname) or (new.scheme, login.scheme) == ("http", "https"):
        return None
    return new.geturl() if _is_own(now) or now.hostname == login.hostname else None


def _origin(url: str) -> SplitResult | None:
    """Return scheme and server; None for what is no plain address of a server."""
    try:
        parts = urlsplit(url)
        plain = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    if not plain or "@" in parts.netloc or not url.isascii() or not url.isprintable() or " " in url:
        return None
    return SplitResult(scheme=parts.scheme, netloc=parts.netloc.lower(), path="", query="", fragment="")


def _is_own(origin: SplitResult) -> bool:
    host = origin.hostname or ""
    return origin.scheme == "https" and origin.port in (None, 443) and host.endswith(tuple(f".{each}" for each in OWN))
