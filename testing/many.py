"""Many rows of everything that a page of an organization or of the operator lists."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from accounts.models import ActingInside, Invitation, Membership, Role, Session, User
from accounts.sessions import session_id
from agents.models import Agent
from audit.actions import record
from audit.vocabulary import Action, Kind
from calls.models import Call, CallTag, Chat, RetellAlert, SavedView, Tag
from completeness.models import Gap, GapKind, Run, RunKind, RunState
from exports.models import Export
from jobs.models import Job
from notices.models import Message, Sending, Subscription
from tenants.models import Organization, OrganizationStatus
from tenants.pin import organization_context
from tenants.scope import platform
from testing.fixtures import World
from webhooks.models import Delivery

LISTED = Action("tests.listed", "listed {object}", Kind.CREATE)


def add_many(world: World, numbers: range) -> None:
    """One of everything for each number, in Acme and among what the operator sees."""
    with organization_context(world.acme):
        for number in numbers:
            _add_inside(world, number)
    with platform():
        for number in numbers:
            record(LISTED, f"thing {number}")
            record(LISTED, f"thing {number}", organization=world.acme)
            _add_people(world, number)


def _add_inside(world: World, number: int) -> None:
    now = timezone.now()
    agent = f"agent_of_{number}"
    record(LISTED, f"thing {number}")
    Agent.objects.create(retell_agent_id=agent, name=f"Agent {number}")
    call = Call.objects.create(
        retell_call_id=f"call_of_{number}", agent_id=agent, status="ended", started_at=now
    )
    CallTag.objects.create(call=call, tag=Tag.objects.create(name=f"Tag {number}"))
    Chat.objects.create(retell_chat_id=f"chat_of_{number}", agent_id=agent, started_at=now)
    RetellAlert.objects.create(incident_id=f"incident_{number}", triggered_at=now)
    Delivery.objects.create(
        event="call_ended", subject_id=call.retell_call_id, body=b"{}", size_bytes=2,
        body_sha256=(number + 1).to_bytes(32), state="applied", received_at=now,
        last_received_at=now,
    )  # fmt: skip
    Run.objects.create(
        kind=RunKind.values[0], state=RunState.values[0], range_from=now, range_until=now
    )
    job = Job.objects.create(
        kind="export", title=f"Job {number}", started_by_id=world.people.alice.pk
    )
    Export.objects.create(
        job=job, format="csv", through=call.pk, zone="UTC", sees_personal_data=True,
        whole_numbers=True, is_personal=True, asked_by_id=world.people.alice.pk, asked_by="Alice",
        expires_at=now + timedelta(days=7),
    )  # fmt: skip
    Gap.objects.create(
        item=f"call_gone_{number}", kind=GapKind.GONE, first_seen_at=now, last_seen_at=now
    )
    SavedView.objects.create(name=f"View {number}", made_by="Alice")
    for subscription in Subscription.objects.all():
        message = Message.objects.create(topic="call.final", payload={}, created_at=now)
        Sending.objects.create(subscription=subscription, message=message)


def _add_people(world: World, number: int) -> None:
    """Another member, who was invited and looked inside; another place and session of Alice's."""
    later = timezone.now() + timedelta(days=1)
    person = User.objects.create(email=f"person{number}@example.com", name=f"Person {number}")
    Membership.objects.create(user=person, organization=world.acme, role=Role.VIEWER)
    Invitation.objects.create(
        organization=world.acme, email=f"invited{number}@example.com", role=Role.VIEWER,
        expires_at=later, token_sha256=(number + 1).to_bytes(32),
    )  # fmt: skip
    ActingInside.objects.create(
        organization=world.acme, user=world.people.sam, user_label="Sam", reason="A caller asked"
    )
    for user in (world.people.alice, world.people.sam):
        key = f"{number:04d}{user.pk.hex[:28]}"
        Session.objects.create(
            session_key=key, id=session_id(key), user=user, limits="member", expire_date=later,
            signed_in_at=timezone.now(), last_seen_at=timezone.now(), device="Chrome on Linux",
        )  # fmt: skip
    place = Organization.objects.create(
        name=f"Place {number}", slug=f"place-{number}", status=OrganizationStatus.ACTIVE
    )
    Membership.objects.create(user=world.people.alice, organization=place, role=Role.VIEWER)
