"""Security notices: what a person is told by mail when how they sign in was changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from tenants.models import Organization

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

NOT_YOU = _(
    "If this was you, nothing is left to do. If it was not: change your password, end all other"
    " sessions, and tell your admin."
)

LOOK = _("Look at your second factors")


@dataclass(frozen=True, slots=True)
class Notice:
    """`page` is the URL name that the mail's button leads to."""

    title: StrOrPromise
    text: StrOrPromise
    page: str = "accounts:security"
    action: StrOrPromise = LOOK


# Keyed by `what` of `accounts.tasks.send_security_notice`.
NOTICES = {
    "new_device": Notice(
        _("Your account was signed in from a new device"),
        _("Somebody gave your password in a browser that was not used for it before."),
        "accounts:sessions",
        _("Look at your sessions"),
    ),
    "password_changed": Notice(
        _("Your password was changed"),
        _("Somebody who was signed in as you set a new one. Your other sessions were ended."),
        "accounts:forgotten",
        _("Set another password"),
    ),
    "password_reset": Notice(
        _("Your password was changed"),
        _("Somebody set a new one by the link of a mail to you. All your sessions were ended."),
        "accounts:forgotten",
        _("Set another password"),
    ),
    "factor_added": Notice(
        _("A second factor was added to your account"),
        _("From now on it can be asked for when you sign in. Your other sessions were ended."),
    ),
    "factor_removed": Notice(
        _("A second factor was removed from your account"),
        _("It opens nothing any more. Your other sessions were ended."),
    ),
    "factors_reset": Notice(
        _("Your second factors were reset by the operator"),
        _(
            "All authenticator apps, passkeys and recovery codes of your account were removed,"
            " and all your sessions were ended."
        ),
    ),
    "recovery_codes_made": Notice(
        _("Your account has new recovery codes"),
        _("The codes you had before open nothing any more. Your other sessions were ended."),
    ),
    "recovery_code_used": Notice(
        _("A recovery code was used to sign in to your account"),
        _("It stood in for your second factor, and opens nothing any more."),
    ),
}


@dataclass(frozen=True, slots=True)
class MemberNotice:
    """`{organization}` and `{role}` are filled in. Without a `path` there is no button."""

    title: StrOrPromise
    text: StrOrPromise
    path: str = ""
    action: StrOrPromise = ""


# Keyed by `what` of `accounts.tasks.tell_member`.
MEMBER_NOTICES = {
    "role_changed": MemberNotice(
        _("You are {role} of {organization} now"),
        _(
            "An admin of {organization} changed your role. What you may do changed with it,"
            " at once."
        ),
        path="/",
        action=_("Open {organization}"),
    ),
    "removed": MemberNotice(
        _("You are no longer a member of {organization}"),
        _(
            "An admin of {organization} removed you. Your sessions there were ended; your account,"
            " and what you are elsewhere, stay as they are."
        ),
    ),
}


def link_to(page: str, organization: Organization | None) -> str:
    """A page about oneself, on an organization's host or the operator's."""
    if organization is None:
        return settings.PUBLIC_BASE_URL + reverse(page, urlconf="config.urls_operator")
    return organization.url(reverse(page, urlconf="config.urls_organization"))
