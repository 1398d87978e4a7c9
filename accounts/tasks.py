"""Jobs about people."""

from __future__ import annotations

from django.urls import reverse
from procrastinate.contrib.django import app

from accounts.models import ActingInside, Invitation, Membership, Role, User
from accounts.notices import MEMBER_NOTICES, NOT_YOU, NOTICES, link_to
from accounts.sessions import SessionStore
from config import mail
from tenants.models import Organization
from tenants.scope import door

VISIT_EXPLAINED = (
    "They would read pages for half an hour, with phone numbers masked, and could change nothing."
    " Nobody looked inside yet: you decide."
)


@app.periodic(cron="5 4 * * *")
@app.task(name="accounts.clear_sessions", queueing_lock="accounts.clear_sessions")
def clear_expired_sessions(timestamp: int) -> None:
    """Daily."""
    SessionStore.clear_expired()


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
        organization = Organization.objects.filter(pk=organization_id).first()
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
