"""Browsers: what one is called in lists and mails, and whether it was here before."""

from __future__ import annotations

import secrets

import ua_parser
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import KnownDevice, User
from tenants.models import hash_token
from tenants.scope import door

LABEL_MAX_LENGTH = 120
USER_AGENT_MAX_LENGTH = 400
UNKNOWN = "Unknown device"
TOKEN_BYTES = 24
COOKIE_AGE_SECONDS = 400 * 24 * 3600


def label_of(request: HttpRequest) -> str:
    """ "Chrome on Windows", as far as the browser says."""
    sent = request.headers.get("User-Agent", "")[:USER_AGENT_MAX_LENGTH]
    parsed = ua_parser.parse(sent)
    names = [part.family for part in (parsed.user_agent, parsed.os) if part is not None]
    return " on ".join(names)[:LABEL_MAX_LENGTH] or UNKNOWN


def token_of(request: HttpRequest) -> str:
    """What this browser's cookie says; anybody can send anything."""
    return request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")[:64]


def is_known(token: str, email: str) -> bool:
    """Whether the account with this address was signed in from this browser before."""
    with door():
        return KnownDevice.objects.filter(
            token_sha256=hash_token(token), user__email=email
        ).exists()


def remember(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """Know this browser the next time; a cookie that is no secret of the person's is enough."""
    token = token_of(request) or secrets.token_urlsafe(TOKEN_BYTES)
    with door():
        KnownDevice.objects.update_or_create(
            user=user, token_sha256=hash_token(token), defaults={"last_used_at": timezone.now()}
        )
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        token,
        max_age=COOKIE_AGE_SECONDS,
        secure=settings.SECURE,
        httponly=True,
        samesite="Lax",
    )


def is_new_for(request: HttpRequest, user: User) -> bool:
    """Whether to tell them: not the first browser of all, and not one that was here before."""
    with door():
        known = KnownDevice.objects.filter(user=user)
        was_here = known.filter(token_sha256=hash_token(token_of(request))).exists()
        return not was_here and known.exists()
