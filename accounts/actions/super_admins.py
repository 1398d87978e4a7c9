"""Operators of the installation."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.exceptions import AccountError
from accounts.models import User, normalize_email
from audit.actions import record
from audit.vocabulary import Action, Kind
from tenants.scope import door

CREATED = Action("accounts.super_admin_created", "made {object} a super admin", Kind.CREATE)


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
        record(CREATED, user)
    return NewSuperAdmin(user, password, device.config_url)


def _validate(user: User) -> None:
    try:
        user.full_clean()
    except ValidationError as error:
        raise AccountError(" ".join(error.messages)) from error
