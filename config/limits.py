"""Rate limits by django-ratelimit: five tiers besides the pages', each with its figure in settings.

| tier | setting | counted for | with the cache gone |
|---|---|---|---|
| pages | PAGE_LIMIT, REFRESH_LIMIT | a person, or an address | let through |
| sign-in | SIGN_IN_LIMIT, SIGN_IN_ACCOUNT_LIMIT | an address; an account | let through |
| second factor | SECOND_FACTOR_LIMITS | a person, from anywhere | refused |
| refused webhooks | WEBHOOK_REFUSED_LIMIT | an address; a webhook URL | let through |
| API reads | API_READ_LIMIT | a key, a person, or an address | let through |
| API writes | API_WRITE_LIMIT | a key, a person, or an address | let through |
| exports and reports | EXPORT_LIMIT | a person, or a key | let through |

What is let through uncounted stands in the log. Counters carry no organization: whoever belongs to
several has one allowance, not one a host.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.http import HttpRequest
from django_ratelimit.core import _split_rate, get_usage

logger = logging.getLogger(__name__)

UNCOUNTED_WAIT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Use:
    """One use that was counted: `limit` in each `period_seconds`, of which so many are left until
    the period is over in `reset_seconds`."""

    limit: int
    period_seconds: int
    left: int
    reset_seconds: int
    is_over: bool

    @property
    def wait_seconds(self) -> int:
        return self.reset_seconds if self.is_over else 0


def count_use(request: HttpRequest, group: str, key: str, rate: str) -> Use | None:
    """Count one use of `key` against `rate` ("10/5m"); None, and a line in the log, with the
    cache gone."""
    try:
        usage = get_usage(request, group=group, key=lambda *_: key, rate=rate, increment=True)
    except Exception:  # noqa: BLE001 - django-ratelimit raises whatever the cache raises
        usage = None
    if usage is None:
        logger.warning("rate limit not counted, the cache is away", extra={"group": group})
        return None
    limit, count = int(usage["limit"]), int(usage["count"])
    _, period = _split_rate(rate)
    left = max(0, limit - count)
    return Use(limit, period, left, max(1, int(usage["time_left"])), bool(usage["should_limit"]))


def seconds_to_wait(
    request: HttpRequest, group: str, key: str, rate: str, *, closed: bool = False
) -> int:
    """Count one use of `key`; 0 if `rate` ("10/5m") allows it, else the seconds until it does.

    Fails open: with Redis gone it logs and lets people through; `closed`, it lets nobody.
    """
    use = count_use(request, group, key, rate)
    if use is None:
        return UNCOUNTED_WAIT_SECONDS if closed else 0
    return use.wait_seconds


def is_over_limit(
    request: HttpRequest, group: str, key: str, rate: str, *, closed: bool = False
) -> bool:
    """As `seconds_to_wait`, for those who do not say how long."""
    return seconds_to_wait(request, group, key, rate, closed=closed) > 0
