"""The last requests of an organization's programs, for its page: a short list in Redis.

They help while something is being connected; without Redis they are not noted, and nothing that
matters is lost: what programs change stands in the audit log.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from django_redis import get_redis_connection
from redis.exceptions import RedisError

from accounts.access import host_key
from accounts.http import ApiRequest
from tenants.models import Organization

logger = logging.getLogger(__name__)

KEPT = 50
KEPT_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Recent:
    """One request. The path without its parameters: they may hold a number."""

    at: str
    caller: str
    method: str
    path: str
    status: int
    took_ms: int
    request_id: str

    @property
    def when(self) -> datetime:
        return datetime.fromisoformat(self.at)

    @property
    def tone(self) -> str:
        if self.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return "bad"
        return "warn" if self.status >= HTTPStatus.BAD_REQUEST else "ok"


def note(request: ApiRequest, *, status: int, took_ms: int) -> None:
    """One round trip; the list never grows beyond `KEPT`."""
    recent = Recent(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        caller=request.user.display_name,
        method=request.method or "",
        path=request.path_info,
        status=status,
        took_ms=took_ms,
        request_id=request.request_id,
    )
    key = _key(request.organization)
    try:
        pipeline = get_redis_connection().pipeline(transaction=False)
        pipeline.lpush(key, json.dumps(asdict(recent)))
        pipeline.ltrim(key, 0, KEPT - 1)
        pipeline.expire(key, KEPT_SECONDS)
        pipeline.execute()
    except RedisError:
        logger.warning("an API request was not noted, the cache is away")


def latest(organization: Organization | None) -> list[Recent] | None:
    """Newest first; None with Redis gone."""
    try:
        lines = get_redis_connection().lrange(_key(organization), 0, KEPT - 1)
    except RedisError:
        return None
    return [Recent(**json.loads(line)) for line in lines]


def _key(organization: Organization | None) -> str:
    return f"api-recent:{host_key(organization)}"
