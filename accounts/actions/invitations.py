"""Asking people in, and letting them in once."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.exceptions import AccountError
from accounts.locks import lock_people
from accounts.models import Invitation, Membership, Role, User, normalize_email
from accounts.tasks import send_invitation
from audit.actions import record
from audit.vocabulary import Action, Kind
from tenants.models import Organization, hash_token
from tenants.scope import door

INVITED = Action("accounts.invited", "invited {object} as {role}", Kind.CREATE)
SENT_AGAIN = Action(
    "accounts.invitation_sent_again", "sent {object} a new invitation as {role}", Kind.CREATE
)
LINK_MADE = Action(
    "accounts.invitation_link_made", "made a new invitation link for {object} as {role}"
)
REVOKED = Action("accounts.invitation_revoked", "revoked the invitation of {object}", Kind.DELETE)
JOINED = Action("accounts.joined", "accepted an invitation and joined as {role}", Kind.CREATE)


def invite(
    organization: Organization, *, email: str, role: Role, invited_by: str, by_mail: bool = True
) -> Invitation:
    """Ask somebody in, by mail where mail is set up. Replaces an earlier invitation of theirs.

    Raises `AccountError` for what is no address, and for somebody who is a member.
    """
    invitation = _new(organization, email, role, invited_by)
    with door(), transaction.atomic():
        lock_people(organization)
        if Membership.objects.filter(
            organization=organization, user__email=invitation.email
        ).exists():
            raise AccountError(
                f"{invitation.email} is a member of {organization.name} already."
                " Nobody was invited."
            )
        _replace(invitation, INVITED, by_mail=by_mail)
    return invitation


def renew(invitation: Invitation, *, invited_by: str, by_mail: bool) -> Invitation:
    """A new link for the same person, by mail or to be handed over; the old one is dead.

    Raises `AccountError` when the invitation was accepted or revoked meanwhile.
    """
    organization = invitation.organization
    new = _new(organization, invitation.email, Role(invitation.role), invited_by)
    with door(), transaction.atomic():
        lock_people(organization)
        _get_waiting(invitation)
        _replace(new, SENT_AGAIN if by_mail else LINK_MADE, by_mail=by_mail)
    return new


def revoke(invitation: Invitation) -> None:
    """The link is dead. Raises `AccountError` when it was accepted or revoked meanwhile."""
    with door(), transaction.atomic():
        lock_people(invitation.organization)
        waiting = _get_waiting(invitation)
        record(REVOKED, waiting, organization=invitation.organization)
        waiting.delete()


def _new(organization: Organization, email: str, role: Role, invited_by: str) -> Invitation:
    invitation = Invitation(
        organization=organization,
        email=normalize_email(email),
        role=role,
        invited_by=invited_by,
        expires_at=timezone.now() + timedelta(days=settings.INVITATION_VALID_DAYS),
    )
    invitation.token_sha256 = hash_token(invitation.token)
    try:
        invitation.clean_fields(exclude=["organization", "token_sha256"])
    except ValidationError as error:
        raise AccountError(f"{email!r} is not an e-mail address.") from error
    return invitation


def _get_waiting(invitation: Invitation) -> Invitation:
    found = Invitation.objects.filter(pk=invitation.pk, accepted_at=None).first()
    if found is None:
        raise AccountError(
            f"The invitation of {invitation.email} was accepted, replaced or revoked meanwhile."
            " Nothing was changed."
        )
    return found


def _replace(invitation: Invitation, action: Action, *, by_mail: bool) -> None:
    organization = invitation.organization
    Invitation.objects.filter(
        organization=organization, email=invitation.email, accepted_at=None
    ).delete()
    invitation.save(force_insert=True)
    role = Role(invitation.role).label
    record(action, invitation, details={"role": role}, organization=organization)
    if by_mail and settings.MAIL_IS_CONFIGURED:
        send_invitation.defer(invitation_id=str(invitation.pk))


def find_open_invitation(organization: Organization, token: str) -> Invitation | None:
    with door():
        invitation = (
            Invitation.objects.filter(organization=organization, token_sha256=hash_token(token))
            .select_related("organization")
            .first()
        )
    return invitation if invitation and invitation.is_open() else None


def accept_invitation(
    invitation: Invitation, *, existing: User | None = None, name: str = "", password: str = ""
) -> User:
    """Join, as `existing`, who proved to be the one with this address, or as a new person. Works
    once; lowers nobody's role.

    Raises `AccountError` when the invitation was accepted or revoked meanwhile, or when an account
    was made for its address meanwhile: nobody proved to be that person.
    """
    organization = invitation.organization
    with door(), transaction.atomic():
        lock_people(organization)
        taken = Invitation.objects.filter(pk=invitation.pk, accepted_at=None).update(
            accepted_at=timezone.now()
        )
        if not taken:
            raise AccountError("This invitation was used or revoked meanwhile.")
        user = existing or _new_person(invitation, name, password)
        membership, _ = Membership.objects.get_or_create(
            user=user, organization=organization, defaults={"role": invitation.role}
        )
        role = Role(membership.role).label
        record(JOINED, actor=user, details={"role": role}, organization=organization)
    return user


def _new_person(invitation: Invitation, name: str, password: str) -> User:
    try:
        with transaction.atomic():
            return User.objects.create_user(invitation.email, password, name=name)
    except IntegrityError as error:
        raise AccountError(
            "An account with your address was made meanwhile. Enter its password to join."
        ) from error
