"""Fixtures of all tests: two organizations, four people, clients, a real server."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.db import connections
from django.test import Client
from django.test.client import ClientHandler
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice
from psycopg import sql

from accounts.access import ACTING_KEY, CONFIRMED_KEY, SESSION_HOST_KEY, host_key
from accounts.actions import members, super_admins
from accounts.models import ActingInside, Role, User
from accounts.sessions import SIGN_IN_KEY
from agents.connection.actions.signing_key import set_signing_key
from operations.allow_list import cache as allow_list_cache
from tenants import actions as tenants_actions
from tenants import provisioning
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import door
from testing.databases import drop_databases
from testing.servers import Servers, running_servers
from webhooks import usage
from webhooks.endpoints import Endpoint
from webhooks.endpoints import cache as endpoint_cache

PASSWORD = "correct horse battery staple"
KEYS = {"acme": "key_acme_0000000000000001", "globex": "key_globex_000000000000001"}
# Stands in every text column of the other organization; see `CanaryClient`.
CANARIES = {"acme": "canary-of-acme-7f3a", "globex": "canary-of-globex-91bd"}


@dataclass(frozen=True)
class People:
    """Alice administers Acme, Bob views it, Charlie administers Globex, Sam is the operator."""

    alice: User
    bob: User
    charlie: User
    sam: User


@dataclass
class World:
    """What every test starts from; committed once a run."""

    acme: Organization
    globex: Organization
    people: People
    endpoints: dict[str, Endpoint]
    webhook_tokens: dict[str, str] = field(default_factory=dict)


def _organization(slug: str, name: str, zone: str) -> tuple[Organization, str]:
    organization, endpoint = tenants_actions.register_organization(
        name=name, slug=slug, time_zone=zone
    )
    organization = provisioning.provision(organization.pk)
    organization = Organization.objects.get(pk=organization.pk)
    with organization_context(organization):
        set_signing_key(organization.pk, KEYS[slug])
    return organization, endpoint.token


def _people(acme: Organization, globex: Organization) -> People:
    def member(organization: Organization, name: str, role: Role) -> User:
        return members.add_member(
            organization,
            email=f"{name.lower()}@example.com",
            role=role,
            password=PASSWORD,
            name=name,
        )

    sam = super_admins.create_super_admin(email="sam@example.com", name="Sam").user
    return People(
        alice=member(acme, "Alice", Role.ADMIN),
        bob=member(acme, "Bob", Role.VIEWER),
        charlie=member(globex, "Charlie", Role.ADMIN),
        sam=sam,
    )


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[World]:
    """Replaces pytest-django's: the database was prepared by conftest.py; migrate it here."""
    with django_db_blocker.unblock():
        call_command("release", stdout=io.StringIO())
        acme, acme_token = _organization("acme", "Acme", "America/New_York")
        globex, globex_token = _organization("globex", "Globex", "Europe/London")
        people = _people(acme, globex)
        world = World(
            acme,
            globex,
            people,
            {
                organization.slug: Endpoint(
                    organization.pk, organization.schema_name, (KEYS[organization.slug],)
                )
                for organization in (acme, globex)
            },
            {"acme": acme_token, "globex": globex_token},
        )
    yield world
    with django_db_blocker.unblock():
        for connection in connections.all():
            connection.close()
    drop_databases(settings.DATABASES["default"]["NAME"])


@pytest.fixture(autouse=True)
def _clean_caches() -> None:
    endpoint_cache.clear()
    usage.forget()
    allow_list_cache.clear()
    cache.clear()


@pytest.fixture
def world(db: None, django_db_setup: World) -> World:
    """The two organizations inside a transaction that is rolled back."""
    return django_db_setup


@pytest.fixture
def acme(world: World) -> Organization:
    return world.acme


@pytest.fixture
def globex(world: World) -> Organization:
    return world.globex


@pytest.fixture
def in_acme(acme: Organization) -> Iterator[Organization]:
    """Inside Acme's schema, as its role."""
    with organization_context(acme):
        yield acme


# What `world` was made with.
KEPT_TABLES = ["django_migrations", "agents_retellconnection"]


def _empty_schemas(world: World) -> None:
    """Empty organizations' tables as the owner: no role of the application may TRUNCATE."""
    owner: Any = connections["owner"]
    for organization in (world.acme, world.globex):
        schema = organization.schema_name
        with owner.cursor() as cursor:
            cursor.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename <> ALL (%s)",
                [schema, KEPT_TABLES],
            )
            tables = [sql.Identifier(schema, name) for (name,) in cursor.fetchall()]
            cursor.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.SQL(", ").join(tables)))


def _empty_queues() -> None:
    """What waits would be the first work of the next test that starts a worker."""
    owner: Any = connections["owner"]
    with owner.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE status <> 'doing'")


@pytest.fixture
def committed(django_db_setup: World, django_db_blocker: Any) -> Iterator[World]:
    """The two organizations with real commits, for what happens between transactions; calls,
    agents, deliveries and waiting jobs are emptied afterwards."""
    with committed_world(django_db_setup, django_db_blocker) as world:
        yield world


@contextmanager
def committed_world(world: World, django_db_blocker: Any) -> Iterator[World]:
    """As the fixture `committed`, for fixtures of a whole module."""
    with django_db_blocker.unblock():
        yield world
        _empty_schemas(world)
        _empty_queues()
        for connection in connections.all():
            connection.close()


@functools.cache
def _handler(enforce_csrf_checks: bool) -> ClientHandler:
    """The middleware, loaded once: every time it looks for all static files anew."""
    handler = ClientHandler(enforce_csrf_checks)
    handler.load_middleware()
    return handler


class CanaryClient(Client):
    """A browser of one host. Fails when an answer holds the other organization's canary."""

    def __init__(self, host: str, forbidden: str = "", **defaults: Any) -> None:
        super().__init__(HTTP_HOST=host, **defaults)
        self.handler = _handler(self.handler.enforce_csrf_checks)
        self.forbidden = forbidden

    def request(self, **request: Any) -> Any:
        response = super().request(**request)
        if self.forbidden and not response.streaming:
            assert self.forbidden.encode() not in response.content, "another organization leaked"
        return response


ClientFactory = Callable[..., CanaryClient]


@pytest.fixture
def browser_of(world: World) -> ClientFactory:
    """`browser_of(user, organization)`: a signed-in client; `browser_of(None, …)`: anonymous;
    without an organization the operator host. With their second factor unless `verified=False`;
    as if they had just said who they are, unless `confirmed=False`."""

    def make(
        user: User | None,
        organization: Organization | None = None,
        *,
        verified: bool = True,
        confirmed: bool = True,
        acting_inside: Organization | None = None,
    ) -> CanaryClient:
        host = organization.host if organization else "localhost:8000"
        other = {"acme": "globex", "globex": "acme"}.get(organization.slug if organization else "")
        client = CanaryClient(host, CANARIES[other] if other else "")
        if user is not None:
            start_session(client, user, organization, verified=verified, confirmed=confirmed)
        if acting_inside is not None:
            _act_inside(client, user, acting_inside)
        return client

    return make


def start_session(
    client: Client,
    user: User,
    organization: Organization | None,
    *,
    verified: bool = True,
    confirmed: bool = True,
) -> None:
    """A session as `accounts.actions.sign_in` leaves it."""
    with door():
        client.force_login(user)
        session = client.session
        session[SESSION_HOST_KEY] = host_key(organization)
        if confirmed:
            session[CONFIRMED_KEY] = timezone.now().timestamp()
        session[SIGN_IN_KEY] = {
            "user_id": str(user.pk),
            "organization_id": str(organization.pk) if organization else None,
            "limits": "super_admin" if user.is_super_admin else "member",
            "device": "Chrome on Linux",
            "address": "127.0.0.1",
            "signed_in_at": timezone.now().isoformat(),
        }
        if verified and (device := TOTPDevice.objects.filter(user=user).first()):
            session[DEVICE_ID_SESSION_KEY] = device.persistent_id
        session.save()


def _act_inside(client: Client, user: User | None, organization: Organization) -> None:
    """A session as entering an organization leaves it."""
    now = timezone.now()
    assert user is not None
    with door():
        acting = ActingInside.objects.create(
            organization=organization, user=user, user_label=user.display_name,
            reason="A caller asked why", consented_at=now, started_at=now,
            ends_at=now + timedelta(minutes=30),
        )  # fmt: skip
        session = client.session
        session[ACTING_KEY] = str(acting.pk)
        session.save()


@pytest.fixture(scope="session")
def servers(django_db_setup: World) -> Iterator[Servers]:
    """`web` and `live` as real processes; use it with `committed`."""
    with running_servers() as started:
        yield started
