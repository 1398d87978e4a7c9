"""What an organization's admins decide about coming in."""

from __future__ import annotations

import hashlib

from django.db import transaction

from accounts import revocation
from accounts.factors import members_without_factor
from accounts.models import AccessPolicy, Membership
from audit.actions import changes_between, record
from audit.vocabulary import Action
from tenants.models import Organization
from tenants.scope import door

CHANGED = Action("accounts.access_policy_changed", "changed who needs and may do what")

FIELDS = (
    "requires_second_factor",
    "viewers_see_personal_data",
    "viewers_export_personal_data",
    "act_as_needs_consent",
)


class WouldBeHeld(Exception):
    """Saving would hold these people at the door, and nobody confirmed exactly this list."""

    def __init__(self, members: list[Membership]) -> None:
        super().__init__("Confirm who will be held at the door.")
        self.members = members
        self.listed = fingerprint(members)


def fingerprint(members: list[Membership]) -> str:
    """Of a list of people: what a confirmation is bound to."""
    keys = sorted(str(member.user_id) for member in members)
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()


def save_policy(organization: Organization, wanted: AccessPolicy, *, listed: str = "") -> bool:
    """Whether anything changed. `listed`: the fingerprint of the people who will be held.

    Raises `WouldBeHeld` when a second factor becomes required and `listed` names others than
    those who have none now. They are held until they set one up; nobody is removed.
    """
    with door(), transaction.atomic():
        AccessPolicy.objects.get_or_create(organization=organization)
        policy = AccessPolicy.objects.select_for_update().get(organization=organization)
        changes = changes_between(policy, wanted, FIELDS)
        if not changes:
            return False
        held: list[Membership] = []
        if wanted.requires_second_factor and not policy.requires_second_factor:
            held = members_without_factor(organization)
            if held and fingerprint(held) != listed:
                raise WouldBeHeld(held)
        for name in FIELDS:
            setattr(policy, name, getattr(wanted, name))
        policy.save(update_fields=FIELDS)
        revocation.announce_people(organization.pk, [member.user_id for member in held])
        record(CHANGED, changes=changes, details={"held": len(held)}, organization=organization)
    return True
