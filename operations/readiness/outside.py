"""What is seen of this installation at its public address: asked for over the network."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import httpx
from django.conf import settings

from operations.certificates import expiry_of
from operations.health import Measurement
from webhooks import probe

CERTIFICATE_DAYS = 14
TIMEOUT_SECONDS = 10.0
WANTED_HEADERS = (
    "Content-Security-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "Referrer-Policy",
)

_PROXY_FIX = (
    "See that the name in PUBLIC_BASE_URL leads to the proxy, that the proxy sends everything but"
    " /live/ to `web`, leaves body and X-Retell-Signature as they are, and that clocks agree."
)


def webhook_door() -> Measurement:
    """A signed delivery of our own, through the public address."""
    try:
        answer = probe.send()
    except httpx.HTTPError as error:
        found = f"The webhook door cannot be reached at the public address: {_cause(error)}."
        return Measurement("webhook-door", False, found, _PROXY_FIX)
    if answer.status_code == httpx.codes.NO_CONTENT:
        took_ms = answer.elapsed.total_seconds() * 1000
        found = f"A signed delivery was taken at the public address in {took_ms:.0f} ms."
        return Measurement("webhook-door", True, found)
    found = f"A signed delivery was answered {answer.status_code} at the public address."
    return Measurement("webhook-door", False, found, _PROXY_FIX)


def headers() -> Measurement:
    """Whether the sign-in page still carries its security headers behind the proxy."""
    try:
        answer = httpx.get(
            f"{settings.PUBLIC_BASE_URL}/sign-in/", timeout=TIMEOUT_SECONDS, trust_env=False
        )
    except httpx.HTTPError as error:
        found = f"The sign-in page cannot be reached at the public address: {_cause(error)}."
        return Measurement("headers", False, found, _PROXY_FIX)
    missing = [name for name in WANTED_HEADERS if name not in answer.headers]
    if not missing:
        return Measurement("headers", True, "The sign-in page carries the security headers.")
    found = f"Missing at the public address: {', '.join(missing)}."
    fix = "Let the proxy pass on the answer's headers, and serve over https: without it browsers"
    return Measurement("headers", False, found, f"{fix} would not heed HSTS, so none is sent.")


def certificate() -> Measurement:
    """Days until the certificate of the public address runs out."""
    if not settings.SECURE:
        found = "The public address is not https, so there is no certificate."
        fix = "Set PUBLIC_BASE_URL to https:// and let the proxy fetch a certificate."
        return Measurement("certificate", False, found, fix)
    try:
        days = _certificate_days()
    except (OSError, ValueError) as error:
        found = f"The certificate could not be read: {_cause(error)}."
        return Measurement("certificate", False, found, _PROXY_FIX)
    return Measurement(
        "certificate",
        days >= CERTIFICATE_DAYS,
        f"The certificate of the public address is good for {days:.0f} more days.",
        "See in the proxy's log why it did not fetch a new one: port 80 or 443 closed, or the name"
        " leads elsewhere.",
    )


def _certificate_days() -> float:
    parts = urlsplit(settings.PUBLIC_BASE_URL)
    expiry = expiry_of(parts.hostname or "", parts.port or 443)
    return (expiry - time.time()) / 86_400


def _cause(error: Exception) -> str:
    """Its kind, without text that could hold an address."""
    return type(error).__name__
