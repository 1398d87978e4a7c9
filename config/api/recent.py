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
# Of those nobody is known by: they must not push the others out.
KEPT_STRANGERS = 10
PATH_LENGTH = 200
KEPT_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Recent:
    """One request. The path without its parameters: they may hold a number; `caller` is empty when
    it was refused because nobody knows who asked."""

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


def note(request: ApiRequest, *, status: int, took_ms: int, is_known: bool) -> None:
    """One round trip; the list never grows beyond `KEPT`."""
    recent = Recent(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        caller=request.user.display_name if is_known else "",
        method=request.method or "",
        path=request.path_info[:PATH_LENGTH],
        status=status,
        took_ms=took_ms,
        request_id=request.request_id,
    )
    key = _key(request.organization, is_known=is_known)
    try:
        pipeline = get_redis_connection().pipeline(transaction=False)
        pipeline.lpush(key, json.dumps(asdict(recent)))
        pipeline.ltrim(key, 0, (KEPT if is_known else KEPT_STRANGERS) - 1)
        pipeline.expire(key, KEPT_SECONDS)
        pipeline.execute()
    except RedisError:
        logger.warning("an API request was not noted, the cache is away")


def latest(organization: Organization | None) -> list[Recent] | None:
    """Newest first; None with Redis gone."""
    try:
        redis = get_redis_connection()
        lines = [
            line
            for is_known in (True, False)
            for line in redis.lrange(_key(organization, is_known=is_known), 0, KEPT - 1)
        ]
    except RedisError:
        return None
    found = [Recent(**json.loads(line)) for line in lines]
    return sorted(found, key=lambda one: one.at, reverse=True)


def _key(organization: Organization | None, *, is_known: bool) -> str:
    return f"api-recent{'' if is_known else '-refused'}:{host_key(organization)}"
