"""Brings the demo into the product and out of it again, through the product's own code."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from itertools import islice
from multiprocessing import get_context

from django.db import connections

from agents.actions import rename_agent
from agents.connection.actions.signing_key import set_signing_key
from agents.models import Agent
from audit.actions import record
from operations.demo import people
from operations.demo.agents import read_agents
from operations.demo.bulk import Arrival, BulkReceiver
from operations.demo.history import history
from operations.demo.people import SignIn
from operations.demo.profiles import PROFILES, OrganizationProfile
from operations.demo.removing import discard
from operations.demo.stories import Delivery, encode
from operations.organizations import DEMO_REMOVED
from tenants import provisioning
from tenants.actions import register_organization
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import platform
from webhooks.endpoints import Endpoint

DAYS = 90
SHARES = {"acme": 0.6, "globex": 0.4}
SEED = 20
BATCH = 1_000
Report = Callable[[str, int], None]


def demo_organizations() -> list[Organization]:
    """The demo's organizations that are here, also half-made ones."""
    with platform():
        return list(Organization.objects.filter(is_demo=True).order_by("slug"))


def taken_slugs() -> list[str]:
    """Slugs of the demo that belong to real organizations here."""
    slugs = [profile.slug for profile in PROFILES]
    with platform():
        found = Organization.objects.filter(slug__in=slugs, is_demo=False)
        return list(found.values_list("slug", flat=True))


def load(*, now: datetime, calls: int, report: Report) -> list[SignIn]:
    """Make both organizations with `calls` calls in all and the people who may sign in.

    `report` hears the organization's name and how many deliveries are in, in processes that run
    side by side. Raises what went wrong in them.
    """
    made = [(profile, *_create_organization(profile)) for profile in PROFILES]
    connections.close_all()
    with ProcessPoolExecutor(len(made), mp_context=get_context("fork")) as processes:
        running = [
            processes.submit(
                _receive_history,
                profile,
                endpoint,
                now=now,
                calls=round(calls * SHARES[profile.slug]),
                report=report,
            )
            for profile, _, endpoint in made
        ]
        for history_is_in in running:
            history_is_in.result()
    for profile, organization, _ in made:
        _name_agents(profile, organization, now=now)
    return people.create_people({profile.slug: organization for profile, organization, _ in made})


def _create_organization(profile: OrganizationProfile) -> tuple[Organization, Endpoint]:
    organization, _ = register_organization(
        name=profile.name,
        slug=profile.slug,
        time_zone=profile.time_zone,
        currency=profile.currency,
        is_demo=True,
    )
    provisioning.provision(organization.pk)
    key = f"key_demo_{secrets.token_hex(16)}"
    with organization_context(organization):
        set_signing_key(organization.pk, key)
    return organization, Endpoint(organization.pk, organization.schema_name, (key,))


def _receive_history(
    profile: OrganizationProfile, endpoint: Endpoint, *, now: datetime, calls: int, report: Report
) -> None:
    deliveries = history(profile, now=now, days=DAYS, calls=calls, seed=SEED)
    arrivals = map(as_arrival, deliveries)
    receiver = BulkReceiver(endpoint)
    done = 0
    while batch := list(islice(arrivals, BATCH)):
        receiver.receive(batch)
        done += len(batch)
        report(profile.name, done)


def as_arrival(delivery: Delivery) -> Arrival:
    """A delivery of the generator for the bulk receiver."""
    body = encode(delivery.body)
    if not delivery.is_retold:
        return Arrival(body, delivery.delivered_at)
    call = delivery.body["call"]
    retold = (delivery.event, call["call_id"], call.get("agent_id"))
    return Arrival(body, delivery.delivered_at, retold)


def _name_agents(
    profile: OrganizationProfile, organization: Organization, *, now: datetime
) -> None:
    """All but the newest agent are known by name; that one waits to be assigned."""
    with organization_context(organization):
        read_agents(profile, organization, now=now)
        for agent in profile.agents[:-1]:
            rename_agent(Agent.objects.get(retell_agent_id=agent.agent_id), name=agent.name)


def remove() -> tuple[int, int]:
    """Drop the demo's organizations and people, and nothing else; how many of each."""
    organizations = demo_organizations()
    for organization in organizations:
        discard(organization)
    persons = people.remove_people()
    if organizations or persons:
        with platform():
            record(DEMO_REMOVED, details={"organizations": len(organizations), "people": persons})
    return len(organizations), persons
