"""Which second factors somebody has. Recovery codes stand in for one; they are none themselves."""

from __future__ import annotations

import django_otp
from django_otp.models import Device

from accounts.models import RecoveryCodes, User


def devices_of(user: User) -> list[Device]:
    """Everything that could verify them, recovery codes too. At the door."""
    return list(django_otp.devices_for_user(user, confirmed=True))


def factors_of(user: User) -> list[Device]:
    """What they set up: authenticator apps and passkeys. At the door."""
    return [device for device in devices_of(user) if not isinstance(device, RecoveryCodes)]
