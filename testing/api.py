"""Programs that call the API: a client with a key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.api_keys.actions import NewKey, make_key
from accounts.scopes import OF_OPERATOR, OF_ORGANIZATIONS, Scope
from tenants.models import Organization
from testing.fixtures import CANARIES, CanaryClient, World

ProgramFactory = Callable[..., CanaryClient]


def key_of(organization: Organization | None, *scopes: Scope, **options: Any) -> NewKey:
    """A key with these scopes, or with all that there are on its host."""
    wanted = scopes or tuple(OF_ORGANIZATIONS if organization else OF_OPERATOR)
    name = options.pop("name", "Warehouse")
    return make_key(organization, name=name, scopes=wanted, created_by="Alice", **options)


def client_with(organization: Organization | None, credential: str) -> CanaryClient:
    host = organization.host if organization else "localhost:8000"
    other = {"acme": "globex", "globex": "acme"}.get(organization.slug if organization else "")
    canary = CANARIES[other] if other else ""
    return CanaryClient(host, canary, HTTP_AUTHORIZATION=f"Bearer {credential}")


@pytest.fixture
def program(world: World) -> ProgramFactory:
    """`program(organization, *scopes)`: a client with a key; without an organization one of the
    operator's. All scopes when none is named."""

    def make(organization: Organization | None, *scopes: Scope, **options: Any) -> CanaryClient:
        return client_with(organization, key_of(organization, *scopes, **options).text)

    return make
