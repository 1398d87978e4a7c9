"""From one host to another without signing in again: cookies stay on their host, a one-time signed
link carries who it is. It counts for a minute, once, while the session it comes from is there."""

from __future__ import annotations

import secrets
from datetime import timedelta

import django_otp
from django.conf import settings
from django.contrib.auth import login
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django_otp.models import Device

from accounts import access, devices
from accounts.actions.sign_in import bind_session
from accounts.http import VisitorRequest
from accounts.models import ActingInside, Handover, Session, User
from accounts.sessions import session_id
from audit.actions import record
from audit.vocabulary import Action, Kind
from tenants.models import Organization, hash_token
from tenants.scope import door

VALID_SECONDS = 60
TOKEN_BYTES = 24

CAME_OVER = Action("accounts.came_over", "came over from another host", Kind.ACCESS)
ENTERED = Action("accounts.entered", "came in to look around", Kind.ACCESS)


def mint(
    request: VisitorRequest,
    user: User,
    organization: Organization | None,
    *,
    acting: ActingInside | None = None,
    path: str = "/",
) -> str:
    """A link to `path` on another host, for the person of this request."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    device = getattr(request.user, "otp_device", None)
    with door():
        Handover.objects.create(
            token_sha256=hash_token(token),
            user=user,
            organization=organization,
            device_id=device.persistent_id if device else "",
            from_session_id=session_id(request.session.session_key or ""),
            acting=acting,
            path=path,
            expires_at=timezone.now() + timedelta(seconds=VALID_SECONDS),
        )
    urlconf = settings.ROOT_URLCONF if organization else settings.PUBLIC_SCHEMA_URLCONF
    target = reverse("accounts:enter", args=[token], urlconf=urlconf)
    return organization.url(target) if organization else settings.PUBLIC_BASE_URL + target


def find(request: VisitorRequest, token: str) -> Handover | None:
    """The handover, if it leads to this host, still counts, and its person may come in."""
    with door():
        handover = (
            Handover.objects.filter(token_sha256=hash_token(token), used_at=None)
            .filter(expires_at__gt=timezone.now(), organization=request.organization)
            .select_related("user", "acting")
            .first()
        )
        if handover is None or not _still_signed_in(handover):
            return None
    return handover if _may_come_in(handover, request.organization) else None


def _still_signed_in(handover: Handover) -> bool:
    """Revoking the session it comes from revokes the link."""
    if handover.from_session_id is None:
        return False
    session = Session.objects.filter(id=handover.from_session_id, user=handover.user_id).first()
    return session is not None and not session.has_ended(timezone.now())


def _may_come_in(handover: Handover, organization: Organization | None) -> bool:
    user, acting = handover.user, handover.acting
    if not user.is_active:
        return False
    if acting is not None:
        return user.is_super_admin and bool(handover.device_id) and acting.is_running()
    return access.may_sign_in(user, organization)


def use(request: VisitorRequest, handover: Handover) -> bool:
    """Start the session here; False when another request was faster."""
    with door(), transaction.atomic():
        taken = Handover.objects.filter(pk=handover.pk, used_at=None).update(used_at=timezone.now())
        if not taken:
            return False
        user = handover.user
        login(request, user, backend="accounts.backends.DoorBackend")
        bind_session(request, user, limits=_limits(handover))
        del request.session[access.CONFIRMED_KEY]  # a link is no proof of who holds the browser
        if device := _device(handover):
            django_otp.login(request, device)
        if handover.acting is not None:
            request.session[access.ACTING_KEY] = str(handover.acting.pk)
        _record(request, handover)
    return True


def _limits(handover: Handover) -> str:
    if handover.acting is not None:
        return "acting"
    return "super_admin" if handover.user.is_super_admin else "member"


def _device(handover: Handover) -> Device | None:
    """The second factor they gave, if they still have it."""
    if not handover.device_id:
        return None
    device = Device.from_persistent_id(handover.device_id)
    return device if device is not None and device.user_id == handover.user_id else None


def _record(request: VisitorRequest, handover: Handover) -> None:
    acting = handover.acting
    record(
        ENTERED if acting else CAME_OVER,
        actor=handover.user,
        details={"device": devices.label_of(request)},
        reason=acting.reason if acting else "",
    )
