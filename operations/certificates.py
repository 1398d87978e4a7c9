"""When the certificate expires that people and Retell meet at `PUBLIC_BASE_URL`."""

from __future__ import annotations

import logging
import socket
import ssl
from urllib.parse import urlsplit

from cryptography import x509
from django.conf import settings
from django.core.cache import cache

logger = logging.getLogger(__name__)

EXPIRY_KEY = "certificate-expires-at"
# Measured each hour; what was measured once counts until it is known better.
KEPT_SECONDS = 7 * 24 * 3600
TIMEOUT_SECONDS = 5


def expiry_of(host: str, port: int) -> float:
    """Seconds since 1970. Whoever issued it: an expired one is to be read, too.

    Raises `OSError` when no certificate is shown.
    """
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # nothing is sent, and nothing but its dates believed
    with (
        socket.create_connection((host, port), timeout=TIMEOUT_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host) as secured,
    ):
        certificate = secured.getpeercert(binary_form=True) or b""
    return x509.load_der_x509_certificate(certificate).not_valid_after_utc.timestamp()


def measure() -> None:
    """Remember the date for `/metrics`; nothing to do without https."""
    parts = urlsplit(settings.PUBLIC_BASE_URL)
    if parts.scheme != "https" or not parts.hostname:
        return
    try:
        expiry = expiry_of(parts.hostname, parts.port or 443)
    except (OSError, ValueError):
        logger.warning("the certificate of PUBLIC_BASE_URL could not be read")
        return
    cache.set(EXPIRY_KEY, expiry, KEPT_SECONDS)
