"""Which second factors somebody has. Recovery codes stand in for one; they are none themselves."""

from __future__ import annotations

import django_otp
from django.db.models import Exists, OuterRef
from django_otp.models import Device
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import Membership, RecoveryCodes, User
from tenants.models import Organization


def factor_models() -> list[type[Device]]:
    """The kinds of factor there are."""
    return [model for model in django_otp.device_classes() if model is not RecoveryCodes]


def devices_of(user: User) -> list[Device]:
    """Everything that could verify them, recovery codes too. At the door."""
    return list(django_otp.devices_for_user(user, confirmed=True))


def factors_of(user: User) -> list[Device]:
    """What they set up: authenticator apps and passkeys. At the door."""
    return [device for device in devices_of(user) if not isinstance(device, RecoveryCodes)]


def apps_of(user: User) -> list[TOTPDevice]:
    """Their authenticator apps, oldest first. At the door."""
    return list(TOTPDevice.objects.filter(user=user, confirmed=True).order_by("pk"))


def find_app(user: User, pk: int) -> TOTPDevice | None:
    return TOTPDevice.objects.filter(user=user, confirmed=True, pk=pk).first()


def waiting_app(user: User) -> TOTPDevice | None:
    """The authenticator app that has not shown a code yet. At the door."""
    waiting = TOTPDevice.objects.filter(user=user, confirmed=False)
    return waiting.select_related("user").order_by("-pk").first()


def recovery_codes_left(user: User) -> int | None:
    """None for somebody who never had any. At the door."""
    sheet = RecoveryCodes.objects.filter(user=user).first()
    return sheet.codes.filter(used_at=None).count() if sheet else None


def required_by(user: User) -> str:
    """Why this person must have a factor, as a sentence; empty when nobody requires one."""
    if user.is_super_admin:
        return "A super admin needs a second factor. Add another one before you remove this one."
    membership = (
        Membership.objects.filter(
            user=user, organization__access_policy__requires_second_factor=True
        )
        .select_related("organization")
        .order_by("organization__name")
        .first()
    )
    if membership is None:
        return ""
    name = membership.organization.name
    return f"{name} requires a second factor. Add another one before you remove this one."


def members_without_factor(organization: Organization) -> list[Membership]:
    """Who could not come in if one was required here, by name. At the door."""
    members = Membership.objects.filter(organization=organization, user__is_active=True)
    for model in factor_models():
        members = members.exclude(
            Exists(model.objects.filter(user=OuterRef("user"), confirmed=True))
        )
    return list(members.select_related("user").order_by("user__name", "user__email"))
