"""The inbound door: `POST /webhooks/retell/<token>/`, outside of sessions, CSRF and hosts.

| answer | when |
|---|---|
| 204 | stored (and applied, or kept for another try) |
| 200 | the synchronous inbound events: a valid empty answer, so Retell keeps its defaults |
| 401 | missing or wrong signature, or unknown URL: one body, the same work |
| 405, 413 | another method; more than 20 MB |
| 429 | refused too often; a correctly signed delivery is never limited |
| 503 | the database is away; Retell tries again |
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import connection
from django.http import HttpRequest, UnreadablePostError
from rest_framework.exceptions import APIException, MethodNotAllowed, Throttled
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, exception_handler

from config.addresses import client_address
from config.metrics import DELIVERIES, DELIVERY_AGE, REFUSALS
from notifications import signals
from tenants.models import hash_token
from webhooks import actions, probe, refusals, signature, usage
from webhooks.endpoints import Endpoint, find_endpoint
from webhooks.exceptions import StorageUnavailable
from webhooks.models import DeliveryState
from webhooks.signature import Refusal, Verdict

logger = logging.getLogger(__name__)

T = TypeVar("T")
ExceptionHandler = Callable[[Exception, dict[str, Any]], Response | None]

SIGNATURE_HEADER = "X-Retell-Signature"
# Named one by one, so that no secret is among them: no signature, authorization, cookie.
KEPT_HEADERS = ("Content-Type", "Content-Length", "User-Agent", "X-Request-ID")
HEADER_MAX_LENGTH = 200
_NOT_PLAIN = re.compile(r"[^\x20-\x7e]")
DATABASE_RETRY_AFTER_SECONDS = 5


class Refused(APIException):
    status_code = 401
    default_detail = "The delivery was refused. Check the webhook URL and its key."
    default_code = "refused"


class BodyTooLarge(APIException):
    status_code = 413
    default_detail = "The body is larger than 20 MB. Nothing was stored."
    default_code = "too_large"


class DatabaseAway(APIException):
    status_code = 503
    default_detail = "The delivery could not be stored just now. Please send it again."
    default_code = "unavailable"


class _AlwaysJson(BaseContentNegotiation):
    """Whatever `Accept` or `?format=` say: a signed event must not be lost to them."""

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class RetellDoor(APIView):
    """Verify, store, apply, answer."""

    content_negotiation_class = _AlwaysJson
    authentication_classes = ()
    permission_classes = ()
    # What was signed is never limited; what was refused is counted by webhooks.refusals.
    throttle_classes = ()
    parser_classes: tuple[type[BaseParser], ...] = ()
    http_method_names = ("post",)

    def post(self, request: Request, token: str) -> Response:
        django_request = request._request
        body = _read_body(django_request)
        # Storing is idempotent and tries twice, so the connection need not be asked first.
        connection.health_check_done = True  # type: ignore[attr-defined]  # not in the stubs
        try:
            return _take(django_request, token, body)
        except StorageUnavailable:
            # The connection may have died, or the organization been deleted meanwhile.
            connection.close()
        try:
            return _take(django_request, token, body, fresh=True)
        except StorageUnavailable as error:
            # Without the cause's text, which may quote the row.
            logger.error("a delivery was not stored, the database is away")  # noqa: TRY400
            connection.close()
            raise DatabaseAway from error

    def get_exception_handler(self) -> ExceptionHandler:
        """Not the API's, whose answers name the request: all refusals are one and the same."""
        return exception_handler

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(exc)
        if isinstance(exc, DatabaseAway):
            response.headers["Retry-After"] = str(DATABASE_RETRY_AFTER_SECONDS)
        return response

    def http_method_not_allowed(  # type: ignore[override]  # as in DRF's own stubs
        self, request: Request, *args: object, **kwargs: object
    ) -> Response:
        raise MethodNotAllowed(str(request.method))


def _take(request: HttpRequest, token: str, body: bytes, *, fresh: bool = False) -> Response:
    """Verify, store, answer. A refusal is decided by what the database says now, not the cache."""
    endpoint = find_endpoint(token, fresh=fresh)
    verdict = _verify(request, body, endpoint)
    if verdict.refusal is not None and not fresh:
        with suppress(StorageUnavailable):  # then what the cache says has to do
            endpoint = find_endpoint(token, fresh=True)
            verdict = _verify(request, body, endpoint)
    if endpoint is None and probe.is_probe(token):
        return _answer_probe(request, body)
    if verdict.refusal is not None or endpoint is None:
        return _refuse(request, endpoint, token, verdict)
    began = time.perf_counter()
    receipt = actions.receive(
        endpoint,
        body,
        source_address=client_address(request),
        key_index=verdict.key_index,
        key_id=verdict.key_id,
        headers=_kept_headers(request),
    )
    _count(receipt, time.perf_counter() - began)
    return _accept(endpoint, receipt)


def _count(receipt: actions.Receipt, seconds: float) -> None:
    DELIVERIES.labels("repetition" if receipt.is_repetition else receipt.state.value).inc()
    if receipt.state == DeliveryState.APPLIED and not receipt.is_repetition:
        DELIVERY_AGE.labels("door").observe(seconds)


def _answer_probe(request: HttpRequest, body: bytes) -> Response:
    """As a delivery of our own deserves: verified, with the database asked, and nothing stored."""
    header = request.headers.get(SIGNATURE_HEADER)
    now_ms = time.time_ns() // 1_000_000
    if signature.verify(body, header, (probe.key(),), now_ms=now_ms).refusal is not None:
        raise Refused
    probe.ask_database()
    return Response(status=204)


def _accept(endpoint: Endpoint, receipt: actions.Receipt) -> Response:
    usage.note(endpoint.schema_name, endpoint.id)
    if not receipt.is_repetition:
        signals.changed(endpoint.organization_id, *actions.topics(receipt.parsed))
    if receipt.parsed is not None and receipt.parsed.inbound:
        return Response({receipt.parsed.event: {}})
    return Response(status=204)


def _read_body(request: HttpRequest) -> bytes:
    """The raw bytes, whatever the content type says: a signed event must not be lost to a header.

    A proxy may send it in chunks, without a length; Django would take that for an empty body.
    """
    length = request.META.get("CONTENT_LENGTH") or ""
    if length.isdecimal() and int(length[:20]) > settings.WEBHOOK_MAX_BODY_BYTES:
        raise BodyTooLarge
    in_chunks = not length and request.META.get("wsgi.input_terminated")
    source = request.META["wsgi.input"] if in_chunks else request
    try:
        body: bytes = source.read(settings.WEBHOOK_MAX_BODY_BYTES + 1)
    except (UnreadablePostError, RequestDataTooBig) as error:
        raise BodyTooLarge from error
    if len(body) > settings.WEBHOOK_MAX_BODY_BYTES:
        raise BodyTooLarge
    return body


def _kept_headers(request: HttpRequest) -> dict[str, str]:
    """Plain ASCII and cut: whatever was sent can be stored."""
    found = {name: request.headers.get(name) for name in KEPT_HEADERS}
    return {
        name: _NOT_PLAIN.sub("?", value[:HEADER_MAX_LENGTH])
        for name, value in found.items()
        if value
    }


def _verify(request: HttpRequest, body: bytes, endpoint: Endpoint | None) -> Verdict:
    """The same work whether the token is known, expired or neither: a dummy key stands in."""
    verdict = signature.verify(
        body,
        request.headers.get(SIGNATURE_HEADER),
        endpoint.keys if endpoint else (),
        now_ms=time.time_ns() // 1_000_000,
    )
    if endpoint is None:
        return Verdict(refusal=Refusal.UNKNOWN_TOKEN)
    return Verdict(refusal=Refusal.EXPIRED_URL) if endpoint.is_expired else verdict


def _refuse(
    request: HttpRequest, endpoint: Endpoint | None, token: str, verdict: Verdict
) -> Response:
    refusal = verdict.refusal or Refusal.UNKNOWN_TOKEN
    is_counted = refusals.count(endpoint.schema_name if endpoint else "", refusal)
    REFUSALS.labels(refusal.value).inc()
    logger.info("webhook refused", extra={"cause": refusal.value})
    if is_counted and refusals.is_limited(request, hash_token(token).hex()[:16]):
        raise Throttled(refusals.RETRY_AFTER_SECONDS)
    raise Refused
