"""Rate limits by django-ratelimit."""

from __future__ import annotations

import logging

from django.http import HttpRequest
from django_ratelimit.core import get_usage

logger = logging.getLogger(__name__)


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
