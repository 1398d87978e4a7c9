"""Second factors: setting up, replacing and removing them, and the recovery codes beside them.

Every change here ends the person's other sessions, gives this one a new key, is audited, and is
told to the person by mail; `_finish` does that, for passkeys too.
"""

from __future__ import annotations

import secrets
from base64 import b32encode

import django_otp
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.models import Device
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import tasks
from accounts.access import is_verified
from accounts.actions.sessions import end_sessions
from accounts.exceptions import AccountError
from accounts.factors import factor_models, factors_of, required_by
from accounts.http import MemberRequest
from accounts.models import RecoveryCode, RecoveryCodes, User, normalize_recovery_code
from audit.actions import record
from audit.circumstances import current
from audit.vocabulary import Action, Kind
from tenants.models import Organization, hash_token
from tenants.scope import door

DEFAULT_NAME = "Authenticator app"
RECOVERY_CODE_BYTES = 10  # 80 random bits: sixteen characters of base32

ADDED = Action("accounts.factor_added", "added the second factor {object}", Kind.CREATE)
REMOVED = Action("accounts.factor_removed", "removed the second factor {object}", Kind.DELETE)
CODES_MADE = Action("accounts.recovery_codes_made", "made new recovery codes")
RESET = Action("accounts.factors_reset", "reset the second factors of {object}", Kind.DELETE)

WRONG_CODE = (
    "That code was not accepted, and nothing was added yet. Check that the clock of your phone is"
    " right, and enter the code the app shows now."
)
NEEDS_FACTOR = "Recovery codes stand in for a second factor. Set one up first; codes come with it."


def begin_app(request: MemberRequest) -> TOTPDevice:
    """A new authenticator app with a fresh key. It counts for nothing until it showed a code."""
    with door(), transaction.atomic():
        user = lock_factors(request)
        TOTPDevice.objects.filter(user=user, confirmed=False).delete()
        return TOTPDevice.objects.create(user=user, name=DEFAULT_NAME, confirmed=False)


def confirm_app(request: MemberRequest, app: TOTPDevice, *, code: str, name: str) -> list[str]:
    """Let the app count, because it shows this code; the recovery codes that come with a first
    factor. Raises `AccountError` when the code is wrong, or the app is no longer waiting."""
    with door():
        # Outside of the transaction below: a failure stays counted whatever happens there.
        if django_otp.verify_token(request.user, app.persistent_id, code) is None:
            raise AccountError(WRONG_CODE)
        with transaction.atomic():
            lock_factors(request)
            waiting = TOTPDevice.objects.filter(pk=app.pk, confirmed=False)
            if not waiting.update(confirmed=True, name=name or DEFAULT_NAME):
                raise AccountError("This app was set up already.")
            return add_factor(request, TOTPDevice.objects.get(pk=app.pk))


def add_factor(request: MemberRequest, device: Device, action: Action = ADDED) -> list[str]:
    """What follows when a factor begins to count: for authenticator apps, and for passkeys in the
    transaction that stores them. Gives the recovery codes that come with a first one, else []."""
    with door(), transaction.atomic():
        user = _user(request)
        has_codes = RecoveryCodes.objects.filter(user=user).exists()
        codes = [] if has_codes else _new_codes(user)
        # Who proved this factor just now has given it: this very session is verified.
        if not is_verified(request.user):
            django_otp.login(request, device)
        record(action, device.name)
        _finish(request, user, "factor_added")
    return codes


def remove_factor(request: MemberRequest, device: Device, action: Action = REMOVED) -> None:
    """Raises `AccountError` when it is the last one and somebody requires one."""
    with door(), transaction.atomic():
        user = lock_factors(request)
        rest = [factor for factor in factors_of(user) if factor != device]
        reason = required_by(user)
        if not rest and reason:
            raise AccountError(reason)
        verified_by_it = request.session.get(DEVICE_ID_SESSION_KEY) == device.persistent_id
        device.delete()
        record(action, device.name)
        if not rest:
            RecoveryCodes.objects.filter(user=user).delete()
            request.session.pop(DEVICE_ID_SESSION_KEY, None)
        elif verified_by_it:
            django_otp.login(request, rest[0])
        _finish(request, user, "factor_removed")


def replace_recovery_codes(request: MemberRequest) -> list[str]:
    """Ten new codes, shown once; those of before open nothing any more.

    Raises `AccountError` for somebody without a factor they could stand in for.
    """
    with door(), transaction.atomic():
        user = lock_factors(request)
        if not factors_of(user):
            raise AccountError(NEEDS_FACTOR)
        codes = _new_codes(user)
        record(CODES_MADE)
        _finish(request, user, "recovery_codes_made")
    return codes


def reset_factors(user: User) -> str:
    """Remove every factor and end every session of somebody who is locked out.

    A super admin gets a new authenticator app at once, because they cannot sign in without one:
    its URI is the answer, to be shown once. Empty for everybody else.
    """
    with door(), transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        for model in factor_models():
            model.objects.filter(user=user).delete()
        RecoveryCodes.objects.filter(user=user).delete()
        end_sessions(user)
        uri = ""
        if user.is_super_admin:
            uri = TOTPDevice.objects.create(user=user, name=DEFAULT_NAME).config_url
        record(RESET, user)
        for organization in Organization.objects.filter(memberships__user=user):
            record(RESET, user, organization=organization)
        tasks.send_security_notice.defer(user_id=str(user.pk), what="factors_reset")
    return uri


def _user(request: MemberRequest) -> User:
    return User.objects.get(pk=request.user.pk)


def lock_factors(request: MemberRequest) -> User:
    """The person, whose factors nobody else changes until this transaction is over.

    Who has factors changes them only after giving one: a password alone takes nothing away.
    """
    user = User.objects.select_for_update().get(pk=request.user.pk)
    if factors_of(user) and not is_verified(request.user):
        raise PermissionDenied
    return user


def _new_codes(user: User) -> list[str]:
    """The sheet stays the same device, so that a session it verified stays verified."""
    sheet, _ = RecoveryCodes.objects.get_or_create(
        user=user, defaults={"name": "Recovery codes", "confirmed": True}
    )
    codes = [_recovery_code() for _ in range(settings.RECOVERY_CODES)]
    sheet.codes.all().delete()
    RecoveryCode.objects.bulk_create(
        RecoveryCode(device=sheet, code_sha256=hash_token(normalize_recovery_code(code)))
        for code in codes
    )
    sheet.throttle_reset()
    return codes


def _recovery_code() -> str:
    text = b32encode(secrets.token_bytes(RECOVERY_CODE_BYTES)).decode()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def _finish(request: MemberRequest, user: User, what: str) -> None:
    request.session.cycle_key()
    end_sessions(user, except_key=request.session.session_key)
    organization_id = current().organization_id
    tasks.send_security_notice.defer(
        user_id=str(user.pk),
        what=what,
        organization_id=str(organization_id) if organization_id else None,
    )
