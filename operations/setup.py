"""How far a new organization is: from its schema to the first verified event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Invitation, Membership
from agents.connection import keys
from tenants.models import Organization
from tenants.pin import organization_context
from webhooks import connection
from webhooks.connection import Arrival

if TYPE_CHECKING:
    from agents.models import RetellConnection


@dataclass(frozen=True, slots=True)
class Step:
    """`note`: what is known, or what is to be done; one sentence."""

    title: str
    is_done: bool
    note: str


@dataclass(frozen=True, slots=True)
class Setup:
    """In the order in which things are done. `arrival` says what stops events, if any are."""

    steps: list[Step]
    arrival: Arrival
    is_done: bool


def setup_of(organization: Organization) -> Setup:
    """Reads the shared tables as the caller's role, the connection inside the organization."""
    first_admin = _first_admin(organization)
    with organization_context(organization):
        row = keys.connection()
        arrival = connection.arrival(organization, row)
        steps = [_made(organization), first_admin, _signing_key(row), _first_event(arrival)]
    return Setup(steps, arrival, all(step.is_done for step in steps))


def _made(organization: Organization) -> Step:
    note = _("Its pages are at %(host)s.") % {"host": organization.host}
    return Step(_("The organization is made"), True, note)


def _first_admin(organization: Organization) -> Step:
    title = _("Its first admin comes in")
    if Membership.objects.filter(organization=organization).exists():
        return Step(title, True, _("Somebody has joined."))
    newest = Invitation.objects.filter(organization=organization).order_by("-created_at").first()
    if newest is None:
        return Step(title, False, _("Nobody is invited."))
    if newest.is_open(timezone.now()):
        return Step(title, False, _("%(email)s has not accepted yet.") % {"email": newest.email})
    return Step(title, False, _("The invitation of %(email)s is over.") % {"email": newest.email})


def _signing_key(row: RetellConnection) -> Step:
    title = _("The key that signs webhooks is stored")
    if row.key_encrypted is None:
        note = _("Store it on the organization's page Settings, Retell: its admin can, too.")
        return Step(title, False, note)
    return Step(title, True, _("It ends in %(ends)s.") % {"ends": row.key_last4})


def _first_event(arrival: Arrival) -> Step:
    title = _("The first verified event arrives")
    if not arrival.is_connected:
        note = _("Set the webhook URL in Retell, then press Retell's test button or make a call.")
        return Step(title, False, note)
    return Step(title, True, _("Events arrive, and their signature is right."))
