"""What the pages about an organization's people show. People are read at the door."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.http import Http404
from django.utils import timezone

from accounts.factors import factor_models
from accounts.models import Invitation, Membership, Session, User
from accounts.people_forms import PeopleFilterForm
from audit.models import Entry
from tenants.models import Organization
from tenants.scope import door

PEOPLE_A_PAGE = 50
# With fewer, everybody is seen at a glance and nothing is searched.
SEARCH_FROM = 20
INVITATIONS_SHOWN = 100
RECENT_ENTRIES = 10


@dataclass(frozen=True, slots=True)
class Person:
    """A row of the list."""

    membership: Membership
    has_factor: bool

    @property
    def user(self) -> User:
        return self.membership.user


@dataclass(frozen=True, slots=True)
class PeoplePage:
    people: list[Person]
    page: Page[Membership]
    total: int

    @property
    def count_text(self) -> str:
        found = self.page.paginator.count
        return f"{len(self.people):,} of {found:,} {'person' if found == 1 else 'people'}"


def people_page(organization: Organization, *, text: str, role: str, number: str) -> PeoplePage:
    """Members by name, fifty a page, and whether each set up a second factor."""
    with door():
        everybody = Membership.objects.filter(organization=organization)
        found = _filtered(everybody, text, role).select_related("user")
        order = (Lower("user__name"), "user__email")
        page = Paginator(found.order_by(*order), PEOPLE_A_PAGE).get_page(number)
        memberships = list(page.object_list)
        with_factor = _with_factor([membership.user_id for membership in memberships])
        total = everybody.count()
    people = [Person(row, row.user_id in with_factor) for row in memberships]
    return PeoplePage(people, page, total)


def members_of(organization: Organization, form: PeopleFilterForm) -> QuerySet[Membership]:
    """Those that a filter finds, the newest account first. At the door."""
    chosen = form.values()
    everybody = Membership.objects.filter(organization=organization)
    found = _filtered(everybody, chosen.get("q", ""), chosen.get("role", ""))
    return found.select_related("user").order_by("-user_id")


def _filtered(memberships: QuerySet[Membership], text: str, role: str) -> QuerySet[Membership]:
    if role:
        memberships = memberships.filter(role=role)
    if text:
        memberships = memberships.filter(
            Q(user__name__icontains=text) | Q(user__email__icontains=text)
        )
    return memberships


def _with_factor(user_ids: list[UUID]) -> set[UUID]:
    """Who of these has a factor, in one query a kind of factor."""
    return {
        user_id
        for model in factor_models()
        for user_id in model.objects.filter(user__in=user_ids, confirmed=True).values_list(
            "user_id", flat=True
        )
    }


def waiting_invitations(organization: Organization) -> list[Invitation]:
    """Those nobody accepted yet, expired ones too, newest first."""
    with door():
        waiting = Invitation.objects.filter(organization=organization, accepted_at=None)
        return list(waiting.order_by("-id")[:INVITATIONS_SHOWN])


def get_member(organization: Organization, user_id: UUID) -> Membership:
    with door():
        membership = (
            Membership.objects.filter(organization=organization, user=user_id)
            .select_related("user", "organization__access_policy")
            .first()
        )
    if membership is None:
        raise Http404
    return membership


def get_invitation(organization: Organization, invitation_id: UUID) -> Invitation:
    with door():
        invitation = (
            Invitation.objects.filter(organization=organization, pk=invitation_id, accepted_at=None)
            .select_related("organization")
            .first()
        )
    if invitation is None:
        raise Http404
    return invitation


def active_session_count(membership: Membership) -> int:
    """On this organization's host."""
    now = timezone.now()
    with door():
        sessions = Session.objects.filter(
            user=membership.user_id,
            organization=membership.organization_id,
            expire_date__gt=now,
        )
        return sum(not session.has_ended(now) for session in sessions)


def recent_entries(membership: Membership) -> list[Entry]:
    """What they did here, and what was done to them."""
    about = Q(object_type=User._meta.label_lower, object_pk=str(membership.user_id))
    entries = Entry.objects.of_chain(membership.organization_id).filter(
        Q(actor_id=membership.user_id) | about
    )
    return list(entries[:RECENT_ENTRIES])
