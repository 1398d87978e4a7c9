"""Rate limits by django-ratelimit, and the address they are counted for."""

from __future__ import annotations

import ipaddress
import logging

from django.conf import settings
from django.http import HttpRequest
from django_ratelimit.core import get_usage

logger = logging.getLogger(__name__)


def client_address(request: HttpRequest) -> str:
    """The socket's peer, or what a configured proxy says of it.

    `X-Forwarded-For` is read from the right, past our own proxies only: everything further left
    was written by the client and may be a lie.
    """
    peer: str = request.META.get("REMOTE_ADDR", "")
    if peer not in settings.TRUSTED_PROXIES:
        return peer
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
    for hop in reversed(hops):
        if hop in settings.TRUSTED_PROXIES:
            continue
        try:
            return str(ipaddress.ip_address(hop))
        except ValueError:
            break
    return peer


def is_over_limit(
    request: HttpRequest, group: str, key: str, rate: str, *, closed: bool = False
) -> bool:
    """Count one use of `key`; whether that was more than `rate` ("10/5m") allows.

    Fails open: with Redis gone it logs and lets people through; `closed`, it lets nobody.
    """
    try:
        usage = get_usage(request, group=group, key=lambda *_: key, rate=rate, increment=True)
    except Exception:  # noqa: BLE001 - django-ratelimit raises whatever the cache raises
        usage = None
    if usage is None:
        logger.warning("rate limit not counted, the cache is away", extra={"group": group})
        return closed
    return bool(usage["should_limit"])
