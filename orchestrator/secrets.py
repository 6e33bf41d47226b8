"""Secrets at rest: credentials are sealed so that a stolen row is useless, and a moved row does not open.

AES-256-GCM (NIST SP 800-38D) with the row as associated data. A sealed text is `v1.<key id>.<base64url>`; the key's id
is derived from the key, so several keys can open while the first one seals, and a rotation needs no flag day.
"""

import binascii
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes, token_urlsafe
from typing import Any, NamedTuple, Self

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from orchestrator.job.errors import Invalid, OrchestratorError

FORMAT = "v1"
KEY_BYTES = 32
NONCE_BYTES = 12  # random; safe for 2^32 messages under one key, and credentials are few
API_KEY_PREFIX = "bh_"  # so that scanners for leaked secrets can know it
API_KEY_BYTES = 32


class Unopenable(OrchestratorError):
    """A sealed text does not open: its key is not there, it belongs to another row, or it was damaged."""

    code = "unopenable"

    def __init__(self, reason: str) -> None:
        super().__init__(f"a secret does not open: {reason}")


class Keyring:
    """Several keys: the first seals, all open. Thread-safe."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Take keys of 32 bytes; raises Invalid for none, or for one of another length."""
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise Invalid("BULKHEAD_KEYS", "is not a list of keys of 32 bytes", "Make one with `bulkhead keys new`.")
        self._ciphers = {key_id(key): AESGCM(key) for key in keys}
        self.current = key_id(keys[0])

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self._ciphers)})"

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read keys from a list, separated by commas or spaces, of base64 (standard or URL-safe); raises Invalid."""
        return cls([_decode_key(each) for each in text.replace(",", " ").split()])

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read keys from a file, made with one new key and mode 0600 where it is not; safe for several at once.

        Raises Invalid.
        """
        if not path.exists():
            _write_once(path, generate())
        return cls.from_text(path.read_text())

    def seal(self, plain: bytes, context: bytes) -> str:
        """Encrypt `plain`, bound to `context`: it opens only together with the same bytes."""
        nonce = token_bytes(NONCE_BYTES)
        sealed = nonce + self._ciphers[self.current].encrypt(nonce, plain, context)
        return f"{FORMAT}.{self.current}.{urlsafe_b64encode(sealed).decode()}"

    def open(self, sealed: str, context: bytes) -> bytes:
        """Return what was sealed under this context; raises Unopenable."""
        name, data = _parse(sealed)
        cipher = self._ciphers.get(name)
        if cipher is None:
            raise Unopenable(f"there is no key {name}")
        try:
            return cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], context)
        except InvalidTag:
            raise Unopenable("it is damaged, or was sealed for another row") from None

    def is_current(self, sealed: str) -> bool:
        """Whether the text is sealed with the first key; if not, a rotation seals it anew."""
        return sealed.startswith(f"{FORMAT}.{self.current}.")


class NewApiKey(NamedTuple):
    """An API key at the only moment its text is known."""

    text: str
    hash: str

    def __repr__(self) -> str:
        return f"NewApiKey(hash={self.hash!r})"


def generate() -> str:
    """Return a new key in the form that `Keyring.from_text` reads."""
    return urlsafe_b64encode(token_bytes(KEY_BYTES)).decode()


def key_id(key: bytes) -> str:
    """Return the public name of a key: 8 hexadecimal digits of a hash."""
    return sha256(b"bulkhead key id\0" + key).hexdigest()[:8]


def new_api_key() -> NewApiKey:
    """Return a new random API key of 256 bits and the hash to keep of it."""
    text = API_KEY_PREFIX + token_urlsafe(API_KEY_BYTES)
    return NewApiKey(text, hash_api_key(text))


def hash_api_key(text: str) -> str:
    """Return the SHA-256 of an API key, hexadecimal; a slow hash would add nothing to 256 random bits."""
    return sha256(text.encode()).hexdigest()


def _parse(sealed: str) -> tuple[str, bytes]:
    parts = sealed.split(".")
    if len(parts) != 3 or parts[0] != FORMAT:
        raise Unopenable("it is not in a form that this version knows")
    try:
        return parts[1], urlsafe_b64decode(parts[2])
    except (binascii.Error, ValueError):
        raise Unopenable("it is damaged") from None


def _decode_key(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text.replace("+", "-").replace("/", "_") + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""  # refused for its length, without being shown


def _write_once(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{token_urlsafe(6)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(fresh)  # whole or not at all, and never over one that is there
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def signed_jwt(private_key: str, claims: Mapping[str, Any]) -> str:
    """Return the claims as a JWT signed with RS256 (RFC 7519; RFC 7518, 3.3).

    `private_key` is PEM, of RSA and without a password; raises Invalid (`credentials.privateKey`) for any other.
    """
    head = json.dumps({"alg": "RS256", "typ": "JWT"}).encode()
    body = json.dumps(dict(claims)).encode()
    text = b".".join(map(_unpadded, (head, body)))
    signature = _rsa_key(private_key).sign(text, PKCS1v15(), SHA256())
    return b".".join((text, _unpadded(signature))).decode()


def _rsa_key(pem: str) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, RSAPrivateKey):
        return key
    raise Invalid("credentials.privateKey", "is not an RSA key in PEM without a password", "Paste the whole file.")


def _unpadded(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw).rstrip(b"=")
