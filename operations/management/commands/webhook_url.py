"""Show an organization's webhook URL, or exchange it for a new one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from operations import organizations
from operations.management.commands._organization import OrganizationCommand
from tenants.models import Organization
from tenants.scope import platform

OVERLAP_DAYS = 7


class Command(OrganizationCommand):
    help = "Print the webhook URL to paste into Retell; --rotate makes a new one."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--rotate",
            action="store_true",
            help=f"Make a new URL; the old one works for {OVERLAP_DAYS} more days.",
        )

    def change(self, organization: Organization, **options: Any) -> str:
        if options["rotate"]:
            overlap = timezone.now() + timedelta(days=OVERLAP_DAYS)
            return organizations.rotate_webhook_url(organization, old_expires_at=overlap).url
        with platform():
            return organization.webhook_endpoints.get(expires_at=None).url
