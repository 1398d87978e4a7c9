"""Rate limits by django-ratelimit: five tiers besides the pages', each with its figure in settings.

| tier | setting | counted for | with the cache gone |
|---|---|---|---|
| pages | PAGE_LIMIT, REFRESH_LIMIT | a person, or an address | let through |
| sign-in | SIGN_IN_LIMIT, SIGN_IN_ACCOUNT_LIMIT | an address; an account | let through |
| second factor | SECOND_FACTOR_LIMITS | a person, from anywhere | refused |
| refused webhooks | WEBHOOK_REFUSED_LIMIT | an address; a webhook URL | let through |
| API reads | API_READ_LIMIT | a person, or an address | let through |
| API writes | API_WRITE_LIMIT | a person, or an address | let through |
| exports and reports | EXPORT_LIMIT | a person | let through |

What is let through uncounted stands in the log. Counters carry no organization: whoever belongs to
several has one allowance, not one a host.
"""

from __future__ import annotations

import logging

from django.http import HttpRequest
from django_ratelimit.core import get_usage

logger = logging.getLogger(__name__)

UNCOUNTED_WAIT_SECONDS = 30


def seconds_to_wait(
    request: HttpRequest, group: str, key: str, rate: str, *, closed: bool = False
) -> int:
    """Count one use of `key`; 0 if `rate` ("10/5m") allows it, else the seconds until it does.

    Fails open: with Redis gone it logs and lets people through; `closed`, it lets nobody.
    """
    try:
        usage = get_usage(request, group=group, key=lambda *_: key, rate=rate, increment=True)
    except Exception:  # noqa: BLE001 - django-ratelimit raises whatever the cache raises
        usage = None
    if usage is None:
        logger.warning("rate limit not counted, the cache is away", extra={"group": group})
        return UNCOUNTED_WAIT_SECONDS if closed else 0
    return max(1, int(usage["time_left"])) if usage["should_limit"] else 0


def is_over_limit(
    request: HttpRequest, group: str, key: str, rate: str, *, closed: bool = False
) -> bool:
    """As `seconds_to_wait`, for those who do not say how long."""
    return seconds_to_wait(request, group, key, rate, closed=closed) > 0
