"""Reads of people's tables, named for who needs them. At the door."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import ActingInside, Membership, Session, User
from tenants.models import Organization, OrganizationStatus
from tenants.scope import door

RECENT_VISITS = 50


@dataclass(frozen=True, slots=True)
class Destination:
    """An organization somebody may go to, and what they are there."""

    organization: Organization
    role: str


def destinations(user: User) -> list[Destination]:
    """Active organizations they belong to, by name."""
    with door():
        memberships = list(
            Membership.objects.filter(user=user, organization__status=OrganizationStatus.ACTIVE)
            .select_related("organization")
            .order_by("organization__name")
        )
    return [Destination(row.organization, row.get_role_display()) for row in memberships]


def sessions_of(user: User) -> list[Session]:
    """Where they are signed in, on every host, the latest seen first."""
    now = timezone.now()
    with door():
        rows = Session.objects.filter(user=user, expire_date__gt=now).select_related("organization")
        return [row for row in rows.order_by("-last_seen_at") if not row.has_ended(now)]


def visits(organization: Organization) -> list[ActingInside]:
    """Operators' looks inside, newest first."""
    with door():
        rows: QuerySet[ActingInside] = ActingInside.objects.filter(organization=organization)
        return list(rows.order_by("-requested_at")[:RECENT_VISITS])


def find_visit(organization: Organization, user: User) -> ActingInside | None:
    """The newest visit of one operator that is asked for, allowed or under way."""
    with door():
        newest = (
            ActingInside.objects.filter(organization=organization, user=user)
            .order_by("-requested_at")
            .first()
        )
    return newest if newest is not None and (newest.awaits_consent or newest.can_be_ended) else None
