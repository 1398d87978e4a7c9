"""Who belongs to an organization, and as what."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction
from django.db.models import Q

from accounts import passwords, revocation
from accounts.actions.sessions import end_sessions
from accounts.exceptions import AccountError
from accounts.locks import lock_people
from accounts.models import Handover, Invitation, Membership, Role, User, normalize_email
from accounts.tasks import tell_member
from audit.actions import record
from audit.vocabulary import Action, Kind
from tenants.models import Organization
from tenants.scope import door

ADDED = Action("accounts.member_added", "added {object} as {role}", Kind.CREATE)
ROLE_CHANGED = Action("accounts.role_changed", "changed the role of {object}")
REMOVED = Action("accounts.member_removed", "removed {object}, who was {role}", Kind.DELETE)
LEFT = Action("accounts.member_left", "left; was {role}", Kind.DELETE)


def add_member(
    organization: Organization,
    *,
    email: str,
    role: Role,
    password: str,
    name: str = "",
    is_demo: bool = False,
) -> User:
    """A person who can sign in at once; for demo data and scripted installations.

    Raises `ValidationError` for a password that is not good enough.
    """
    address = normalize_email(email)
    passwords.validate(password, User(email=address, name=name), organization=organization)
    with door(), transaction.atomic():
        user = User.objects.filter(email=address).first()
        if user is None:
            user = User.objects.create_user(email, password, name=name, is_demo=is_demo)
        Membership.objects.update_or_create(
            user=user, organization=organization, defaults={"role": role}
        )
        record(ADDED, user, details={"role": role.label}, organization=organization)
    return user


def change_role(
    membership: Membership, *, role: Role, check: Callable[[Membership], None] | None = None
) -> bool:
    """Acts from their next request; whether it was another role before. `check` looks at the
    membership once nobody else can change it, and may raise.

    Raises `AccountError` for the last admin, and for somebody who is no member any more.
    """
    with door(), transaction.atomic():
        old = _lock(membership)
        if check is not None:
            check(old)
        if old.role == role:
            return False
        _keep_an_admin(old)
        Membership.objects.filter(pk=old.pk).update(role=role)
        changes = {"role": [str(Role(old.role).label), str(role.label)]}
        record(ROLE_CHANGED, old.user, changes=changes, organization=old.organization)
        revocation.announce_people(old.organization_id, [old.user_id])
        _tell(old, "role_changed", role)
    return True


def remove_member(membership: Membership) -> None:
    """Their sessions on this organization's host end now, and so do the invitations they sent:
    nobody comes in on the word of somebody who had to go.

    Raises `AccountError` for the last admin, and for somebody who is no member any more.
    """
    with door(), transaction.atomic():
        _tell(_end(membership, REMOVED), "removed")


def leave(membership: Membership) -> None:
    """As `remove_member`, by oneself."""
    with door(), transaction.atomic():
        _end(membership, LEFT)


def _lock(membership: Membership) -> Membership:
    """As it is now, and stays until this transaction is over."""
    lock_people(membership.organization)
    found = (
        Membership.objects.filter(pk=membership.pk).select_related("user", "organization").first()
    )
    if found is None:
        raise AccountError(
            f"{membership.user.display_name} is no member any more. Nothing was changed."
        )
    return found


def _keep_an_admin(member: Membership) -> None:
    others = Membership.objects.filter(
        organization=member.organization, role=Role.ADMIN, user__is_active=True
    ).exclude(pk=member.pk)
    if member.is_admin and not others.exists():
        raise AccountError(
            f"{member.user.display_name} is the only admin of {member.organization.name}."
            " Nothing was changed: make somebody else an admin first."
        )


def _end(membership: Membership, action: Action) -> Membership:
    member = _lock(membership)
    _keep_an_admin(member)
    user, organization = member.user, member.organization
    revoked, _ = (
        Invitation.objects.filter(organization=organization, accepted_at=None)
        .filter(Q(invited_by=user.email) | Q(email=user.email))
        .delete()
    )
    end_sessions(user, organization=organization)
    revocation.announce_people(organization.pk, [user.pk])
    Handover.objects.filter(user=user, organization=organization).delete()
    Membership.objects.filter(pk=member.pk).delete()
    details: dict[str, str | int | bool] = {
        "role": Role(member.role).label,
        "revoked_invitations": revoked,
    }
    record(action, user, details=details, organization=organization)
    return member


def _tell(member: Membership, what: str, role: str = "") -> None:
    tell_member.defer(
        user_id=str(member.user_id),
        organization_id=str(member.organization_id),
        what=what,
        role=role,
    )
