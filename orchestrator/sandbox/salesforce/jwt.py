"""Reads the assertion of the JWT bearer flow, and checks who signed it."""

import base64
import binascii
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate


def claims(assertion: str, public_key: str) -> dict[str, Any]:
    """Return the claims of an assertion that the key (PEM, or a certificate) has signed with RS256; else ValueError."""
    try:
        head, body, signature = assertion.split(".")
        if msgspec.json.decode(_bytes(head), type=dict[str, Any]).get("alg") != "RS256":
            raise ValueError("not RS256")
        _key(public_key).verify(_bytes(signature), f"{head}.{body}".encode(), PKCS1v15(), SHA256())
        return msgspec.json.decode(_bytes(body), type=dict[str, Any])
    except (binascii.Error, InvalidSignature, msgspec.MsgspecError) as error:
        raise ValueError("not signed by the app's key") from error


def _bytes(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _key(pem: str) -> RSAPublicKey:
    raw = pem.encode()
    key = load_pem_x509_certificate(raw).public_key() if b"CERTIFICATE" in raw else load_pem_public_key(raw)
    if isinstance(key, RSAPublicKey):
        return key
    raise ValueError("not an RSA key")
