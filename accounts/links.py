"""Links that are mailed to a person. Minted when the mail is sent, never stored.

Each counts on one host only, and leads to where the installation says that host is: what a request
calls itself in `Host` is never asked.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core import signing
from django.urls import reverse
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from accounts.access import host_key, may_sign_in
from accounts.models import User
from tenants.models import Organization
from tenants.scope import door

EMAIL_CHANGE_SALT = "accounts.links.email_change"


class Side(StrEnum):
    """Which of the two addresses of a change a link was mailed to."""

    OLD = "old"
    NEW = "new"


class ResetTokens(PasswordResetTokenGenerator):
    """Django's, for one host. A token ends with the next sign-in, and when the password or the
    address is changed; so it counts once."""

    key_salt = "accounts.links.ResetTokens"

    def __init__(self, organization: Organization | None) -> None:
        super().__init__()
        self.host = host_key(organization)

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        return f"{super()._make_hash_value(user, timestamp)}{self.host}"


def url_on(organization: Organization | None, name: str, *args: str) -> str:
    """The whole address of a page on an organization's host, or on the operator's."""
    if organization is None:
        path = reverse(name, args=args, urlconf="config.urls_operator")
        return settings.PUBLIC_BASE_URL + path
    return organization.url(reverse(name, args=args, urlconf="config.urls_organization"))


def reset_link(user: User, organization: Organization | None) -> str:
    uid = urlsafe_base64_encode(user.pk.bytes)
    token = ResetTokens(organization).make_token(user)
    return url_on(organization, "accounts:reset", uid, token)


def user_of_reset(uid: str, token: str, organization: Organization | None) -> User | None:
    """Whose password a link may set on this host now."""
    try:
        pk = UUID(bytes=urlsafe_base64_decode(uid))
    except ValueError:
        return None
    with door():
        user = User.objects.filter(pk=pk, is_active=True).first()
    if user is None or not ResetTokens(organization).check_token(user, token):
        return None
    return user if may_sign_in(user, organization) else None


def email_change_link(change_id: UUID, side: Side, organization: Organization | None) -> str:
    content = [str(change_id), side.value, host_key(organization)]
    token = signing.dumps(content, salt=EMAIL_CHANGE_SALT)
    return url_on(organization, "accounts:email_change", token)


def read_email_change(token: str, organization: Organization | None) -> tuple[UUID, Side] | None:
    """Which change a link is about, and to which of its addresses it was mailed."""
    valid = timedelta(hours=settings.EMAIL_CHANGE_VALID_HOURS)
    try:
        change_id, side, host = signing.loads(token, salt=EMAIL_CHANGE_SALT, max_age=valid)
    except (signing.BadSignature, ValueError):
        return None
    return (UUID(change_id), Side(side)) if host == host_key(organization) else None
