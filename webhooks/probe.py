"""A signed delivery of our own, that shows from outside whether the door answers.

It comes by a webhook URL and a key that follow from SECRET_KEY and belong to no organization; the
door verifies it like any other, asks the database, and stores nothing.
"""

from __future__ import annotations

import base64
import time

import httpx
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils.crypto import constant_time_compare, salted_hmac

from tenants.scope import door
from webhooks import signature
from webhooks.exceptions import StorageUnavailable

BODY = b'{"event":"switchboard_probe"}'
TIMEOUT_SECONDS = 10.0


def token() -> str:
    """What stands in its webhook URL."""
    return _derived("url")


def key() -> str:
    """What it is signed with."""
    return _derived("key")


def _derived(purpose: str) -> str:
    digest = salted_hmac(f"webhooks.probe.{purpose}", "", algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def is_probe(given: str) -> bool:
    return constant_time_compare(given, token())


def ask_database() -> None:
    """Raises `StorageUnavailable` when a delivery could not be stored now."""
    try:
        with door(), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        raise StorageUnavailable from error


def send() -> httpx.Response:
    """Deliver it to this installation's own public address. Raises `httpx.HTTPError`."""
    timestamp = str(time.time_ns() // 1_000_000)
    header = f"v={timestamp},d={signature.digest(BODY, key(), timestamp)}"
    return httpx.post(
        f"{settings.PUBLIC_BASE_URL}/webhooks/retell/{token()}/",
        content=BODY,
        headers={"X-Retell-Signature": header, "Content-Type": "application/json"},
        timeout=TIMEOUT_SECONDS,
        trust_env=False,
    )
