"""Jobs about people."""

from __future__ import annotations

from datetime import timedelta

from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django import app

from accounts import devices, links
from accounts.access import may_sign_in
from accounts.links import Side
from accounts.models import (
    ActingInside,
    EmailChange,
    Handover,
    IdempotentAnswer,
    Invitation,
    KnownDevice,
    Membership,
    Role,
    TokenFamily,
    User,
)
from accounts.notices import MEMBER_NOTICES, NOT_YOU, NOTICES, link_to
from accounts.sessions import SessionStore
from audit.actions import record
from audit.models import Entry
from audit.vocabulary import Action
from config import mail
from tenants.models import Organization
from tenants.scope import door, platform

RESET_SENT = Action("accounts.password_reset_sent", "sent {object} a link to set a new password")

VISIT_EXPLAINED = (
    "They would read pages for half an hour, with phone numbers masked, and could change nothing."
    " Nobody looked inside yet: you decide."
)


def _organization(organization_id: str | None) -> Organization | None:
    """None for the operator host."""
    return Organization.objects.filter(pk=organization_id).first() if organization_id else None


@app.periodic(cron="5 4 * * *")
@app.task(name="accounts.clear_sessions", queueing_lock="accounts.clear_sessions")
def clear_expired_sessions(timestamp: int) -> None:
    """Daily; and what let somebody in once and is of no use any more."""
    SessionStore.clear_expired()
    now = timezone.now()
    with door():
        Handover.objects.filter(expires_at__lt=now - timedelta(days=1)).delete()
        EmailChange.objects.filter(expires_at__lt=now).delete()
        forgotten = now - timedelta(seconds=devices.COOKIE_AGE_SECONDS)
        KnownDevice.objects.filter(last_used_at__lt=forgotten).delete()
        TokenFamily.objects.filter(ends_at__lt=now).delete()
    with platform():
        IdempotentAnswer.objects.filter(asked_at__lt=now - IdempotentAnswer.KEPT).delete()


@app.task(name="accounts.tell_admins_of_visit", retry=mail.MAIL_RETRY)
def tell_admins_of_visit(acting_id: str) -> None:
    """An operator asks to look inside, and the organization decides."""
    with door():
        acting = ActingInside.objects.select_related("organization").get(pk=acting_id)
        admins = Membership.objects.filter(organization=acting.organization, role=Role.ADMIN)
        addresses = list(admins.values_list("user__email", flat=True))
    organization = acting.organization
    path = reverse("accounts:visits", urlconf="config.urls_organization")
    for address in addresses:
        tell_admin_of_visit(
            address, organization.name, acting.user_label, acting.reason, organization.url(path)
        )


def tell_admin_of_visit(
    address: str, organization: str, operator: str, reason: str, link: str
) -> None:
    mail.send(
        "notice",
        to=address,
        context={
            "organization_name": organization,
            "title": f"{operator} asks to look inside {organization}",
            "paragraphs": [
                f"The operator's reason: {reason}",
                VISIT_EXPLAINED,
            ],
            "action_label": "Allow or refuse it",
            "action_url": link,
        },
    )


@app.task(name="accounts.send_security_notice", retry=mail.MAIL_RETRY)
def send_security_notice(
    user_id: str, what: str, organization_id: str | None = None, detail: str = ""
) -> None:
    """Tell a person what was changed about how they sign in: `what` of accounts/notices.py.

    `organization_id`: on whose host it happened, for the link; none for the operator's. `detail`:
    one more sentence, such as the device.
    """
    notice = NOTICES[what]
    with door():
        user = User.objects.get(pk=user_id)
        organization = _organization(organization_id)
    mail.send(
        "notice",
        to=user.email,
        language=user.language,
        context={
            "organization_name": organization.name if organization else "",
            "title": notice.title,
            "paragraphs": [text for text in (notice.text, detail, NOT_YOU) if text],
            "action_label": notice.action,
            "action_url": link_to(notice.page, organization),
        },
    )


@app.task(name="accounts.send_password_reset", retry=mail.MAIL_RETRY)
def send_password_reset(user_id: str, organization_id: str | None = None) -> None:
    """A link to who may sign in on the host where it was asked for; nothing to anybody else."""
    with door():
        user = User.objects.filter(pk=user_id, is_active=True).first()
        organization = _organization(organization_id)
    is_closed = organization_id is not None and not (organization and organization.is_reachable)
    if user is None or is_closed or not may_sign_in(user, organization):
        return
    place = organization.name if organization else "Switchboard"
    mail.send(
        "notice",
        to=user.email,
        language=user.language,
        context={
            "organization_name": place,
            "title": f"Set a new password for {place}",
            "paragraphs": [
                f"Somebody asked for a new password for {user.email} at {place}.",
                "The link works once, and for one hour. A second factor is asked for as ever.",
            ],
            "action_label": "Set a new password",
            "action_url": links.reset_link(user, organization),
            "reason": f"You get this mail because your address was entered at {place}."
            " If that was not you, do nothing: your password stays as it is.",
        },
    )
    with door():
        record(RESET_SENT, user, organization=organization)


@app.task(name="accounts.send_email_change", retry=mail.MAIL_RETRY)
def send_email_change(change_id: str, side: str, organization_id: str | None = None) -> None:
    """A link to one of the two addresses; to one that is somebody else's, a warning instead."""
    with door():
        change = EmailChange.objects.select_related("user").filter(pk=change_id).first()
        organization = _organization(organization_id)
        if change is None:
            return
        owner = User.objects.filter(email=change.new_email).first()
    if side == Side.NEW and owner is not None:
        tell_owner_of_address(owner)
        return
    old, new = change.user.email, change.new_email
    to = new if side == Side.NEW else old
    mail.send(
        "notice",
        to=to,
        language=change.user.language,
        context={
            "organization_name": organization.name if organization else "",
            "title": "Confirm the change of your e-mail address",
            "paragraphs": [
                f"It was asked to change the address of an account from {old} to {new}.",
                "Both addresses must confirm it within a day; until then the old one stays.",
                "If you did not ask for this, open the link and stop it.",
            ],
            "action_label": "Confirm or stop it",
            "action_url": links.email_change_link(change.pk, Side(side), organization),
        },
    )


def tell_owner_of_address(owner: User) -> None:
    mail.send(
        "notice",
        to=owner.email,
        language=owner.language,
        context={
            "title": "Somebody asked to use your e-mail address",
            "paragraphs": [
                "It was asked to make this address the one of another account.",
                "It is yours: nothing was changed, and nobody was told that you have an account.",
                "If that was you: one address can have one account only.",
            ],
        },
    )


@app.task(name="accounts.tell_former_address", retry=mail.MAIL_RETRY)
def tell_former_address(entry_id: str, user_id: str) -> None:
    """The addresses are read from the entry in the audit log: a job's arguments hold none."""
    with door():
        changes = Entry.objects.get(pk=entry_id).changes or {}
        user = User.objects.get(pk=user_id)
    old_email, new_email = changes["email"]
    mail.send(
        "notice",
        to=old_email,
        language=user.language,
        context={
            "title": "The e-mail address of your account was changed",
            "paragraphs": [
                f"From now on you sign in with {new_email}; {old_email} opens nothing any more.",
                "Both addresses confirmed it, and your other sessions were ended.",
                "If that was not you, tell your admin at once.",
            ],
        },
    )


@app.task(name="accounts.send_invitation", retry=mail.MAIL_RETRY)
def send_invitation(invitation_id: str) -> None:
    """To the invited address. Nothing when it was accepted, revoked or replaced meanwhile."""
    with door():
        invitation = (
            Invitation.objects.select_related("organization").filter(pk=invitation_id).first()
        )
        if invitation is None or not invitation.is_open():
            return
        inviter = User.objects.filter(email=invitation.invited_by).first()
    organization = invitation.organization
    mail.send(
        "invitation",
        to=invitation.email,
        context={
            "organization_name": organization.name,
            "inviter_label": inviter.display_name if inviter else "The operator",
            "role_label": str(Role(invitation.role).label).lower(),
            "link": invitation.link,
            "expires_on": invitation.expires_at.astimezone(organization.zone).date(),
        },
    )


@app.task(name="accounts.tell_member", retry=mail.MAIL_RETRY)
def tell_member(user_id: str, organization_id: str, what: str, role: str = "") -> None:
    """A person's role was changed, or they were removed: `what` of accounts/notices.py."""
    notice = MEMBER_NOTICES[what]
    with door():
        user = User.objects.get(pk=user_id)
        organization = Organization.objects.get(pk=organization_id)
    words = {"organization": organization.name, "role": Role(role).label if role else ""}
    mail.send(
        "notice",
        to=user.email,
        language=user.language,
        context={
            "organization_name": organization.name,
            "title": notice.title.format(**words),
            "paragraphs": [notice.text.format(**words)],
            "action_label": notice.action.format(**words),
            "action_url": notice.path and organization.url(notice.path),
        },
    )
