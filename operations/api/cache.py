"""What scripts of the operator's staff ask; on the operator host, with their session."""

from __future__ import annotations

from typing import Any, cast

from django_redis import get_redis_connection
from redis.exceptions import RedisError
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import APIException
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.http import VisitorRequest


class IsOperator(BasePermission):
    """A super admin who gave their second factor, on the operator host."""

    message = "Sign in on the operator host with your second factor."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return cast(VisitorRequest, request._request).standing.is_operator


class CacheAway(APIException):
    status_code = 503
    default_detail = "The cache does not answer. Pages go on without it; nothing is lost."
    default_code = "cache_away"


class CacheStatistics(APIView):
    """`GET /api/cache/stats`: how often the cache knew the answer, since it was started."""

    authentication_classes = (SessionAuthentication,)
    permission_classes = (IsOperator,)

    def get(self, request: Request) -> Response:
        try:
            return Response(statistics(get_redis_connection().info()))
        except RedisError as error:
            raise CacheAway from error


def statistics(info: dict[str, Any]) -> dict[str, Any]:
    """Counts, the share of hits between 0 and 1 (none before the first question), bytes used."""
    hits, misses = int(info["keyspace_hits"]), int(info["keyspace_misses"])
    asked = hits + misses
    return {
        "hits": hits,
        "misses": misses,
        "hit_rate": round(hits / asked, 4) if asked else None,
        "keys": sum(int(db["keys"]) for name, db in info.items() if name.startswith("db")),
        "evicted_keys": int(info["evicted_keys"]),
        "used_memory_bytes": int(info["used_memory"]),
        "uptime_seconds": int(info["uptime_in_seconds"]),
    }
