"""Secrets at rest: AES-256-GCM, bound to the organization and field they belong to.

A ciphertext copied to another organization, or to another field, does not decrypt: both names are
associated data. `ENCRYPTION_KEYS` is a ring, newest first; the key's version is stored in front.
"""

from __future__ import annotations

import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from config.environment import parse_key_ring

NONCE_BYTES = 12


class DecryptionError(Exception):
    """The stored secret does not belong here, was changed, or its key left the ring."""


@lru_cache(maxsize=8)
def _ring(text: str) -> dict[int, AESGCM]:
    return {version: AESGCM(key) for version, key in parse_key_ring(text).items()}


def _associated_data(organization_id: object, field: str, version: int) -> bytes:
    return f"{organization_id}|{field}|{version}".encode()


def newest_version() -> int:
    """Of the key that encrypts; the others of the ring only decrypt."""
    return next(iter(_ring(settings.ENCRYPTION_KEYS)))


def encrypt(plaintext: str, *, organization_id: object, field: str) -> bytes:
    """version byte + 12-byte nonce + ciphertext and tag."""
    version, cipher = next(iter(_ring(settings.ENCRYPTION_KEYS).items()))
    nonce = os.urandom(NONCE_BYTES)
    data = _associated_data(organization_id, field, version)
    return bytes([version]) + nonce + cipher.encrypt(nonce, plaintext.encode(), data)


def decrypt(stored: bytes | memoryview, *, organization_id: object, field: str) -> str:
    """The plaintext; raises `DecryptionError` for anything not encrypted for exactly this place."""
    stored = bytes(stored)
    cipher = _ring(settings.ENCRYPTION_KEYS).get(stored[0]) if stored else None
    if cipher is None or len(stored) < 1 + NONCE_BYTES:
        raise DecryptionError(f"No key of the ring encrypted {field}.")
    nonce, sealed = stored[1 : 1 + NONCE_BYTES], stored[1 + NONCE_BYTES :]
    data = _associated_data(organization_id, field, stored[0])
    try:
        return cipher.decrypt(nonce, sealed, data).decode()
    except InvalidTag as error:
        raise DecryptionError(f"{field} was encrypted for another place or was changed.") from error
