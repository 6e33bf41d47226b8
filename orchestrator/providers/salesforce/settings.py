"""The settings of a Salesforce connection, and the addresses that follow from them."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from orchestrator.job.errors import Invalid

LOGIN = "https://login.salesforce.com"
DEFAULT_VERSION = "61.0"  # a release that every org serves
OLDEST = 47.0  # the first with query jobs
LEAST_INTERVAL, MOST_INTERVAL = 60_000, 86_400_000  # ms; 3,600 logins an hour and user, sessions of a day at most
NAMES = ("apiVersion", "tokenEndpointHostname", "intervalTime", "registryPath")
VERSION = re.compile(r"v?(\d{2,3})(\.0)?")


def check_settings(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the settings with their defaults; raises Invalid for an unknown one, or one that cannot be right."""
    for name in settings:
        if name not in NAMES:
            advice = f"Known: {', '.join(NAMES)}."
            raise Invalid(f"settings.{name}", "Salesforce has no such setting", advice, code="unknown_setting")
    _check_kind(settings, "intervalTime", int, "a number of milliseconds")
    interval = settings.get("intervalTime")
    if interval is not None and not LEAST_INTERVAL <= interval <= MOST_INTERVAL:
        advice = f"Permitted: {LEAST_INTERVAL} to {MOST_INTERVAL}."
        raise Invalid("settings.intervalTime", "is no sensible number of milliseconds", advice)
    _check_kind(settings, "registryPath", str, "a text")
    return {
        **settings,
        "apiVersion": _version(settings.get("apiVersion", DEFAULT_VERSION)),
        "tokenEndpointHostname": _host(settings.get("tokenEndpointHostname", LOGIN)),
    }


def base_path(settings: Mapping[str, Any]) -> str:
    """Return the path below which the resources of the connection's API version are."""
    return f"/services/data/v{settings.get('apiVersion', DEFAULT_VERSION)}"


def async_path(settings: Mapping[str, Any]) -> str:
    """Return the path below which the resources of Bulk API 1.0 are, in the connection's API version."""
    return f"/services/async/{settings.get('apiVersion', DEFAULT_VERSION)}"


def token_url(settings: Mapping[str, Any]) -> str:
    """Return where tokens are asked for."""
    return f"{settings.get('tokenEndpointHostname', LOGIN)}/services/oauth2/token"


def token_age(settings: Mapping[str, Any]) -> timedelta | None:
    """Return the age from which on a token is renewed before it is used; None: only the org's refusal tells."""
    interval = settings.get("intervalTime")
    return None if interval is None else timedelta(milliseconds=interval)


def _check_kind(settings: Mapping[str, Any], name: str, kind: type, words: str) -> None:
    given = settings.get(name)
    if given is not None and (not isinstance(given, kind) or isinstance(given, bool)):
        raise Invalid(f"settings.{name}", f"is not {words}", "Correct it, or leave it out.")


def _version(given: object) -> str:
    found = VERSION.fullmatch(str(given))
    version = f"{found[1]}.0" if found else ""
    if not found or float(version) < OLDEST:
        problem = "is no version of the API that has query jobs"
        raise Invalid("settings.apiVersion", problem, f"Like {DEFAULT_VERSION}; {OLDEST} at least.", code="invalid")
    return version


def _host(given: object) -> str:
    text = str(given).rstrip("/")
    text = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.path and "@" not in text
    except ValueError:
        usable = False
    if not usable or not text.isprintable() or " " in text or parts.query or parts.fragment:
        raise Invalid("settings.tokenEndpointHostname", "is no address of a server", f"Like {LOGIN}.")
    return text
