"""`/health`: 200 once everything is ready to use, 503 with the failing part's name otherwise."""

from __future__ import annotations

import logging

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from tenants.scope import platform

logger = logging.getLogger(__name__)


def _database_ready() -> bool:
    try:
        with platform(), connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM tenants_organization WHERE false")
    except DatabaseError:
        logger.warning("health: the database does not answer", exc_info=True)
        connection.close()
        return False
    return True


def answer(request: HttpRequest) -> HttpResponse:
    if request.method not in ("GET", "HEAD"):
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
    database = _database_ready()
    # Redis is a cache and its absence no reason to be taken out of service, so it is not asked.
    if database:
        return JsonResponse({"status": "ok"})
    return JsonResponse(
        {"status": "unavailable", "reason": "The database does not answer."},
        status=503,
        headers={"Retry-After": "5"},
    )
