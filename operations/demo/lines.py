"""Where the live feed of the demo goes."""

from __future__ import annotations

from agents.connection.keys import signing_keys
from operations.demo.feeding import Line
from tenants.models import WebhookEndpoint
from tenants.pin import organization_context
from tenants.scope import platform


def find_lines() -> list[Line]:
    """Where the demo organizations' webhooks go and what signs them."""
    with platform():
        endpoints = list(
            WebhookEndpoint.objects.filter(
                organization__is_demo=True, organization__status="active", expires_at=None
            ).select_related("organization")
        )
    lines = []
    for endpoint in endpoints:
        with organization_context(endpoint.organization):
            keys, _ = signing_keys(endpoint.organization_id)
        if keys:
            lines.append(Line(endpoint.organization.slug, endpoint.url, keys[0]))
    return lines
