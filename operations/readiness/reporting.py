"""Whether the error reporting accepts what it is sent."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import httpx
from django.conf import settings
from sentry_sdk.consts import EndpointType
from sentry_sdk.envelope import Envelope
from sentry_sdk.utils import BadDsn, Dsn

from operations.health import Measurement

MESSAGE = "Test event of the readiness page"
CLIENT = "switchboard-readiness/1"
TIMEOUT_SECONDS = 10.0

_FIX = (
    "Set SENTRY_DSN to your project's address, see that this host may reach it, and restart every"
    " process."
)


def sentry() -> Measurement:
    """Send an event of our own, past the SDK, which does not say what became of one."""
    if not settings.SENTRY_DSN:
        return Measurement("sentry", False, "SENTRY_DSN is not set; errors stay in logs.", _FIX)
    try:
        answer = _send(Dsn(settings.SENTRY_DSN))
    except (httpx.HTTPError, BadDsn) as error:
        found = f"The error reporting cannot be reached: {type(error).__name__}."
        return Measurement("sentry", False, found, _FIX)
    found = f"The error reporting answered {answer.status_code} to a test event."
    if answer.is_success:
        found = "The error reporting accepted a test event."
    return Measurement("sentry", answer.is_success, found, _FIX)


def _send(dsn: Dsn) -> httpx.Response:
    auth = dsn.to_auth(CLIENT)
    return httpx.post(
        auth.get_api_url(EndpointType.ENVELOPE),
        content=_envelope().serialize(),
        headers={
            "X-Sentry-Auth": auth.to_header(),
            "Content-Type": "application/x-sentry-envelope",
        },
        timeout=TIMEOUT_SECONDS,
        trust_env=False,
    )


def _envelope() -> Envelope:
    event_id = uuid.uuid4().hex
    envelope = Envelope(headers={"event_id": event_id, "sent_at": datetime.now(UTC).isoformat()})
    envelope.add_event(
        {
            "event_id": event_id,
            "message": MESSAGE,
            "level": "info",
            "environment": settings.SENTRY_ENVIRONMENT,
            "release": settings.RELEASE,
            "timestamp": datetime.now(UTC),
        }
    )
    return envelope
