from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from agents.models import API_KEY_FIELD, ApiKeyState, RetellConnection
from tenants import encryption
from tenants.models import Organization
from testing.retell_api import API_KEYS, FaultyRetell


def connect(organization: Organization, retell: FaultyRetell) -> None:
    """With an API key of its workspace, inside its context."""
    sealed = encryption.encrypt(
        API_KEYS["acme"], organization_id=organization.pk, field=API_KEY_FIELD
    )
    RetellConnection.objects.filter(pk=1).update(
        api_key_encrypted=sealed,
        api_key_state=ApiKeyState.OK,
        workspace_id=retell.acme.org_id,
        connected_at=timezone.now() - timedelta(hours=2),
    )


@pytest.fixture
def connected(in_acme: Organization, retell_api: FaultyRetell, settings: Any) -> FaultyRetell:
    """Acme with an API key of its workspace. Few calls are asked for one by one."""
    settings.RECONCILE_SINGLE_CALLS = 5
    connect(in_acme, retell_api)
    return retell_api
