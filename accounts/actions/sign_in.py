"""Signing in: password, second factor, session."""

from __future__ import annotations

import django_otp
from django.contrib.auth import authenticate, login, logout
from django.db import transaction
from django.utils import timezone
from django_otp.models import Device
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import access, devices
from accounts.factors import devices_of
from accounts.http import VisitorRequest
from accounts.models import Membership, RecoveryCodes, User
from accounts.sessions import SIGN_IN_KEY
from accounts.tasks import send_security_notice
from audit.actions import record
from audit.vocabulary import Action, Kind
from config.addresses import client_address
from tenants.scope import door

PENDING_KEY = "pending_sign_in"
PENDING_VALID_SECONDS = 300

SIGNED_IN = Action("accounts.signed_in", "signed in", Kind.ACCESS)
SIGNED_OUT = Action("accounts.signed_out", "signed out", Kind.ACCESS)
CODE_REFUSED = Action("accounts.code_refused", "gave a wrong code", Kind.ACCESS)
RECOVERY_CODE_USED = Action(
    "accounts.recovery_code_used", "signed in with a recovery code", Kind.ACCESS
)
CONFIRMED = Action("accounts.confirmed", "confirmed who they are", Kind.ACCESS)


def check_password(request: VisitorRequest, *, email: str, password: str) -> User | None:
    """The person, if the password is right and they may sign in on this host."""
    user = authenticate(request, email=email, password=password)
    if not isinstance(user, User) or not access.may_sign_in(user, request.organization):
        return None
    return user


def needs_second_factor(user: User) -> bool:
    """Super admins always; everybody else who set one up."""
    return user.is_super_admin or access.has_factor(user)


def begin_second_factor(request: VisitorRequest, user: User) -> None:
    """Remember, for five minutes, that the password was right. Nothing else is granted."""
    request.session.cycle_key()
    request.session[PENDING_KEY] = {
        "user": str(user.pk),
        "at": timezone.now().timestamp(),
        "host": access.host_key(request.organization),
    }


def pending_user(request: VisitorRequest) -> User | None:
    """Whose password was right a moment ago, on this host, if they may still sign in here.

    Somebody who is signed in without their code, and is held at the door for it, counts too.
    """
    if request.standing.hold is access.Hold.NEEDS_CODE:
        return request.user if isinstance(request.user, User) else None
    pending = request.session.get(PENDING_KEY)
    if not pending or timezone.now().timestamp() - pending["at"] > PENDING_VALID_SECONDS:
        return None
    if pending.get("host") != access.host_key(request.organization):
        return None
    with door():
        user = User.objects.filter(pk=pending["user"], is_active=True).first()
    return user if user and access.may_sign_in(user, request.organization) else None


def verify_code(user: User, code: str) -> Device | None:
    """The device that accepts this code. Each code counts once, each failure slows the next."""
    with door():
        tried: list[Device] = []
        for device in _devices_for(user, code):
            # Not device.verify_token(): it accepted one code sixteen times in parallel.
            verified = django_otp.verify_token(user, device.persistent_id, code)
            if verified is not None:
                for other in tried:  # it was no failure of theirs
                    other.refresh_from_db()
                    other.throttle_reset()
                return verified
            tried.append(device)
        record(CODE_REFUSED, actor=user)
    return None


def _devices_for(user: User, code: str) -> list[Device]:
    """Confirmed devices that could have shown this code: a mistyped one must not slow others."""
    apps, others = [], []
    for device in devices_of(user):
        if isinstance(device, TOTPDevice):
            apps.append(device)
        elif hasattr(device, "throttle_reset"):  # passkeys show no codes
            others.append(device)
    fitting = [app for app in apps if code.isdecimal() and len(code) == app.digits]
    return list(fitting) or others


def sign_in(request: VisitorRequest, user: User, device: Device | None = None) -> None:
    """Start a session that is bound to this host, under a new key."""
    with door(), transaction.atomic():
        if devices.is_new_for(request, user):
            _tell_of_new_device(request, user)
        request.session.pop(PENDING_KEY, None)
        login(request, user, backend="accounts.backends.DoorBackend")
        bind_session(request, user, limits="super_admin" if user.is_super_admin else "member")
        if device is not None:
            django_otp.login(request, device)
        if isinstance(device, RecoveryCodes):
            _tell_of_recovery_code(request, user)
        record(SIGNED_IN, actor=user, details={"device": devices.label_of(request)})
    request.signed_in_now = user  # its browser is known from now on, see StandingMiddleware


def _tell_of_recovery_code(request: VisitorRequest, user: User) -> None:
    """Who used it may be somebody who found the sheet."""
    record(RECOVERY_CODE_USED, actor=user)
    organization = request.organization
    send_security_notice.defer(
        user_id=str(user.pk),
        what="recovery_code_used",
        organization_id=str(organization.pk) if organization else None,
    )


def _tell_of_new_device(request: VisitorRequest, user: User) -> None:
    organization = request.organization
    send_security_notice.defer(
        user_id=str(user.pk),
        what="new_device",
        organization_id=str(organization.pk) if organization else None,
        detail=f"It is {devices.label_of(request)}, at the address {client_address(request)}.",
    )


def bind_session(request: VisitorRequest, user: User, *, limits: str) -> None:
    """Say whose this session is, where it counts, and how long it may last."""
    organization = request.organization
    now = timezone.now()
    Membership.objects.filter(user=user, organization=organization).update(last_seen_at=now)
    request.session[access.SESSION_HOST_KEY] = access.host_key(organization)
    request.session[access.CONFIRMED_KEY] = now.timestamp()
    request.session[SIGN_IN_KEY] = {
        "user_id": str(user.pk),
        "organization_id": str(organization.pk) if organization else None,
        "limits": limits,
        "device": devices.label_of(request),
        "address": client_address(request),
        "signed_in_at": now.isoformat(),
    }


def sign_out(request: VisitorRequest) -> None:
    """End this session. Twice is no error."""
    with door():
        if isinstance(request.user, User):
            record(SIGNED_OUT)
        logout(request)


def confirm(request: VisitorRequest, user: User, answer: str) -> bool:
    """Whether the answer is their password, or a code of theirs; it holds for half an hour then."""
    with door():
        right = verify_code(user, answer) is not None if _is_code(answer) else False
        right = right or user.check_password(answer)
        if right:
            request.session[access.CONFIRMED_KEY] = timezone.now().timestamp()
            record(CONFIRMED)
    return right


def _is_code(answer: str) -> bool:
    return len(answer) <= 8 and answer.isdecimal()
