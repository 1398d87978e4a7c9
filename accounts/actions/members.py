"""Who belongs to an organization, and as what."""

from __future__ import annotations

from django.db import transaction

from accounts import passwords
from accounts.models import Membership, Role, User, normalize_email
from audit.actions import record
from audit.vocabulary import Action, Kind
from tenants.models import Organization
from tenants.scope import door

ADDED = Action("accounts.member_added", "added {object} as {role}", Kind.CREATE)


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
