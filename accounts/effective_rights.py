"""What one member may do now, and why: the table of roles, the policy and the second factor, told
in sentences."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import AccessPolicy, Membership
from accounts.roles import TABLE, Allowed, Right, Role, rights_of


@dataclass(frozen=True, slots=True)
class EffectiveRight:
    right: Right
    is_allowed: bool
    because: str


def effective_rights(
    membership: Membership, policy: AccessPolicy, *, has_factor: bool
) -> list[EffectiveRight]:
    """One entry a right, in the order of the table."""
    role = Role(membership.role)
    if needs_factor(membership, policy) and not has_factor:
        reason = "a second factor is required and they have none yet"
        return [EffectiveRight(right, False, reason) for right in TABLE]
    allowed_here = policy.viewers_rights if role == Role.VIEWER else frozenset()
    rights = rights_of(role, allowed_here)
    return [
        EffectiveRight(right, right in rights, _because(right, role, right in rights))
        for right in TABLE
    ]


def needs_factor(membership: Membership, policy: AccessPolicy) -> bool:
    return policy.requires_second_factor or membership.user.is_super_admin


def _because(right: Right, role: Role, is_allowed: bool) -> str:
    if TABLE[right][role] == Allowed.POLICY:
        decided = "allows" if is_allowed else "does not allow"
        return f"your organization {decided} it for {role.label.lower()}s"
    if is_allowed:
        return f"every {role.label.lower()} may"
    others = [str(one.label).lower() for one in Role if TABLE[right][one] != Allowed.NO]
    return f"only {' and '.join(f'{one}s' for one in others)} may"
