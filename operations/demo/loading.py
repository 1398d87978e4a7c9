"""Brings the demo into the product and out of it again, through the product's own code."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice
from multiprocessing import get_context

from django.conf import settings
from django.db import connections

from agents import sync
from agents.actions import rename_agent
from agents.connection.actions.api_key import connect
from agents.connection.actions.signing_key import set_signing_key
from agents.models import Agent
from agents.retell import RetellApiError
from audit.actions import record
from completeness.actions import compare_on_schedule
from completeness.models import Completeness
from operations.demo import kept, people
from operations.demo.agents import make_workspace
from operations.demo.bulk import Arrival, BulkReceiver
from operations.demo.history import history
from operations.demo.in_process import Answers
from operations.demo.people import SignIn
from operations.demo.profiles import PROFILES, OrganizationProfile
from operations.demo.removing import discard
from operations.demo.retell_api import Shelf, Workspace
from operations.demo.stories import Delivery, encode, to_ms
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
# Of the last organization: since when calls may be missing, and for how long Retell stays away.
GAP = timedelta(hours=3)
AWAY = timedelta(minutes=15)
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
    made = [(profile, *_create_organization(profile, now=now)) for profile in PROFILES]
    connections.close_all()
    with ProcessPoolExecutor(len(made), mp_context=get_context("fork")) as processes:
        running = [
            processes.submit(
                _receive_history,
                profile,
                endpoint,
                workspace,
                now=now,
                calls=round(calls * SHARES[profile.slug]),
                report=report,
            )
            for profile, _, endpoint, workspace in made
        ]
        for history_is_in in running:
            history_is_in.result()
    for profile, organization, _, workspace in made:
        _name_agents(profile, organization, workspace)
    if settings.DEMO_RETELL_BASE_URL:
        for profile, organization, _, workspace in made:
            _connect(organization, workspace, now=now, is_away=_has_gap(profile))
    return people.create_people({each.slug: each for _, each, _, _ in made})


def _has_gap(profile: OrganizationProfile) -> bool:
    return profile.slug == PROFILES[-1].slug


def _create_organization(
    profile: OrganizationProfile, *, now: datetime
) -> tuple[Organization, Endpoint, Workspace]:
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
    endpoint = Endpoint(organization.pk, organization.schema_name, (key,))
    return organization, endpoint, make_workspace(profile, key, now=now)


def _receive_history(
    profile: OrganizationProfile,
    endpoint: Endpoint,
    workspace: Workspace,
    *,
    now: datetime,
    calls: int,
    report: Report,
) -> None:
    deliveries = history(profile, now=now, days=DAYS, calls=calls, seed=SEED)
    if not settings.DEMO_RETELL_BASE_URL:
        _receive(profile, endpoint, deliveries, report)
        return
    with Shelf(kept.FILE) as shelf:
        _receive(profile, endpoint, kept.telling(deliveries, shelf, workspace, now=now), report)
        lost = kept.lost_calls(profile, now=now, seed=SEED, in_gap=_has_gap(profile))
        shelf.tell(workspace.org_id, workspace.without_expired(lost, now))


def _receive(
    profile: OrganizationProfile,
    endpoint: Endpoint,
    deliveries: Iterable[Delivery],
    report: Report,
) -> None:
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
    profile: OrganizationProfile, organization: Organization, workspace: Workspace
) -> None:
    """All but the newest agent are known by name; that one waits to be assigned."""
    with organization_context(organization):
        sync.sync(organization, Answers(workspace))
        for agent in profile.agents[:-1]:
            rename_agent(Agent.objects.get(retell_agent_id=agent.agent_id), name=agent.name)


def _connect(
    organization: Organization, workspace: Workspace, *, now: datetime, is_away: bool
) -> None:
    """Store the API key and compare, as if it had been connected just now; `is_away`: Retell
    stopped answering hours ago, and stays away for a while."""
    (key,) = workspace.keys
    away_until = now + AWAY if is_away else now
    with Shelf(kept.FILE) as shelf, organization_context(organization):
        shelf.put(workspace, away_until_ms=to_ms(away_until))
        (shelved,) = (each for each in shelf.workspaces() if each.org_id == workspace.org_id)
        api = Answers(shelved, is_away=is_away)
        row = connect(organization.pk, key, api.workspace())
        if is_away:
            until = now - GAP
            Completeness.objects.create(
                pk=1, complete_from=until - timedelta(days=1), complete_until=until, deep_at=until
            )
        with suppress(RetellApiError):
            compare_on_schedule(organization, api, connected_at=row.connected_at)


def remove() -> tuple[int, int]:
    """Drop the demo's organizations and people, and nothing else; how many of each."""
    organizations = demo_organizations()
    for organization in organizations:
        discard(organization)
    if kept.FILE.exists():
        with Shelf(kept.FILE) as shelf:
            shelf.clear()
    persons = people.remove_people()
    if organizations or persons:
        with platform():
            record(DEMO_REMOVED, details={"organizations": len(organizations), "people": persons})
    return len(organizations), persons
