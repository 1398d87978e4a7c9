"""Changes to people, memberships and sessions. All of them happen at the door."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

import django_otp
from django.conf import settings
from django.contrib.auth import authenticate, login
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django_otp.models import Device
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import access
from accounts.exceptions import AccountError
from accounts.http import VisitorRequest
from accounts.models import Invitation, Membership, Role, User, normalize_email
from tenants.models import Organization, hash_token
from tenants.scope import door

PENDING_KEY = "pending_sign_in"
PENDING_VALID_SECONDS = 300


# --- Signing in ----------------------------------------------------------------------------------


def check_password(request: VisitorRequest, *, email: str, password: str) -> User | None:
    """The person, if the password is right and they may sign in on this host."""
    user = authenticate(request, email=email, password=password)
    if not isinstance(user, User) or not access.may_sign_in(user, request.organization):
        return None
    return user


def needs_second_factor(user: User) -> bool:
    with door():
        return user.is_super_admin or django_otp.user_has_device(user)


def begin_second_factor(request: VisitorRequest, user: User) -> None:
    """Remember, for five minutes, that the password was right. Nothing else is granted."""
    request.session.cycle_key()
    request.session[PENDING_KEY] = {
        "user": str(user.pk),
        "at": timezone.now().timestamp(),
        "host": access.host_key(request.organization),
    }


def pending_user(request: VisitorRequest) -> User | None:
    """Whose password was right a moment ago, on this host, if they may still sign in here."""
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
    return None


def _devices_for(user: User, code: str) -> list[Device]:
    """Confirmed devices that could have shown this code: a mistyped one must not slow others."""
    devices = list(django_otp.devices_for_user(user, confirmed=True))
    apps = [device for device in devices if isinstance(device, TOTPDevice)]
    fitting = [app for app in apps if code.isdecimal() and len(code) == app.digits]
    return list(fitting) or [device for device in devices if device not in apps]


def sign_in(request: VisitorRequest, user: User, device: Device | None = None) -> None:
    """Start a session that is bound to this host."""
    with door():
        request.session.pop(PENDING_KEY, None)
        login(request, user, backend="accounts.backends.DoorBackend")
        request.session[access.SESSION_HOST_KEY] = access.host_key(request.organization)
        if device is not None:
            django_otp.login(request, device)


# --- Super admins --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NewSuperAdmin:
    user: User
    password: str
    totp_uri: str


def create_super_admin(*, email: str, name: str = "", is_demo: bool = False) -> NewSuperAdmin:
    """An operator with a generated password and a second factor; both are shown once.

    Raises `AccountError` when the address is taken.
    """
    password = secrets.token_urlsafe(15)
    address = normalize_email(email)
    with door(), transaction.atomic():
        if User.objects.filter(email=address).exists():
            raise AccountError(f"There is already a person with the address {address}.")
        user = User(email=address, name=name, is_super_admin=True, is_demo=is_demo)
        user.set_password(password)
        _validate(user)
        user.save(force_insert=True)
        device = TOTPDevice.objects.create(user=user, name="Authenticator app", confirmed=True)
    return NewSuperAdmin(user, password, device.config_url)


def _validate(user: User) -> None:
    try:
        user.full_clean()
    except ValidationError as error:
        raise AccountError(" ".join(error.messages)) from error


# --- Invitations ---------------------------------------------------------------------------------


def invite(
    organization: Organization, *, email: str, role: Role, invited_by: str
) -> tuple[Invitation, str]:
    """An open invitation and the link that accepts it, which is not stored."""
    token = secrets.token_urlsafe(24)
    invitation = Invitation(
        organization=organization,
        email=normalize_email(email),
        role=role,
        token_sha256=hash_token(token),
        invited_by=invited_by,
        expires_at=timezone.now() + timedelta(days=settings.INVITATION_VALID_DAYS),
    )
    try:
        with door():
            invitation.clean_fields(exclude=["organization", "token_sha256"])
            invitation.save(force_insert=True)
    except ValidationError as error:
        raise AccountError(f"{email!r} is not an e-mail address.") from error
    path = reverse("accounts:accept_invitation", args=[token], urlconf="config.urls_organization")
    return invitation, organization.url(path)


def find_open_invitation(organization: Organization, token: str) -> Invitation | None:
    with door():
        invitation = Invitation.objects.filter(
            organization=organization, token_sha256=hash_token(token)
        ).first()
    return invitation if invitation and invitation.is_open() else None


def accept_invitation(invitation: Invitation, *, name: str, password: str) -> User:
    """Join, as a new person or as the one who has this address. Works once.

    Raises `AccountError` when another request accepted it first.
    """
    with door(), transaction.atomic():
        taken = Invitation.objects.filter(pk=invitation.pk, accepted_at=None).update(
            accepted_at=timezone.now()
        )
        if not taken:
            raise AccountError("This invitation was used already. Sign in instead.")
        user = User.objects.filter(email=invitation.email).first()
        if user is None:
            user = User.objects.create_user(invitation.email, password, name=name)
        Membership.objects.get_or_create(
            user=user,
            organization_id=invitation.organization_id,
            defaults={"role": invitation.role},
        )
    return user


def add_member(
    organization: Organization,
    *,
    email: str,
    role: Role,
    password: str,
    name: str = "",
    is_demo: bool = False,
) -> User:
    """A person who can sign in at once; for demo data and scripted installations."""
    validate_password(password)
    with door(), transaction.atomic():
        user = User.objects.filter(email=normalize_email(email)).first()
        if user is None:
            user = User.objects.create_user(email, password, name=name, is_demo=is_demo)
        Membership.objects.update_or_create(
            user=user, organization=organization, defaults={"role": role}
        )
    return user
