"""Asking people in, and letting them in once."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.exceptions import AccountError
from accounts.models import Invitation, Membership, Role, User, normalize_email
from audit.actions import record
from audit.vocabulary import Action, Kind
from tenants.models import Organization, hash_token
from tenants.scope import door

INVITED = Action("accounts.invited", "invited {object} as {role}", Kind.CREATE)
JOINED = Action("accounts.joined", "accepted an invitation and joined as {role}", Kind.CREATE)


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
        with door(), transaction.atomic():
            invitation.clean_fields(exclude=["organization", "token_sha256"])
            invitation.save(force_insert=True)
            record(INVITED, invitation, details={"role": role.label}, organization=organization)
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
        role = Role(invitation.role).label
        record(JOINED, actor=user, details={"role": role}, organization=invitation.organization)
    return user
