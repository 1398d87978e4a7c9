"""Show an organization's webhook URL, or exchange it for a new one."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandParser

from agents.connection.actions.webhook_url import OLD_URL_VALID_DAYS, rotate
from operations.management.commands._organization import OrganizationCommand
from tenants.models import Organization
from tenants.scope import platform


class Command(OrganizationCommand):
    help = "Print the webhook URL to paste into Retell; --rotate makes a new one."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--rotate",
            action="store_true",
            help=f"Make a new URL; the old one works for {OLD_URL_VALID_DAYS} more days.",
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def change(self, organization: Organization, **options: Any) -> str:
        if options["rotate"]:
            rotate(organization)
        with platform():
            endpoints = list(organization.webhook_endpoints.valid())
        current = next(endpoint for endpoint in endpoints if endpoint.expires_at is None)
        if not options["json"]:
            return current.url
        old = [
            {"url": endpoint.url, "works_until": endpoint.expires_at.isoformat()}
            for endpoint in endpoints
            if endpoint.expires_at is not None
        ]
        return json.dumps(
            {"organization": organization.slug, "webhook_url": current.url, "old_urls": old}
        )
